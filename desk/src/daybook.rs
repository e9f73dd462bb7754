//! What a day of watching a source was like: changes, findings, blind time, load on the shop. The
//! shadow report is made of these days, so that a team can trust the guard before it lets it act.

use crate::{Desk, DeskError};
use connect::source::SourceLoad;
use model::{Finding, FindingKind, Instant, SourceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Batch, PutDocument};

const DAYS: &str = "watch-day";
/// Days kept in one report; design: a first month of watching, and room for a second.
pub const MOST_DAYS: u32 = 62;
/// A day is written out so often.
const WRITE_EVERY_S: f64 = 30.0;
const DAY_S: i64 = 86_400;

/// One day, UTC, of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// `2026-01-31`
    pub date: String,
    pub changes: u64,
    /// Findings by kind, as they were raised.
    pub findings: BTreeMap<String, u64>,
    /// Findings that a person has called lawful: false alarms.
    #[serde(default)]
    pub false_alarms: u64,
    /// Findings that no person has judged yet.
    #[serde(default)]
    pub unjudged: u64,
    pub blind_s: u64,
    pub most_retained_bytes: Option<u64>,
    pub most_connections: u32,
    pub most_lag_s: Option<f64>,
    /// CPU seconds that the server spent on our connections, where it tells.
    pub server_cpu_s: Option<f64>,
    pub whole_comparisons: u64,
}

/// The day at hand, kept by the guard.
#[derive(Debug)]
pub(crate) struct Daybook {
    source: SourceName,
    day: Day,
    number: i64,
    version: Option<u64>,
    written_at: Instant,
    /// Totals of the process so far, of which days get the increase.
    comparisons: u64,
    cpu_s: f64,
}

impl Daybook {
    pub fn open(desk: &Desk, source: &SourceName) -> Result<Self, DeskError> {
        let now = desk.now();
        let mut book = Self {
            source: source.clone(),
            day: Day::default(),
            number: day_of(now),
            version: None,
            written_at: now,
            comparisons: 0,
            cpu_s: 0.0,
        };
        book.begin(desk)?;
        Ok(book)
    }

    /// Takes up the day at hand, which another run may have begun.
    fn begin(&mut self, desk: &Desk) -> Result<(), DeskError> {
        let date = date_of(self.number);
        let stored = desk.store().document(DAYS, &id(&self.source, &date))?;
        self.version = stored.as_ref().map(|document| document.version);
        self.day = match stored {
            Some(document) => serde_json::from_str(&document.json)?,
            None => Day {
                date,
                ..Day::default()
            },
        };
        Ok(())
    }

    pub fn changes(&mut self, count: u64) {
        self.day.changes += count;
    }

    pub fn found(&mut self, new: &[Finding]) {
        for finding in new {
            *self.day.findings.entry(code(finding.kind)).or_default() += 1;
        }
    }

    /// A blind time counts for the day on which it ended.
    pub fn blind(&mut self, since: Instant, until: Instant) {
        self.day.blind_s += until.since_s(since).max(0.0).round() as u64;
    }

    pub fn load(&mut self, load: SourceLoad) {
        let day = &mut self.day;
        day.most_retained_bytes = day.most_retained_bytes.max(load.retained_bytes);
        day.most_connections = day.most_connections.max(load.connections);
        day.most_lag_s = match (day.most_lag_s, load.lag_s) {
            (Some(most), Some(lag)) => Some(most.max(lag)),
            (most, lag) => most.or(lag),
        };
        day.whole_comparisons += load.whole_comparisons.saturating_sub(self.comparisons);
        self.comparisons = load.whole_comparisons;
        if let Some(cpu_s) = load.server_cpu_s {
            *day.server_cpu_s.get_or_insert(0.0) += (cpu_s - self.cpu_s).max(0.0);
            self.cpu_s = cpu_s;
        }
    }

    /// Writes the day when it is time, and begins the next one when it has ended.
    pub fn keep(&mut self, desk: &Desk, now: Instant) -> Result<(), DeskError> {
        let over = day_of(now) != self.number;
        if !over && now.since_s(self.written_at).abs() < WRITE_EVERY_S {
            return Ok(());
        }
        self.write(desk, now)?;
        if over {
            self.number = day_of(now);
            self.begin(desk)?;
        }
        Ok(())
    }

    pub fn write(&mut self, desk: &Desk, now: Instant) -> Result<(), DeskError> {
        let document = PutDocument {
            collection: DAYS,
            id: id(&self.source, &self.day.date),
            expect_version: self.version,
            json: serde_json::to_string(&self.day)?,
            at: now,
        };
        desk.store().commit(Batch {
            documents: vec![document],
            ..Batch::default()
        })?;
        self.version = Some(self.version.unwrap_or(0) + 1);
        self.written_at = now;
        Ok(())
    }
}

/// The last days of a source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowReport {
    pub source: SourceName,
    /// True: findings are stored and listed, but nobody is called and nothing may be repaired.
    pub shadow: bool,
    /// The oldest first.
    pub days: Vec<Day>,
    /// Alarms a day that a person called lawful, over the days reported.
    pub false_alarms_a_day: f64,
    pub blind_minutes: f64,
}

impl Desk {
    /// What the last `days` days of watching were like.
    pub fn shadow_report(&self, source: &SourceName, days: u32) -> Result<ShadowReport, DeskError> {
        let shadow = self.source_config(source)?.shadow;
        let today = day_of(self.now());
        let days = i64::from(days.clamp(1, MOST_DAYS));
        let judged_on = self.judged_by_day(source)?;
        let mut found = Vec::new();
        for number in today - days + 1..=today {
            let stored = self.store().document(DAYS, &id(source, &date_of(number)))?;
            let Some(stored) = stored else { continue };
            let mut day: Day = serde_json::from_str(&stored.json)?;
            let judged = judged_on.get(&number).copied().unwrap_or_default();
            day.false_alarms = judged.lawful;
            let alarms: u64 = (day.findings.iter())
                .filter(|(kind, _)| !matches!(kind.as_str(), "unwitnessed" | "in_window"))
                .map(|(_, count)| count)
                .sum();
            day.unjudged = alarms.saturating_sub(judged.lawful + judged.unlawful);
            found.push(day);
        }
        let over = found.len().max(1) as f64;
        let sum = |of: fn(&Day) -> u64| found.iter().map(of).sum::<u64>() as f64;
        Ok(ShadowReport {
            source: source.clone(),
            shadow,
            false_alarms_a_day: sum(|d| d.false_alarms) / over,
            blind_minutes: sum(|d| d.blind_s) / 60.0,
            days: found,
        })
    }
}

impl ShadowReport {
    /// Takes findings out of the days on which they were raised, as if there had been none.
    pub(crate) fn leave_out<'a>(&mut self, findings: impl Iterator<Item = &'a Finding>) {
        for finding in findings {
            let date = date_of(day_of(finding.seen_at));
            let Some(day) = self.days.iter_mut().find(|d| d.date == date) else {
                continue;
            };
            let kind = code(finding.kind);
            if let Some(count) = day.findings.get_mut(&kind) {
                *count = count.saturating_sub(1);
            }
            day.findings.retain(|_, count| *count > 0);
            day.changes = day.changes.saturating_sub(1);
            if finding.kind.alarms() {
                day.unjudged = day.unjudged.saturating_sub(1);
            }
        }
    }
}

fn code(kind: FindingKind) -> String {
    // A unit variant always serialises as its name.
    serde_json::to_value(kind)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn id(source: &SourceName, date: &str) -> String {
    format!("{source}/{date}")
}

pub(crate) fn day_of(at: Instant) -> i64 {
    at.0.div_euclid(DAY_S * 1_000_000)
}

fn date_of(day: i64) -> String {
    let midnight = Instant::from_secs(day * DAY_S);
    midnight.in_zone("UTC").chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_named() {
        let at = Instant::parse("2026-11-23T23:59:59Z").unwrap();
        assert_eq!(date_of(day_of(at)), "2026-11-23");
        assert_eq!(date_of(day_of(at.plus_s(1))), "2026-11-24");
    }
}
