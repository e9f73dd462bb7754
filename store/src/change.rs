//! Telling waiting readers that something new is durable, so that nobody has to poll.

use crate::StoreError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most listeners at a time; one more is refused, since each is called at every group.
pub const MAX_LISTENERS: usize = 256;

type Listener = Box<dyn FnMut(u64) -> bool + Send>;

#[derive(Default)]
pub(crate) struct Changes {
    state: Mutex<State>,
    later: Condvar,
}

#[derive(Default)]
struct State {
    number: u64,
    closed: bool,
    listeners: Vec<Listener>,
}

impl Changes {
    pub(crate) fn current(&self) -> u64 {
        self.lock().number
    }

    pub(crate) fn wait(&self, after: u64, timeout: Duration) -> u64 {
        let (state, _) = self
            .later
            .wait_timeout_while(self.lock(), timeout, |s| s.number <= after && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.number
    }

    pub(crate) fn listen(&self, listener: Listener) -> Result<(), StoreError> {
        let mut state = self.lock();
        let size = state.listeners.len() + 1;
        if size > MAX_LISTENERS {
            return Err(StoreError::TooLarge {
                what: "listeners for changes",
                size: size as u64,
                limit: MAX_LISTENERS as u64,
            });
        }
        state.listeners.push(listener);
        Ok(())
    }

    pub(crate) fn tell(&self) {
        let mut state = self.lock();
        state.number += 1;
        let number = state.number;
        state.listeners.retain_mut(|listener| listener(number));
        self.later.notify_all();
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.later.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers which change it saw last.
pub struct Subscription {
    changes: Arc<Changes>,
    seen: u64,
}

impl Subscription {
    pub(crate) fn new(changes: Arc<Changes>) -> Self {
        let seen = changes.current();
        Self { changes, seen }
    }

    /// True as soon as there are changes since the last call; false after `timeout` without one,
    /// or when the store is closed.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let number = self.changes.wait(self.seen, timeout);
        let changed = number > self.seen;
        self.seen = number;
        changed
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
