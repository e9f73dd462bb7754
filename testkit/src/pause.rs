//! Waiting for what tells nobody when it is done, such as another process's file.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Waits a moment between two looks. Never a way to wait for something: the loop around it must
/// look, and give up at its bound.
pub fn pause(time: Duration) {
    let nobody = Mutex::new(());
    let held = nobody.lock().unwrap_or_else(PoisonError::into_inner);
    drop(Condvar::new().wait_timeout_while(held, time, |()| true));
}
