//! The duty rota: who is on call for a position or a group, when, and who stands in.
//!
//! Pure data and pure functions; the caller brings the instant. Deliberately not here: who is
//! called for an incident (`decide::calling`), storing, and who may edit a schedule.

mod duty;
pub mod ical;
mod rotation;

pub use duty::{Duty, Shift, Why, on_duty, shifts};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use model::{AccountId, GroupId, Instant, PositionId};
use serde::{Deserialize, Serialize};

/// Rotations that lie over each other in one schedule.
pub const MAX_LAYERS: usize = 8;
/// People who take turns in one layer.
pub const MAX_PARTICIPANTS: usize = 60;
/// Overrides kept in one schedule; those that are long over are dropped at the next edit.
pub const MAX_OVERRIDES: usize = 200;
/// Absences kept for one person.
pub const MAX_ABSENCES: usize = 100;
pub const MAX_TITLE_CHARS: usize = 80;
/// Longest turn: 52 weeks.
const MAX_WEEKS: u16 = 52;
const MAX_DAYS: u16 = 366;
const MAX_HOURS: u16 = 168;

/// When somebody is on duty for a position or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub title: String,
    pub covers: Covers,
    /// IANA name; hand-over times are wall-clock times of this zone.
    pub time_zone: String,
    /// From the bottom to the top: where an upper layer has somebody on duty, it counts.
    pub layers: Vec<Layer>,
    #[serde(default)]
    pub overrides: Vec<Override>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    content = "id",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Covers {
    Position(PositionId),
    /// Its lead's place: whoever is on duty is called first for the group.
    Group(GroupId),
}

/// People who take turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub every: Every,
    /// The day of the first turn; a weekly rotation begins on the first `weekday` from then on.
    #[serde(with = "as_text")]
    pub from: Date,
    /// Last day on which a turn may begin.
    #[serde(default, with = "perhaps_text")]
    pub until: Option<Date>,
    /// Hand-over, as the wall clock shows it. Where the clock skips it, at the skip's end; where
    /// the clock shows it twice, at the first time.
    #[serde(with = "as_text")]
    pub hand_over: Time,
    /// Day of the hand-over of a weekly rotation.
    #[serde(default = "monday", with = "weekday")]
    pub weekday: Weekday,
    /// In the order of their turns.
    pub participants: Vec<AccountId>,
}

/// Length of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "unit",
    content = "n",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Every {
    Weeks(u16),
    Days(u16),
    /// Hours of the wall clock, so that a turn from 8 to 20 stays so when summer time begins.
    Hours(u16),
}

/// Somebody does another's duty for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub who: AccountId,
    /// `None`: whoever would be on duty, nobody included.
    #[serde(default)]
    pub instead_of: Option<AccountId>,
    pub from: Instant,
    /// The first moment that no longer counts.
    pub to: Instant,
}

/// Somebody cannot be on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    pub who: AccountId,
    pub from: Instant,
    /// The first moment that no longer counts.
    pub to: Instant,
}

/// Why a schedule cannot be kept; the page says it in the reader's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotaProblem {
    #[error(
        "give the schedule a title of at most {MAX_TITLE_CHARS} characters without line breaks"
    )]
    Title,
    #[error("the time zone is not an IANA name such as Asia/Shanghai")]
    Zone,
    #[error("a schedule has 1 to {MAX_LAYERS} rotations")]
    Layers,
    #[error("a rotation has 1 to {MAX_PARTICIPANTS} people, each once")]
    Participants,
    #[error("a turn has 1 to {MAX_HOURS} hours, {MAX_DAYS} days or {MAX_WEEKS} weeks")]
    Turn,
    #[error("an override or absence ends after it begins, and there are at most {MAX_OVERRIDES}")]
    Spans,
}

impl RotaProblem {
    pub const ALL: [Self; 6] = [
        Self::Title,
        Self::Zone,
        Self::Layers,
        Self::Participants,
        Self::Turn,
        Self::Spans,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Zone => "zone",
            Self::Layers => "layers",
            Self::Participants => "participants",
            Self::Turn => "turn",
            Self::Spans => "spans",
        }
    }
}

impl Schedule {
    /// What is wrong with it, if anything.
    pub fn check(&self) -> Result<(), RotaProblem> {
        let title = self.title.trim();
        if title.is_empty()
            || title.chars().count() > MAX_TITLE_CHARS
            || title.chars().any(char::is_control)
        {
            return Err(RotaProblem::Title);
        }
        TimeZone::get(&self.time_zone).map_err(|_| RotaProblem::Zone)?;
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return Err(RotaProblem::Layers);
        }
        self.layers.iter().try_for_each(Layer::check)?;
        let spans = self.overrides.iter().all(|o| o.from < o.to);
        if !spans || self.overrides.len() > MAX_OVERRIDES {
            return Err(RotaProblem::Spans);
        }
        Ok(())
    }

    pub(crate) fn zone(&self) -> TimeZone {
        // `check` has refused unknown names; a database without the zone shows UTC.
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

impl Layer {
    fn check(&self) -> Result<(), RotaProblem> {
        let people = &self.participants;
        let twice = |(i, who)| people[..i].contains(who);
        if people.is_empty()
            || people.len() > MAX_PARTICIPANTS
            || people.iter().enumerate().any(twice)
        {
            return Err(RotaProblem::Participants);
        }
        let (n, most) = match self.every {
            Every::Weeks(n) => (n, MAX_WEEKS),
            Every::Days(n) => (n, MAX_DAYS),
            Every::Hours(n) => (n, MAX_HOURS),
        };
        // jiff's calendar ends with the year 9999; nobody plans beyond this century.
        let sound = |day: Date| (2000..2100).contains(&day.year());
        if n == 0 || n > most || !sound(self.from) || self.until.is_some_and(|d| !sound(d)) {
            return Err(RotaProblem::Turn);
        }
        Ok(())
    }
}

const fn monday() -> Weekday {
    Weekday::Monday
}

/// A weekday as its number, Monday 1 to Sunday 7 (ISO 8601).
mod weekday {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(day: &Weekday, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i8(day.to_monday_one_offset())
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Weekday, D::Error> {
        Weekday::from_monday_one_offset(i8::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// `2026-01-31`, `08:00:00`.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;
    use std::str::FromStr;

    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }
    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

mod perhaps_text {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|day| day.to_string()).serialize(to)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let parsed = text.map(|text| text.parse().map_err(D::Error::custom));
        parsed.transpose()
    }
}
