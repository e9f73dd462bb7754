//! The words that every room shares: typed ids, instants, money, grades, rows,
//! changes, findings, policies, proposals.
//!
//! Deliberately not here: SQL, HTTP, async, files, clock reads (but for the one
//! system clock in [`time`]), and any decision.

pub mod change;
pub mod dialect;
pub mod digest;
pub mod entry;
pub mod finding;
pub mod grade;
pub mod ids;
pub mod image;
pub mod money;
pub mod operation;
pub mod policy;
pub mod proposal;
pub mod row;
pub mod time;
pub mod written;

pub use change::{
    Change, Judgement, LoggedWriter, Observed, RuleHit, SourceTransaction, Stamp, Standing, Verdict,
};
pub use dialect::Dialect;
pub use digest::Digest;
pub use finding::{ColumnChange, Finding, FindingKind, Risk};
pub use grade::{Figure, Grade, Level};
pub use ids::*;
pub use money::Money;
pub use operation::{Actor, Operation};
pub use policy::{SourcePolicy, TablePolicy, TableSchema};
pub use proposal::{RepairAction, RepairProposal, RepairStep};
pub use row::{Key, Row, Value, ValueRef};
pub use time::{Clock, Instant, SystemClock};
pub use written::{PartRow, RowWrite, WrittenTransaction};
