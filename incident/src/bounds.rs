//! Named bounds of one incident. What goes beyond is refused with the bound's name and number.
//!
//! A fact becomes a journal leaf together with its operation. A leaf has at most 65,535 bytes;
//! a reason of 1,000 characters takes at most 6,000 bytes as JSON, names and ids some hundreds.

/// Characters of a name: code name, name of a piece of evidence, channel, receipt.
pub const MAX_NAME_CHARS: usize = 200;
/// Characters of a text: an order, a result, a decision, a lesson.
pub const MAX_TEXT_CHARS: usize = 2_000;
/// Characters of a reason.
pub const MAX_REASON_CHARS: usize = 1_000;
/// Characters of a notice in one language.
pub const MAX_NOTICE_CHARS: usize = 5_000;
/// Bytes of one fact as JSON: with operation and envelope it fits into a journal leaf.
pub const MAX_FACT_BYTES: usize = 48 * 1024;
/// Row keys named in one command; more are split over several commands.
pub const MAX_KEYS_PER_COMMAND: usize = 1_000;
/// Rows that an incident follows one by one; beyond it only their number is kept, and a clean
/// audit with a person's decision stands for them.
pub const MAX_ROWS: usize = 20_000;
/// Data subjects that are counted exactly; beyond it the number of persons is an estimate.
pub const MAX_SUBJECTS: usize = 20_000;
/// Currencies that money is kept apart in.
pub const MAX_CURRENCIES: usize = 16;
pub const MAX_CALLS: usize = 500;
/// How often one position is called again when nobody else is left to call.
pub const MAX_CALL_ATTEMPTS: u8 = 5;
pub const MAX_ORDERS: usize = 500;
pub const MAX_EVIDENCE: usize = 500;
pub const MAX_TRANSFERS: usize = 100;
/// Journal positions named with one piece of evidence.
pub const MAX_POSITIONS: usize = 200;
pub const MAX_HOLDS: usize = 200;
pub const MAX_REPAIRS: usize = 100;
pub const MAX_NOTICES: usize = 100;
pub const MAX_FILINGS: usize = 300;
pub const MAX_DECISIONS: usize = 500;
pub const MAX_LESSONS: usize = 200;
/// Follow-up measures of one lesson.
pub const MAX_MEASURES: usize = 20;
/// Audits kept; the oldest but the first go.
pub const MAX_AUDITS: usize = 100;
/// Confirmed grades kept, the last one in force; a regrade beyond it is refused.
pub const MAX_GRADES: usize = 50;
/// Criteria that a person holds to be met.
pub const MAX_QUALITATIVE: usize = 50;
/// Lines of the timeline; beyond it lines are counted and no longer kept (the facts are).
pub const MAX_TIMELINE: usize = 5_000;
/// Request ids remembered, so that a retry makes nothing twice.
pub const REMEMBERED_REQUESTS: usize = 256;
/// How far a stated time may lie ahead of the operation's own, in seconds.
pub const CLOCK_TOLERANCE_S: i64 = 60;
/// One-page briefs to the management; at one an hour this is more than a month.
pub const MAX_BRIEFS: usize = 1_000;
