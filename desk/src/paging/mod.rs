//! Paging: from "call this position" to a message that a person has, and what became of it.
//!
//! Deliberately not here: who must be called for an incident (room `incident`) and how a channel
//! speaks to its provider (room `connect`).

pub mod answer;
pub(crate) mod driver;
mod emergency;
mod engine;
mod expand;
mod fall_over;
mod file_sink;
mod follow;
mod limit;
pub mod page;
#[cfg(test)]
mod tests;
pub mod view;
mod words;

pub(crate) use words::report_words;

use crate::channels::Channels;
use crate::config::Config;
use crate::rota_refusal::{MAX_TESTS, RotaRefusal};
use crate::{DataFolder, Desk, DeskError};
use connect::notify::Channel;
use expand::{KINDS, TEST};
use file_sink::FileSink;
use model::{AccountId, Instant, OutboxId};
use page::Paged;
use std::sync::{Arc, Mutex};
use store::{Batch, NewOutbox, Store};
use words::TestCall;

/// Pages that are looked through for a code or a list.
const MAX_PAGES: u32 = 2_000;

/// What paging holds on to while the desk is open.
pub(crate) struct Parts {
    /// The same channels, as the page of settings sees them.
    pub(crate) watched: Channels,
    channels: Vec<Arc<dyn Channel>>,
    file: Arc<FileSink>,
    /// Signs links and makes codes.
    key: [u8; 32],
    /// Held while the emergency sheet is written.
    sheet: Mutex<()>,
}

impl Parts {
    /// Without a channel everything goes to the file.
    pub fn open(
        folder: &DataFolder,
        config: &Config,
        store: &Store,
        key: [u8; 32],
    ) -> Result<Self, DeskError> {
        let watched = Channels::open(config, store)?;
        Ok(Self {
            channels: watched.for_sending(),
            watched,
            file: Arc::new(FileSink::new(folder.outbox())),
            key,
            sheet: Mutex::new(()),
        })
    }
}

/// Whether rows of this kind are messages to people on duty.
pub(crate) fn is_page(kind: &str) -> bool {
    KINDS.contains(&kind)
}

impl Desk {
    /// The configured channels; the file is not among them.
    pub(crate) fn channels(&self) -> &[Arc<dyn Channel>] {
        &self.inner.paging.channels
    }
    pub(crate) fn channel(&self, name: &str) -> Option<Arc<dyn Channel>> {
        let found = self.channels().iter().find(|c| c.name() == name).cloned();
        let file = || self.file_sink() as Arc<dyn Channel>;
        found.or_else(|| (name == file_sink::FILE).then(file))
    }
    pub(crate) fn file_sink(&self) -> Arc<FileSink> {
        Arc::clone(&self.inner.paging.file)
    }
    pub(crate) fn paging_key(&self) -> &[u8; 32] {
        &self.inner.paging.key
    }

    /// An address of a page as people outside reach it.
    pub fn outside(&self, path: &str) -> String {
        let web = &self.config().web;
        match &web.url {
            Some(url) => format!("{}{path}", url.trim_end_matches('/')),
            None => format!("http://{}{path}", web.listen),
        }
    }

    /// A page with the state of its messages.
    pub fn page(&self, id: &OutboxId) -> Result<Option<Paged>, DeskError> {
        match self.store().document(driver::PAGES, id.as_str())? {
            Some(found) => Ok(Some(serde_json::from_str(&found.json)?)),
            None => Ok(None),
        }
    }

    /// Pages that were due since, newest first.
    pub fn pages_since(&self, since: Instant) -> Result<Vec<Paged>, DeskError> {
        let found = self.store().documents(driver::PAGES, MAX_PAGES)?;
        let recent = found.iter().take_while(|d| d.at >= since);
        recent.map(|d| Ok(serde_json::from_str(&d.json)?)).collect()
    }

    /// Calls oneself through one's real channels; it belongs to no incident.
    pub fn test_call(&self, who: &AccountId) -> Result<OutboxId, DeskError> {
        let now = self.now();
        // Counted by the one writer, so that many at once do not get past the limit.
        let counter = self.counter(b"test call", who.as_str());
        let since = now.plus_s(-3_600);
        let full = (self.store()).register_login_attempt(&counter, now, since, MAX_TESTS)?;
        if full.is_some() {
            return Err(RotaRefusal::Tests.into());
        }
        let id = OutboxId::new(self.new_id("test")?);
        let test = TestCall {
            test_of: who.clone(),
        };
        self.store().commit(Batch {
            outbox: vec![NewOutbox {
                id: id.clone(),
                incident: None,
                channel: "file".into(),
                kind: TEST.into(),
                due_at: now,
                json: serde_json::to_string(&test)?,
            }],
            ..Batch::default()
        })?;
        self.touched();
        Ok(id)
    }
}
