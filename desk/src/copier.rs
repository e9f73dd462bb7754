//! The copier: leaves that are stored with their facts are appended to the `record` log, in order.
//!
//! ```text
//! facts and leaves committed ─► appended ─► fsynced ─► marked as copied
//!     │ crash: the next start      │ crash: the torn group is dropped and copied again
//!     │ copies the rest            │ after the fsync: the log's size says where to go on
//! ```
//! The log is the mark: its size is the number of leaves copied. A log with more entries than the
//! database has leaves means that an older database was put back.

use crate::DeskError;
use journal::Log;
use std::time::Duration;
use store::Store;

/// Leaves of one group.
const LEAVES: u32 = 1_024;
/// How long the copier waits for a change before it looks by itself.
const IDLE: Duration = Duration::from_millis(500);

/// Refuses a log that is ahead of its database.
pub(crate) fn check(store: &Store, log: &Log) -> Result<(), DeskError> {
    let database = store.leaf_count()?;
    if log.size() > database {
        return Err(DeskError::LogAhead {
            log: log.size(),
            database,
        });
    }
    Ok(())
}

/// Copies what waits; true when there was something.
pub(crate) fn copy(store: &Store, log: &mut Log) -> Result<bool, DeskError> {
    let leaves = store.leaves_from(log.size(), LEAVES)?;
    if leaves.is_empty() {
        return Ok(false);
    }
    fail::fail_point!("copier-before-append");
    for leaf in &leaves {
        log.append(leaf)?;
    }
    log.seal_group()?.wait()?;
    Ok(true)
}

/// Runs until `stopped` says so; then copies the rest.
pub(crate) fn run(store: &Store, log: &mut Log, stopped: impl Fn() -> bool) {
    let mut seen = 0;
    loop {
        let ending = stopped();
        match copy(store, log) {
            Ok(true) => continue,
            Ok(false) if ending => return,
            Ok(false) => seen = store.wait_for_change(seen, IDLE),
            // The leaves are safe in the database; it is asked again.
            Err(DeskError::Store(error)) if !ending => {
                tracing::error!(error = %crate::error::chain(&error), "the leaves cannot be read; trying again");
                seen = store.wait_for_change(seen, IDLE);
            }
            Err(error) => {
                // The facts are safe in the database; the log says so by lagging behind.
                tracing::error!(error = %crate::error::chain(&error), "the record log cannot be continued");
                return;
            }
        }
    }
}
