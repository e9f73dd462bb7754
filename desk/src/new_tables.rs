//! Tables that the shop has got since: whoever keeps the policy is to say whether they are guarded.
//!
//! Looked at once a minute on a thread of its own, with a session that ends at once. What the
//! guard's account may not see (information_schema of MariaDB and MySQL shows a table only to
//! whoever has a right on it) is not noticed.

use crate::{Desk, DeskError, TICK};
use model::{Instant, SourceName};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use store::{Batch, PutDocument};

const KNOWN: &str = "known-tables";
const EVERY_S: f64 = 60.0;
/// Tables told of one look; a shop that makes more at once gets the rest named in the program's log.
const MOST: usize = 20;

impl Desk {
    /// Begins to look for tables that are added.
    pub fn start_table_watch(&self) -> Result<(), DeskError> {
        let desk = self.clone();
        self.thread("tables", move || {
            let mut last: Option<Instant> = None;
            while !desk.inner.stopping.load(Ordering::SeqCst) {
                let now = desk.now();
                // A clock that went back makes it due too.
                if last.is_none_or(|last| now.since_s(last).abs() >= EVERY_S) {
                    last = Some(now);
                    for source in &desk.config().source {
                        if let Err(error) = desk.look_for_new_tables(&source.name) {
                            tracing::debug!(source = %source.name, error = %error.told(), "tables were not looked for; it is tried again in a minute");
                        }
                    }
                }
                desk.pause(TICK);
            }
        })
    }

    /// Tells the tables that are there for the first time; gives their names. The first look of a
    /// source tells none.
    pub fn look_for_new_tables(&self, name: &SourceName) -> Result<Vec<String>, DeskError> {
        let config = self.source_config(name)?;
        let mut source = config.location().source()?;
        let there: BTreeSet<String> = source.tables()?.into_iter().map(|t| t.name).collect();
        let stored = self.store().document(KNOWN, name.as_str())?;
        let known: Option<BTreeSet<String>> = match &stored {
            Some(stored) => Some(serde_json::from_str(&stored.json)?),
            None => None,
        };
        if known.as_ref() == Some(&there) {
            return Ok(Vec::new());
        }
        let guarded = |table: &String| config.table.iter().any(|t| t.name == *table);
        let new: Vec<String> = match &known {
            Some(known) => (there.difference(known).filter(|t| !guarded(t)))
                .cloned()
                .collect(),
            None => Vec::new(),
        };
        if !new.is_empty() {
            self.tell_new_tables(name, &new)?;
        }
        let at = self.now();
        self.store().commit(Batch {
            documents: vec![PutDocument {
                collection: KNOWN,
                id: name.to_string(),
                expect_version: stored.map(|stored| stored.version),
                json: serde_json::to_string(&there)?,
                at,
            }],
            ..Batch::default()
        })?;
        Ok(new)
    }

    fn tell_new_tables(&self, name: &SourceName, new: &[String]) -> Result<(), DeskError> {
        tracing::warn!(source = %name, tables = ?new, "tables were added that no policy guards");
        let told: Vec<String> = new.iter().take(MOST).cloned().collect();
        self.on_guard(name, move |guard| {
            let at = guard.desk.now();
            let key = at.to_string();
            let said = "this table was added and is not guarded; if it holds money, payees, states or a ledger, \
                        write it into the policy and take its baseline";
            let found = told
                .iter()
                .map(|table| guard.notice(["table_added", table, &key], said.to_owned(), at));
            let found = found.collect();
            guard.store_at_once(found)
        })
    }
}
