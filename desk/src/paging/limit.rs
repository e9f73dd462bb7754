//! A channel as the engine sees it: its sliding window of messages, what flies, how it does.
//!
//! Times are ticks of a clock that never jumps. A message takes its place in the window from the
//! moment it is handed over until `per_s` after the answer, since nobody knows when between the
//! two the provider counted it.

use connect::notify::Limit;
use model::Instant;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Messages of one channel that are handed over at once: one that hangs holds up no other, and a
/// call of eighty people is out within a second at a tenth of a second each.
pub(crate) const AT_ONCE: usize = 8;
/// Faults in a row after which a channel is left alone for a while by those who have another.
const FAULTS: u32 = 3;
const REST: Duration = Duration::from_secs(30);
/// A channel that is set up wrongly is tried anew after this long: somebody may have mended it.
const BROKEN_REST: Duration = Duration::from_secs(60);

/// A monotonic time since the process began.
pub(crate) type Ticks = Duration;

#[derive(Clone, Debug)]
pub(crate) struct ChannelState {
    limit: Limit,
    /// Ends of the messages that still count, oldest first.
    ended: VecDeque<Ticks>,
    pub flying: usize,
    faults: u32,
    down_until: Option<Ticks>,
    pub changed: bool,
}

/// What outlives the process: how much of the window is used up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub ended: Vec<Instant>,
    pub flying: usize,
}

impl ChannelState {
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            ended: VecDeque::new(),
            flying: 0,
            faults: 0,
            down_until: None,
            changed: false,
        }
    }

    pub fn limited(&self) -> bool {
        self.limit.messages < u32::MAX
    }

    fn per(&self) -> Duration {
        Duration::from_secs(u64::from(self.limit.per_s))
    }

    /// Messages that may be handed over now.
    pub fn free(&mut self, ticks: Ticks) -> usize {
        let per = self.per();
        while self.ended.front().is_some_and(|at| ticks >= *at + per) {
            self.ended.pop_front();
        }
        let most = usize::try_from(self.limit.messages).unwrap_or(usize::MAX);
        most.saturating_sub(self.ended.len() + self.flying)
    }

    /// As above, for messages that can wait: they leave a quarter to those that cannot.
    pub fn free_for_rest(&mut self, ticks: Ticks) -> usize {
        let kept = usize::try_from(self.limit.messages.div_ceil(4)).unwrap_or(usize::MAX);
        match self.limited() && self.limit.messages > 1 {
            true => self.free(ticks).saturating_sub(kept),
            false => self.free(ticks),
        }
    }

    pub fn begin(&mut self) {
        self.flying += 1;
        self.changed = self.limited();
    }

    pub fn end(&mut self, ticks: Ticks) {
        self.flying = self.flying.saturating_sub(1);
        if self.limited() {
            self.ended.push_back(ticks);
            self.changed = true;
        }
    }

    pub fn good(&mut self) {
        (self.faults, self.down_until) = (0, None);
    }
    pub fn fault(&mut self, ticks: Ticks) {
        self.faults = self.faults.saturating_add(1);
        if self.faults >= FAULTS {
            self.down_until = Some(ticks + REST);
        }
    }
    pub fn broken(&mut self, ticks: Ticks) {
        self.down_until = Some(ticks + BROKEN_REST);
    }
    pub fn up(&self, ticks: Ticks) -> bool {
        self.down_until.is_none_or(|until| ticks >= until)
    }

    /// The window in times of day, to be stored.
    pub fn window(&self, now: Instant, ticks: Ticks) -> Window {
        let at = |end: &Ticks| Instant(now.0 - micros(ticks.saturating_sub(*end)));
        Window {
            ended: self.ended.iter().map(at).collect(),
            flying: self.flying,
        }
    }

    /// The window as it was stored before the process ended. What was being handed over then
    /// counts from now. A clock that was set in between is believed.
    pub fn restore(&mut self, window: &Window, now: Instant, ticks: Ticks) {
        let per = self.per();
        let age = |at: &Instant| {
            Duration::from_micros(u64::try_from(now.0.saturating_sub(at.0)).unwrap_or(0))
        };
        let mut ages: Vec<Duration> = window.ended.iter().map(age).collect();
        ages.extend(std::iter::repeat_n(Duration::ZERO, window.flying));
        ages.retain(|age| *age < per);
        ages.sort_unstable_by(|a, b| b.cmp(a));
        self.ended = ages
            .into_iter()
            .map(|age| ticks.saturating_sub(age))
            .collect();
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
