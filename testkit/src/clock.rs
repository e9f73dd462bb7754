//! A clock that moves only when the test says so.

use model::{Clock, Instant};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    micros: Arc<AtomicI64>,
}

impl VirtualClock {
    pub fn at(now: Instant) -> Self {
        Self {
            micros: Arc::new(AtomicI64::new(now.0)),
        }
    }
    /// Back as well as forward.
    pub fn set(&self, now: Instant) {
        self.micros.store(now.0, Ordering::SeqCst);
    }
    /// The time after it moved by so many seconds, negative ones too.
    pub fn advance_s(&self, seconds: i64) -> Instant {
        self.advance_us(seconds * 1_000_000)
    }
    pub fn advance_us(&self, micros: i64) -> Instant {
        Instant(self.micros.fetch_add(micros, Ordering::SeqCst) + micros)
    }
}

/// 2026-01-01T00:00:00Z.
impl Default for VirtualClock {
    fn default() -> Self {
        Self::at(Instant::from_secs(1_767_225_600))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        Instant(self.micros.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_time_and_it_can_go_back() {
        let clock = VirtualClock::default();
        let other = clock.clone();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000000Z");
        assert_eq!(clock.advance_s(90), other.now());
        assert_eq!(other.now().since_s(VirtualClock::default().now()), 90.0);
        other.set(Instant(-1));
        assert_eq!(clock.now(), Instant(-1));
        assert_eq!(clock.advance_us(-4), Instant(-5));
    }
}
