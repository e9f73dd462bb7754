//! The file of lines that is always there: what no channel takes, and notices, stand in it.
//!
//! One value for the whole process: two writers would write over each other.

use connect::notify::{Channel, ChannelKind, Handed, Limit, Message, OutboxMessage, SendError};
use connect::notify::{FileOutbox, NotifyError};
use model::Instant;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Name of the channel.
pub(crate) const FILE: &str = "file";

pub(crate) struct FileSink {
    path: PathBuf,
    open: Mutex<Option<FileOutbox>>,
}

impl FileSink {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: Mutex::new(None),
        }
    }

    /// Returns when the line is on disk; a message that stands there already is taken for written.
    pub fn write(&self, message: &OutboxMessage) -> Result<(), NotifyError> {
        let mut held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = match held.take() {
            Some(open) => open,
            None => FileOutbox::open(&self.path)?,
        };
        open.send(message)?;
        // Kept only after success: after a failure the file is looked at anew.
        *held = Some(open);
        Ok(())
    }
}

impl Channel for FileSink {
    fn name(&self) -> &str {
        FILE
    }
    fn kind(&self) -> ChannelKind {
        ChannelKind::File
    }
    fn limit(&self) -> Limit {
        Limit {
            messages: u32::MAX,
            per_s: 1,
        }
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        let mut content = Map::new();
        let mut put = |name: &str, value: Value| drop(content.insert(name.to_owned(), value));
        put("to", json!(message.to));
        put("subject", json!(message.subject));
        put("body", json!(message.body));
        put("link", json!(message.link));
        put("exercise", json!(message.exercise));
        put("possible_duplicate", json!(message.possible_duplicate));
        let line = OutboxMessage {
            id: message.id.clone(),
            at: now,
            content,
        };
        match self.write(&line) {
            Ok(()) => Ok(Handed {
                provider_id: None,
                delivered: false,
            }),
            Err(error) => Err(SendError::Again {
                after_s: None,
                why: format!("{}; {}", crate::error::chain(&error), error.advice()),
            }),
        }
    }
}
