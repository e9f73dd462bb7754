//! Telling people.

mod file_outbox;

pub use file_outbox::{FileOutbox, NotifyError, OutboxMessage, Sent};
