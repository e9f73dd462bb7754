//! Instants as microseconds since the Unix epoch in UTC, and the one place that reads the clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A moment: microseconds since 1970-01-01T00:00:00Z. Serialised as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(pub i64);

impl Instant {
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }
    pub const fn plus_s(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(1_000_000)))
    }
    /// Seconds from `earlier` to this instant, with fraction; negative if it lies before.
    pub fn since_s(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1e6
    }
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.parse::<Timestamp>()?.as_microsecond()))
    }
    /// `2026-01-02 03:04:05` in the given IANA zone; UTC when the zone is unknown.
    pub fn in_zone(self, zone: &str) -> String {
        let tz = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        self.timestamp()
            .to_zoned(tz)
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    }
    fn timestamp(self) -> Timestamp {
        // The range of jiff is -9999..9999; beyond it a clock is broken, and the epoch shows it.
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Where `now` comes from. Contract: cheap, callable from any thread; may jump back,
/// and no caller may rely on its order (the journal's order is its index).
pub trait Clock: Send + Sync {
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clock"
    )]
    fn now(&self) -> Instant {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Instant(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
}
