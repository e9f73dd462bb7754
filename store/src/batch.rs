//! What one call stores: everything of a batch in one transaction, or nothing.

use crate::{
    Account, FindingRecord, LoginLink, NewFact, NewOutbox, OutboxUpdate, PutDocument, Session,
    StoreError, account, document, fact, finding, leaf, login, outbox, session,
};
use model::{AccountId, Digest, FindingId, IncidentId, Instant, OutboxId};
use rusqlite::Connection;

/// Parts of all kinds in one batch; more would hold up everybody behind it.
pub const MAX_BATCH_ITEMS: usize = 10_000;
/// Payload bytes in one batch. A proposal of 10,000 rows has about 8 MB.
pub const MAX_BATCH_BYTES: usize = 16 << 20;

/// Parts are written in the order of the fields. An empty batch is lawful and costs a round trip.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub access: Vec<AccessChange>,
    pub facts: Vec<NewFact>,
    /// Idempotent by id: a finding that is there stays as it is.
    pub findings: Vec<FindingRecord>,
    /// Findings that join an incident; the last assignment holds.
    pub assign: Vec<(FindingId, IncidentId)>,
    pub documents: Vec<PutDocument>,
    /// Idempotent by id.
    pub outbox: Vec<NewOutbox>,
    pub outbox_updates: Vec<OutboxUpdate>,
    /// Bytes of journal entries, kept until [`crate::Store::mark_copied`] and a later prune.
    pub leaves: Vec<Vec<u8>>,
    /// Named progress marks, set to these values.
    pub positions: Vec<(String, u64)>,
}

/// A change of who may come in. Sessions and links name their token by its SHA-256 only.
#[derive(Clone, Debug)]
pub enum AccessChange {
    /// `Conflict` when there is such an account.
    AddAccount(Account),
    /// Adds or replaces (all but `created_at`). Disabling an account or changing its password or
    /// positions ends its sessions and login links.
    PutAccount(Account),
    /// `Missing` when there is no such account, or it is disabled.
    CreateSession(Session),
    /// Unknown sessions are passed over: they ended meanwhile.
    TouchSession {
        token: Digest,
        seen_at: Instant,
        expires_at: Instant,
    },
    EndSession(Digest),
    EndSessionsOf(AccountId),
    /// `Missing` when there is no such account, or it is disabled.
    CreateLoginLink(LoginLink),
}

/// What was stored, and is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Sequence number of the batch's first leaf; equal to `next_leaf` when it had none.
    pub first_leaf: u64,
    pub next_leaf: u64,
    /// Findings that were not there before, in the batch's order.
    pub new_findings: Vec<FindingId>,
    /// Outbox rows that were not there before, in the batch's order.
    pub new_outbox: Vec<OutboxId>,
}

impl Batch {
    /// Refuses what is beyond the bounds, before it stands in the queue; its payload in bytes.
    pub(crate) fn check(&self) -> Result<usize, StoreError> {
        let items = self.access.len()
            + self.facts.len()
            + self.findings.len()
            + self.assign.len()
            + self.documents.len()
            + self.outbox.len()
            + self.outbox_updates.len()
            + self.leaves.len()
            + self.positions.len();
        bound("parts of one batch", items, MAX_BATCH_ITEMS)?;
        let leaves: usize = self.leaves.iter().map(Vec::len).sum();
        let bytes = self.facts.iter().map(|f| f.json.len()).sum::<usize>()
            + self.documents.iter().map(|d| d.json.len()).sum::<usize>()
            + self.outbox.iter().map(|o| o.json.len()).sum::<usize>()
            + leaves;
        bound("bytes of one batch", bytes, MAX_BATCH_BYTES)?;
        let longest = self.leaves.iter().map(Vec::len).max().unwrap_or(0);
        bound("bytes of one journal entry", longest, leaf::MAX_LEAF_BYTES)?;
        let farthest = self
            .positions
            .iter()
            .map(|(_, value)| *value)
            .max()
            .unwrap_or(0);
        if farthest > i64::MAX as u64 {
            return Err(StoreError::TooLarge {
                what: "a progress mark",
                size: farthest,
                limit: i64::MAX as u64,
            });
        }
        Ok(bytes)
    }

    /// May run again when the transaction around it was lost, hence `&self`.
    pub(crate) fn write(&self, db: &Connection) -> Result<Committed, StoreError> {
        self.access.iter().try_for_each(|change| change.write(db))?;
        self.facts
            .iter()
            .try_for_each(|new| fact::insert(db, new))?;
        let mut new_findings = Vec::new();
        for record in &self.findings {
            if finding::insert(db, record)? {
                new_findings.push(record.finding.id.clone());
            }
        }
        self.assign
            .iter()
            .try_for_each(|(id, incident)| finding::assign(db, id, incident))?;
        self.documents
            .iter()
            .try_for_each(|put| document::put(db, put))?;
        let mut new_outbox = Vec::new();
        for new in &self.outbox {
            if outbox::insert(db, new)? {
                new_outbox.push(new.id.clone());
            }
        }
        self.outbox_updates
            .iter()
            .try_for_each(|update| outbox::update(db, update))?;
        let (first_leaf, next_leaf) = leaf::append(db, &self.leaves)?;
        self.positions
            .iter()
            .try_for_each(|(name, value)| leaf::set_position(db, name, *value))?;
        Ok(Committed {
            first_leaf,
            next_leaf,
            new_findings,
            new_outbox,
        })
    }
}

impl AccessChange {
    fn write(&self, db: &Connection) -> Result<(), StoreError> {
        match self {
            Self::AddAccount(new) => account::add(db, new),
            Self::PutAccount(new) => account::put(db, new),
            Self::CreateSession(new) => session::create(db, new),
            Self::TouchSession {
                token,
                seen_at,
                expires_at,
            } => session::touch(db, token, *seen_at, *expires_at),
            Self::EndSession(token) => session::end(db, token),
            Self::EndSessionsOf(account) => session::end_all(db, account),
            Self::CreateLoginLink(link) => login::create_link(db, link),
        }
    }
}

pub(crate) fn bound(what: &'static str, size: usize, limit: usize) -> Result<(), StoreError> {
    if size > limit {
        return Err(StoreError::TooLarge {
            what,
            size: size as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}
