//! A schedule as the page shows it: two weeks of shifts with gaps and changes of the clock, its
//! rotations from the top down, its overrides; and the time zones to choose from.
//!
//! Deliberately not here: who is on duty (`incident::rota`) and edits (`rota`).

use crate::view::View;
use desk::KeptSchedule;
use document::{Catalogue, Value};
use incident::rota::{Covers, Every, Layer, Schedule, Shift};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use model::{AccountId, Instant};
use std::collections::HashMap;

/// Days that are shown ahead.
const AHEAD_S: i64 = 14 * 86_400;
/// Lines of one schedule: two weeks of turns of eight hours; the rest is counted.
const MAX_LINES: usize = 42;
/// Lines that are shown without a click, and the most of them for a gap further on.
const SOON: usize = 8;
const SOON_MOST: usize = 20;
/// Time zones that a form offers, each with words under `call-out-zone-NAME`. A schedule may be
/// in any other zone of the IANA database.
pub(crate) const ZONES: [&str; 25] = [
    "Asia/Shanghai",
    "Asia/Urumqi",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Jakarta",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/London",
    "UTC",
    "Africa/Johannesburg",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// People by their accounts.
pub(crate) type Names = HashMap<AccountId, String>;

pub(crate) struct ScheduleCard {
    pub kept: KeptSchedule,
    pub covers: String,
    pub zone: String,
    pub lines: Vec<Line>,
    /// Shifts beyond `MAX_LINES`.
    pub more: usize,
    pub gaps: usize,
    /// When the duty changes next, and to whom; empty for a gap.
    pub next: Option<(Instant, String)>,
    /// The topmost first.
    pub layers: Vec<LayerLine>,
    pub overrides: Vec<OverrideLine>,
}

/// A shift, or a change of the clock.
#[derive(Default)]
pub(crate) struct Line {
    /// Only of a change of the clock.
    pub clock: Option<String>,
    /// On the wall clocks of the schedule's zone.
    pub from: String,
    pub to: String,
    pub now: bool,
    /// Empty: a gap.
    pub who: String,
    pub instead_of: String,
    pub why: &'static str,
    /// When the turn begins, and who is on duty in it today where a preview changes that; empty
    /// for nobody.
    pub begins: Instant,
    pub was: Option<String>,
}

pub(crate) struct LayerLine {
    /// From the bottom, as it is kept.
    pub index: usize,
    pub turns: String,
    pub from: String,
    pub until: Option<String>,
    pub people: Vec<String>,
}

pub(crate) struct OverrideLine {
    pub index: usize,
    pub who: String,
    pub instead_of: String,
    pub from: String,
    pub to: String,
}

impl ScheduleCard {
    pub fn of(v: &View<'_>, names: &Names, kept: KeptSchedule) -> Self {
        let clock = Clock::of(v.visit.words(), &kept.schedule.time_zone);
        let until = v.now.plus_s(AHEAD_S);
        let shifts = v.visit.desk().shifts(&kept.schedule, v.now, until);
        let gaps = shifts.iter().filter(|s| s.duty.is_none()).count();
        let who = |s: &Shift| (s.duty.as_ref()).map_or_else(String::new, |d| name(names, &d.who));
        let next = shifts.get(1).map(|s| (s.from, who(s)));
        let more = shifts.len().saturating_sub(MAX_LINES);
        let shown = &shifts[..shifts.len() - more];
        let end = shown.last().map_or(v.now, |s| s.to);
        let mut lines: Vec<(Instant, Line)> = clock.changes(v.now, end);
        let turns = shown.iter().map(|s| {
            let instead_of = s.duty.as_ref().and_then(|d| d.instead_of.as_ref());
            let line = Line {
                clock: None,
                from: clock.wall(s.from),
                to: clock.wall(s.to),
                now: s.from <= v.now && v.now < s.to,
                who: who(s),
                instead_of: instead_of.map_or_else(String::new, |id| name(names, id)),
                why: s.duty.as_ref().map_or("gap", |d| d.why.code()),
                begins: s.from,
                was: None,
            };
            (s.from, line)
        });
        lines.extend(turns);
        lines.sort_by_key(|(at, _)| *at);
        let layers = kept.schedule.layers.iter().enumerate().rev();
        let layers = layers.map(|(index, layer)| layer_line(v, names, index, layer));
        let kept_overrides = kept.schedule.overrides.iter().enumerate();
        let ahead = kept_overrides.filter(|(_, o)| o.to > v.now);
        let overrides = ahead.map(|(index, o)| OverrideLine {
            index,
            who: name(names, &o.who),
            instead_of: (o.instead_of.as_ref()).map_or_else(String::new, |id| name(names, id)),
            from: clock.wall(o.from),
            to: clock.wall(o.to),
        });
        Self {
            covers: covers(v, &kept.schedule.covers),
            zone: zone_words(v.visit.words(), &kept.schedule.time_zone, v.now),
            lines: lines.into_iter().map(|(_, line)| line).collect(),
            more,
            gaps,
            next,
            layers: layers.collect(),
            overrides: overrides.collect(),
            kept,
        }
    }
}

impl ScheduleCard {
    /// Marks the turns in which somebody else is on duty than in another schedule: at their
    /// beginning, or at a hand-over of the other one within them.
    pub fn compare(&mut self, v: &View<'_>, names: &Names, other: &Schedule) {
        let until = v.now.plus_s(AHEAD_S);
        let shifts = v.visit.desk().shifts(other, v.now, until);
        let who = |s: &Shift| (s.duty.as_ref()).map_or_else(String::new, |d| name(names, &d.who));
        let turns = self.lines.iter_mut().filter(|l| l.clock.is_none());
        let mut turns: Vec<&mut Line> = turns.collect();
        for at in 0..turns.len() {
            let end = turns.get(at + 1).map_or(until, |next| next.begins);
            let line = &mut turns[at];
            let within = shifts.iter().filter(|s| s.from < end && line.begins < s.to);
            line.was = within.map(who).find(|before| *before != line.who);
        }
    }

    /// Names a form of the schedule on the page.
    pub fn form(&self, kind: &str) -> String {
        format!("{kind}-{}", self.kept.id)
    }

    /// What is shown at once; a gap or a change of the clock further on too.
    fn split(&self) -> usize {
        let special = |l: &Line| l.clock.is_some() || l.who.is_empty() || l.was.is_some();
        let last = self.lines.iter().rposition(special).map_or(0, |at| at + 1);
        last.clamp(SOON, SOON_MOST).min(self.lines.len())
    }
    pub fn soon(&self) -> &[Line] {
        &self.lines[..self.split()]
    }
    pub fn later(&self) -> &[Line] {
        &self.lines[self.split()..]
    }
}

pub(crate) fn name(names: &Names, who: &AccountId) -> String {
    names.get(who).cloned().unwrap_or_else(|| who.to_string())
}

fn covers(v: &View<'_>, covers: &Covers) -> String {
    match covers {
        Covers::Position(id) => v.position(id),
        Covers::Group(id) => {
            let group = v.visit.plan.group(id);
            group.map_or_else(|| id.to_string(), |g| v.pick(&g.title).to_owned())
        }
    }
}

fn layer_line(v: &View<'_>, names: &Names, index: usize, layer: &Layer) -> LayerLine {
    let words = v.visit.words();
    let day = format!("call-out-day-{}", layer.weekday.to_monday_one_offset());
    let (key, n) = match layer.every {
        Every::Weeks(n) => ("call-out-turns-weeks", n),
        Every::Days(n) => ("call-out-turns-days", n),
        Every::Hours(n) => ("call-out-turns-hours", n),
    };
    let time = layer.hand_over.strftime("%H:%M").to_string();
    let values = [
        ("n", Value::from(i64::from(n))),
        ("day", Value::from(words.text(&day).into_owned())),
        ("time", Value::from(time)),
    ];
    LayerLine {
        index,
        turns: words.with(key, &values),
        from: layer.from.to_string(),
        until: layer.until.map(|day| day.to_string()),
        people: layer
            .participants
            .iter()
            .map(|who| name(names, who))
            .collect(),
    }
}

/// The zones of a form, each with its words; the first one is chosen where nothing else is.
pub(crate) fn zones(words: &Catalogue, now: Instant) -> Vec<(&'static str, String)> {
    let all = ZONES.into_iter();
    all.map(|zone| (zone, zone_words(words, zone, now)))
        .collect()
}

/// `北京 (Asia/Shanghai, UTC+08:00)`; the offset is that of the moment.
fn zone_words(words: &Catalogue, zone: &str, now: Instant) -> String {
    let offset = Timestamp::from_microsecond(now.0).ok().and_then(|at| {
        let offset = TimeZone::get(zone).ok()?.to_offset(at).seconds();
        let (sign, s) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        Some(format!("UTC{sign}{:02}:{:02}", s / 3600, s % 3600 / 60))
    });
    let offset = offset.unwrap_or_default();
    let key = format!(
        "call-out-zone-{}",
        zone.to_lowercase().replace(['/', '_'], "-")
    );
    match words.get(&key) {
        Some(words) => format!("{words} ({zone}, {offset})"),
        None => format!("{zone} ({offset})"),
    }
}

/// The wall clocks of a zone.
struct Clock {
    words: &'static Catalogue,
    zone: TimeZone,
}

impl Clock {
    fn of(words: &'static Catalogue, zone: &str) -> Self {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        Self { words, zone }
    }

    fn zoned(&self, at: Instant) -> Option<Zoned> {
        let at = Timestamp::from_microsecond(at.0).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    /// `11-24 周二 09:00`.
    fn wall(&self, at: Instant) -> String {
        let Some(zoned) = self.zoned(at) else {
            return at.to_string();
        };
        let day = zoned.weekday().to_monday_one_offset();
        let day = self.words.text(&format!("call-out-dow-{day}"));
        let (date, time) = (zoned.strftime("%m-%d"), zoned.strftime("%H:%M"));
        format!("{date} {day} {time}")
    }

    /// Changes of the clock in a span of time.
    fn changes(&self, from: Instant, to: Instant) -> Vec<(Instant, Line)> {
        let Ok(begin) = Timestamp::from_microsecond(from.0) else {
            return Vec::new();
        };
        let mut before = self.zone.to_offset(begin);
        let mut out = Vec::new();
        for change in self.zone.following(begin) {
            let at = Instant(change.timestamp().as_microsecond());
            if at >= to {
                break;
            }
            let after = change.offset();
            if after == before {
                continue;
            }
            let shown = |offset: jiff::tz::Offset| {
                let local = offset.to_datetime(change.timestamp());
                Value::from(local.strftime("%H:%M").to_string())
            };
            let key = match after > before {
                true => "call-out-clock-forward",
                false => "call-out-clock-back",
            };
            let values = [("from", shown(before)), ("to", shown(after))];
            let line = Line {
                clock: Some(self.words.with(key, &values)),
                from: self.wall(at),
                ..Line::default()
            };
            out.push((at, line));
            before = after;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Lang;

    #[test]
    fn every_zone_is_known_and_has_words_in_both_languages() {
        for lang in Lang::ALL {
            let now = Instant::from_secs(1_790_000_000);
            for (zone, words) in zones(document::words(lang), now) {
                assert!(TimeZone::get(zone).is_ok(), "{zone}");
                assert!(words.contains(&format!("({zone}, UTC")), "{words}");
            }
        }
    }

    #[test]
    fn a_change_of_the_clock_stands_between_the_shifts_with_both_times() {
        let clock = Clock::of(document::words(Lang::En), "Europe/Berlin");
        let at = |text: &str| Instant::parse(text).expect("a time");
        let (from, to) = (at("2026-03-20T00:00:00Z"), at("2026-04-03T00:00:00Z"));
        let changes = clock.changes(from, to);
        let [(when, line)] = &changes[..] else {
            panic!("one change");
        };
        assert_eq!(*when, at("2026-03-29T01:00:00Z"));
        let text = line.clock.clone().expect("words");
        assert_eq!(text, "Clocks go forward: 02:00 becomes 03:00");
        assert_eq!(line.from, "03-29 Sun 03:00");
        let autumn = clock.changes(at("2026-10-20T00:00:00Z"), at("2026-11-03T00:00:00Z"));
        let text = autumn[0].1.clock.clone().expect("words");
        assert_eq!(text, "Clocks go back: 03:00 becomes 02:00");
        assert!(clock.changes(to, at("2026-05-01T00:00:00Z")).is_empty());
        let shanghai = Clock::of(document::words(Lang::Zh), "Asia/Shanghai");
        assert!(shanghai.changes(from, to).is_empty());
    }
}
