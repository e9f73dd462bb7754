//! Turns of one rotation as instants: right over the gaps and overlaps of summer time.
//!
//! Turn `k` begins at a wall-clock time, `from` plus `k` lengths, taken into the zone. A turn may
//! therefore be an hour longer or shorter; one that falls into a gap altogether has no length.

use super::{Every, Layer};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};
use model::{AccountId, Instant};

/// The turns of a layer in a zone.
pub(super) struct Turns<'a> {
    layer: &'a Layer,
    zone: TimeZone,
    first: DateTime,
}

impl<'a> Turns<'a> {
    pub fn of(layer: &'a Layer, zone: TimeZone) -> Self {
        let mut day = layer.from;
        if matches!(layer.every, Every::Weeks(_)) {
            // At most six steps; `nth_weekday` leaves out the day itself.
            while day.weekday() != layer.weekday {
                day = day.saturating_add(1.day());
            }
        }
        Self {
            layer,
            zone,
            first: day.to_datetime(layer.hand_over),
        }
    }

    /// The turn that a moment lies in; `None` outside the rotation.
    pub fn at(&self, at: Instant) -> Option<i64> {
        let mut k = self.guess(at);
        // The guess is off by the offset's change at most, which is less than two turns of an hour.
        while self.begins(k) > at {
            k -= 1;
        }
        while self.begins(k + 1) <= at {
            k += 1;
        }
        (k >= 0 && self.runs(k)).then_some(k)
    }

    /// The moment at which a turn begins; the one before ends then.
    pub fn begins(&self, k: i64) -> Instant {
        let local = self.first.saturating_add(self.length(k));
        let zoned = self.zone.to_ambiguous_timestamp(local).compatible();
        zoned.map_or(Instant(i64::MAX), |at| Instant(at.as_microsecond()))
    }

    /// The participant whose turn it is, and then the others in their order.
    pub fn people(&self, k: i64) -> impl Iterator<Item = &'a AccountId> {
        let people = &self.layer.participants;
        let start = usize::try_from(k.rem_euclid(people.len().max(1) as i64)).unwrap_or(0);
        people[start..].iter().chain(&people[..start])
    }

    fn runs(&self, k: i64) -> bool {
        let begins = self.first.saturating_add(self.length(k)).date();
        self.layer.until.is_none_or(|until| begins <= until)
    }

    fn hours(&self) -> i64 {
        match self.layer.every {
            Every::Weeks(n) => i64::from(n) * 7 * 24,
            Every::Days(n) => i64::from(n) * 24,
            Every::Hours(n) => i64::from(n),
        }
    }

    /// Span from the first turn to turn `k`; civil, so days have 24 hours.
    fn length(&self, k: i64) -> Span {
        // 100 years are 876,600 hours; beyond that the calendar's end is as good.
        let hours = k.saturating_mul(self.hours()).clamp(-1_000_000, 1_000_000);
        hours.hours()
    }

    fn guess(&self, at: Instant) -> i64 {
        let local = jiff::Timestamp::from_microsecond(at.0)
            .map_or(self.first, |t| self.zone.to_datetime(t));
        let s = local.duration_since(self.first).as_secs();
        s.div_euclid(self.hours().max(1) * 3600)
    }
}
