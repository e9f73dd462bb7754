//! Telling people.

mod channel;
mod file_outbox;

pub use channel::{Channel, ChannelKind, Handed, Limit, Message, SendError};
pub use file_outbox::{FileOutbox, NotifyError, OutboxMessage, Sent};
