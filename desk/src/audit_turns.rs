//! Audits of a part by the clock (`[source.audit]`): one turn every so often while `serve` runs,
//! and what all turns so far have covered. Not here: how rows are compared (`audit_part`).
//!
//! Turns have a thread of their own and never run two at once. The feed is held up only for the
//! moments in which the guard confirms rows that differ. Where the next turn begins, when the last
//! one was, and what was covered stands in the store, so that a restart goes on from there.

use crate::audit_part::{MOST_ROWS, Missed, PartReport, missed};
use crate::{Desk, DeskError, TICK};
use model::{Instant, SourceName};
use recover::audit::{Discrepancy, DiscrepancyKind};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use store::{Batch, Document, PutDocument};

const TURNS: &str = "audit-turns";
/// Turns kept; older ones live on in what was covered.
pub const MOST_TURNS: usize = 50;
/// Differing rows named of one turn; all of them are counted.
pub const MOST_NAMED: usize = 20;
/// Samples count for so many hours: a row that was drawn yesterday says little about today.
const SAMPLE_HOURS: i64 = 24;
const HOUR_S: i64 = 3_600;
const ROWS_A_TURN: u64 = 20_000;
const SHORTEST_S: u32 = 10;
const LONGEST_S: u32 = 30 * 86_400;

/// `[source.audit]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// `30s`, `5m`, `2h`, `1d`
    pub every: Every,
    /// Rows of a turn; 20,000 when neither this nor `share` is given.
    pub rows: Option<u64>,
    /// Share of all rows that a turn takes.
    pub share: Option<f64>,
    #[serde(default)]
    pub mode: AuditMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditMode {
    /// The next rows in key order, table by table, round and round.
    #[default]
    Range,
    /// Rows drawn at random.
    Sample,
}

impl AuditMode {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::Sample => "sample",
        }
    }
}

/// A span of time as people write it: a whole number and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Every {
    pub seconds: u32,
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
        let read = units.iter().find_map(|(unit, seconds)| {
            let number: u32 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(*seconds)
        });
        let seconds = read.ok_or_else(|| {
            format!(
                "`{text}` is no span of time; write for example \"30s\", \"5m\", \"2h\" or \"1d\""
            )
        })?;
        Ok(Self { seconds })
    }
}

/// How many rows a turn takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    Rows(u64),
    Share(f64),
}

impl Amount {
    pub fn rows_of(self, total: u64) -> u64 {
        match self {
            Self::Rows(rows) => rows,
            Self::Share(share) => ((total as f64 * share).ceil() as u64).clamp(1, MOST_ROWS),
        }
    }
}

impl AuditConfig {
    pub(crate) fn amount(&self) -> Amount {
        match (self.rows, self.share) {
            (_, Some(share)) => Amount::Share(share),
            (rows, None) => Amount::Rows(rows.unwrap_or(ROWS_A_TURN)),
        }
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(SHORTEST_S..=LONGEST_S).contains(&self.every.seconds) {
            return Some("`every` is between 10s and 30d".to_owned());
        }
        match (self.rows, self.share) {
            (Some(_), Some(_)) => Some("has `rows` or `share`, not both".to_owned()),
            (Some(rows), _) if rows == 0 || rows > MOST_ROWS => {
                Some(format!("`rows` is between 1 and {MOST_ROWS}"))
            }
            (_, Some(share)) if !(share > 0.0 && share <= 1.0) => {
                Some("`share` is above 0 and at most 1; 0.01 is one row in a hundred".to_owned())
            }
            _ => None,
        }
    }
}

/// One turn that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub at: Instant,
    pub mode: AuditMode,
    pub rows: u64,
    pub total: u64,
    /// Rows that do not stand as they lawfully should.
    pub differing: u64,
    /// At most [`MOST_NAMED`] of them.
    pub named: Vec<DifferingRow>,
}

impl Turn {
    /// The turn as it would stand without some rows. Of rows that are counted and not named nobody
    /// can tell whether they are among them, so they go too.
    pub(crate) fn leave_out(&mut self, hidden: impl Fn(&str, &str) -> bool) {
        let before = self.named.len();
        self.named.retain(|row| !hidden(&row.table, &row.key));
        if self.named.len() < before || self.differing > before as u64 {
            self.differing = self.named.len() as u64;
        }
    }
}

/// A row that differs, without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingRow {
    pub table: String,
    pub key: String,
    pub kind: DiscrepancyKind,
    /// Columns that differ, of an altered row.
    pub columns: Vec<String>,
}

impl DifferingRow {
    fn of(found: &Discrepancy) -> Self {
        let columns = match found.kind {
            DiscrepancyKind::Altered => found.columns.iter().map(|c| c.name.clone()).collect(),
            _ => Vec::new(),
        };
        Self {
            table: found.table.clone(),
            key: found.key.clone(),
            kind: found.kind,
            columns,
        }
    }
}

/// A whole round in key order: every row was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    pub began_at: Instant,
    pub ended_at: Instant,
    pub rows: u64,
}

/// What was covered since when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Covered {
    pub mode: AuditMode,
    pub since: Instant,
    /// Share of all rows that was looked at; of samples the share to be expected.
    pub share: f64,
    /// The probability that so many tampered rows, wherever they lie, would all have been missed.
    pub missed: Vec<Missed>,
}

/// The partial audits of one source: how they are set, and what came of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartAudits {
    /// Seconds from turn to turn; `None`: only by hand.
    pub every_s: Option<u32>,
    pub mode: Option<AuditMode>,
    pub rows_a_turn: Option<u64>,
    pub share_a_turn: Option<f64>,
    pub next_at: Option<Instant>,
    pub covered: Vec<Covered>,
    pub last_round: Option<Round>,
    /// Newest first.
    pub turns: Vec<Turn>,
    /// Why the last attempt came to nothing.
    pub problem: Option<String>,
}

/// What the store holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    tried_at: Option<Instant>,
    problem: Option<String>,
    /// Newest first.
    turns: Vec<Turn>,
    round: Option<OpenRound>,
    last_round: Option<Round>,
    samples: Vec<SampleHour>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct OpenRound {
    began_at: Instant,
    share: f64,
}

/// The samples of one hour.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct SampleHour {
    began_at: Instant,
    /// The chance of a row not to be drawn by any of them.
    passed_over: f64,
}

impl Kept {
    fn add(&mut self, report: &PartReport, mode: AuditMode) {
        let at = report.taken_at;
        (self.tried_at, self.problem) = (Some(at), None);
        let turn = Turn {
            at,
            mode,
            rows: report.rows,
            total: report.total,
            differing: report.discrepancies.len() as u64,
            named: (report.discrepancies.iter().take(MOST_NAMED))
                .map(DifferingRow::of)
                .collect(),
        };
        self.turns.insert(0, turn);
        self.turns.truncate(MOST_TURNS);
        match mode {
            AuditMode::Sample => self.add_sample(at, report.share),
            AuditMode::Range if report.round_done => {
                self.round = None;
                self.last_round = Some(Round {
                    began_at: report.round_began_at,
                    ended_at: at,
                    rows: report.covered,
                });
            }
            AuditMode::Range => {
                self.round = Some(OpenRound {
                    began_at: report.round_began_at,
                    share: report.share,
                });
            }
        }
    }

    fn add_sample(&mut self, at: Instant, share: f64) {
        let begin = at.plus_s(-SAMPLE_HOURS * HOUR_S);
        // Hours of a clock that went back are from the future: they count no more.
        self.samples
            .retain(|hour| hour.began_at > begin && hour.began_at <= at);
        match self.samples.last_mut() {
            Some(hour) if at.since_s(hour.began_at) < HOUR_S as f64 => {
                hour.passed_over *= 1.0 - share;
            }
            _ => self.samples.push(SampleHour {
                began_at: at,
                passed_over: 1.0 - share,
            }),
        }
    }

    fn covered(&self, now: Instant) -> Vec<Covered> {
        let of = |mode, since, share: f64| Covered {
            mode,
            since,
            share,
            missed: missed(share),
        };
        let range = match (self.round, self.last_round) {
            (Some(round), _) => Some(of(AuditMode::Range, round.began_at, round.share)),
            (None, Some(last)) => Some(of(AuditMode::Range, last.began_at, 1.0)),
            (None, None) => None,
        };
        let begin = now.plus_s(-SAMPLE_HOURS * HOUR_S);
        let recent = || self.samples.iter().filter(|hour| hour.began_at > begin);
        let passed_over: f64 = recent().map(|hour| hour.passed_over).product();
        let sample = recent().next().map(|first| {
            of(
                AuditMode::Sample,
                first.began_at,
                (1.0 - passed_over).clamp(0.0, 1.0),
            )
        });
        range.into_iter().chain(sample).collect()
    }
}

impl Desk {
    /// Begins to take turns by the clock, where a source asks for them.
    pub fn start_audits(&self) -> Result<(), DeskError> {
        if self.config().source.iter().all(|s| s.audit.is_none()) {
            return Ok(());
        }
        let desk = self.clone();
        self.thread("audits", move || {
            while !desk.inner.stopping.load(Ordering::SeqCst) {
                desk.take_due_audits();
                desk.pause(TICK);
            }
        })
    }

    /// Takes the turns that are due now, one after the other; gives their number.
    pub fn take_due_audits(&self) -> usize {
        let mut taken = 0;
        for source in &self.config().source {
            let Some(audit) = &source.audit else { continue };
            match self.take_if_due(&source.name, audit) {
                Ok(due) => taken += usize::from(due),
                Err(error) => {
                    tracing::warn!(source = %source.name, error = %error.told(), "a partial audit came to nothing; it is tried again at its next turn");
                }
            }
        }
        taken
    }

    fn take_if_due(&self, source: &SourceName, audit: &AuditConfig) -> Result<bool, DeskError> {
        let (kept, _) = self.kept(source)?;
        let now = self.now();
        let every = f64::from(audit.every.seconds);
        // A clock that went back by more than a turn makes it due too.
        if (kept.tried_at).is_some_and(|tried| now.since_s(tried).abs() < every) {
            return Ok(false);
        }
        let in_turn = audit.mode == AuditMode::Range;
        match self.audit_amount(source, audit.amount(), in_turn) {
            Ok(report) => {
                if !report.discrepancies.is_empty() {
                    tracing::warn!(source = %source, rows = report.discrepancies.len(), "a partial audit found rows that differ");
                }
                Ok(true)
            }
            // Somebody audits a part by hand, or there is nothing to audit yet: no turn is used up.
            Err(DeskError::Refused(_) | DeskError::NoBaseline { .. }) => Ok(false),
            Err(error) => {
                self.put_kept(source, now, |kept| {
                    (kept.tried_at, kept.problem) = (Some(now), Some(error.told()));
                })?;
                Err(error)
            }
        }
    }

    /// Every partial audit counts for what is covered, also one that was run by hand.
    pub(crate) fn note_part(
        &self,
        source: &SourceName,
        report: &PartReport,
        in_turn: bool,
    ) -> Result<(), DeskError> {
        let mode = match in_turn {
            true => AuditMode::Range,
            false => AuditMode::Sample,
        };
        self.put_kept(source, report.taken_at, |kept| kept.add(report, mode))?;
        self.touched();
        Ok(())
    }

    /// How a source's partial audits are set, and what they have covered.
    pub fn part_audits(&self, source: &SourceName) -> Result<PartAudits, DeskError> {
        let config = self.source_config(source)?.audit.as_ref();
        let (kept, _) = self.kept(source)?;
        let amount = config.map(AuditConfig::amount);
        let every_s = config.map(|c| c.every.seconds);
        Ok(PartAudits {
            every_s,
            mode: config.map(|c| c.mode),
            rows_a_turn: amount.and_then(|a| match a {
                Amount::Rows(rows) => Some(rows),
                Amount::Share(_) => None,
            }),
            share_a_turn: amount.and_then(|a| match a {
                Amount::Share(share) => Some(share),
                Amount::Rows(_) => None,
            }),
            next_at: (every_s.zip(kept.tried_at)).map(|(s, at)| at.plus_s(i64::from(s))),
            covered: kept.covered(self.now()),
            last_round: kept.last_round,
            turns: kept.turns,
            problem: kept.problem,
        })
    }

    fn kept(&self, source: &SourceName) -> Result<(Kept, Option<u64>), DeskError> {
        let stored: Option<Document> = self.store().document(TURNS, source.as_str())?;
        Ok(match stored {
            Some(document) => (
                serde_json::from_str(&document.json)?,
                Some(document.version),
            ),
            None => (Kept::default(), None),
        })
    }

    fn put_kept(
        &self,
        source: &SourceName,
        at: Instant,
        change: impl FnOnce(&mut Kept),
    ) -> Result<(), DeskError> {
        let (mut kept, expect_version) = self.kept(source)?;
        change(&mut kept);
        let document = PutDocument {
            collection: TURNS,
            id: source.to_string(),
            expect_version,
            json: serde_json::to_string(&kept)?,
            at,
        };
        self.store().commit(Batch {
            documents: vec![document],
            ..Batch::default()
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataFolder;
    use crate::config::{Config, SourceConfig};
    use testkit::{SmallShop, TempFolder, small_shop_policy};

    fn every(text: &str) -> Result<u32, String> {
        Every::try_from(text.to_owned()).map(|every| every.seconds)
    }

    #[test]
    fn spans_are_numbers_with_a_unit() {
        assert_eq!(every("30s"), Ok(30));
        assert_eq!(every("5m"), Ok(300));
        assert_eq!(every("2h"), Ok(7_200));
        assert_eq!(every("1d"), Ok(86_400));
        for wrong in ["", "5", "m", "-1m", "1.5h", "99999999d", "5 minutes"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let parse = |settings: &str| {
            Config::parse(&format!(
                "[[source]]\nname = \"shop\"\nkind = \"sqlite\"\npath = \"a\"\n[source.audit]\n{settings}"
            ))
        };
        let told = |settings: &str| parse(settings).unwrap_err();
        assert!(told("rows = 5").contains("every"));
        assert!(told("every = \"often\"").contains("no span of time"));
        assert!(told("every = \"1s\"").contains("between 10s and 30d"));
        assert!(told("every = \"5m\"\nrows = 0").contains("between 1 and"));
        assert!(told("every = \"5m\"\nshare = 1.5").contains("at most 1"));
        assert!(told("every = \"5m\"\nshare = nan").contains("at most 1"));
        assert!(told("every = \"5m\"\nrows = 5\nshare = 0.5").contains("not both"));
        assert!(told("every = \"5m\"\nmode = \"all\"").contains("range"));
        let good = parse("every = \"5m\"\nshare = 0.01\nmode = \"sample\"").unwrap();
        let audit = good.source[0].audit.clone().unwrap();
        assert_eq!(audit.amount().rows_of(1_000), 10);
        assert_eq!(audit.amount().rows_of(3), 1);
        let plain = parse("every = \"5m\"").unwrap().source[0].audit.clone();
        assert_eq!(plain.unwrap().amount(), Amount::Rows(20_000));
    }

    #[test]
    fn samples_add_up_for_a_day() {
        let begin = Instant::from_secs(1_000_000);
        let mut kept = Kept::default();
        kept.add_sample(begin, 0.5);
        kept.add_sample(begin.plus_s(60), 0.5);
        kept.add_sample(begin.plus_s(4_000), 0.5);
        let covered = &kept.covered(begin.plus_s(5_000))[0];
        assert_eq!((covered.share, covered.since), (0.875, begin));
        assert_eq!(covered.missed[0].probability, 0.125);
        // A day later only the newest hour still counts.
        let later = begin.plus_s(86_400 + 60);
        assert_eq!(kept.covered(later)[0].share, 0.5);
        assert!(kept.covered(later.plus_s(86_400)).is_empty());
    }

    #[test]
    fn never_two_at_once() {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 20, 7);
        let audit = AuditConfig {
            every: Every { seconds: 60 },
            rows: Some(5),
            share: None,
            mode: AuditMode::Range,
        };
        let source = SourceConfig {
            audit: Some(audit),
            ..SourceConfig::sqlite(small_shop_policy(), shop.path())
        };
        let (name, config) = (
            source.name.clone(),
            Config {
                source: vec![source],
                ..Config::default()
            },
        );
        let desk = Desk::open(DataFolder::new(folder.join("data")), config).unwrap();
        desk.baseline(&name, false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        let held = desk.inner.auditing.lock().unwrap();
        assert_eq!(desk.take_due_audits(), 0);
        let by_hand = desk.audit_part(&name, crate::audit_part::Part::InTurn { rows: 5 });
        assert!(matches!(by_hand, Err(DeskError::Refused(_))));
        drop(held);
        // It was put off, not used up.
        assert_eq!(desk.take_due_audits(), 1);
        assert_eq!(desk.part_audits(&name).unwrap().turns.len(), 1);
        desk.stop();
    }
}
