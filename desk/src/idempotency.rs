//! Requests of programs that may be sent twice: one key, one effect, one answer
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! ```text
//! begin ─► the act, whose facts carry a request id made of the key ─► keep the answer
//!            │ crash: the key is free again; the same request id makes no second fact
//! ```
//! Deliberately not here: HTTP.

use crate::{Desk, DeskError};
use model::{AccountId, Digest, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use store::{Batch, PutDocument};

const ANSWERS: &str = "idempotency";
/// An answer is repeated for so long.
pub const KEPT_S: i64 = 24 * 3600;
/// Old answers that are let go with each new one: more than come in, so that they do not pile up.
const LET_GO: u32 = 8;
/// Longest answer that is kept; a longer one is made anew from what stands.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Requests under way at once; at a few hundred bytes each.
const MAX_RUNNING: usize = 4_096;

/// What came back the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub etag: Option<String>,
    /// Of the method, the path and the body.
    fingerprint: Digest,
}

/// How a key stands.
#[derive(Debug)]
pub enum Begun<'a> {
    /// Nobody used it: act, then [`Running::keep`].
    Fresh(Running<'a>),
    Repeated(Answer),
    /// The same request is still under way.
    UnderWay,
    /// The key was used for another request.
    Other,
    Busy,
}

/// Keys that are being acted on; they are free again when the process ends.
#[derive(Debug, Default)]
pub struct Keys {
    running: Mutex<BTreeSet<String>>,
}

/// One request under way. Dropped without an answer, the key is free again.
#[derive(Debug)]
pub struct Running<'a> {
    keys: &'a Keys,
    id: String,
    fingerprint: Digest,
}

impl Keys {
    /// `key` is the client's own, unique among the account's requests of a day.
    pub fn begin<'a>(
        &'a self,
        desk: &Desk,
        account: &AccountId,
        key: &str,
        fingerprint: Digest,
    ) -> Result<Begun<'a>, DeskError> {
        let id = format!("{account}/{key}");
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains(&id) {
            return Ok(Begun::UnderWay);
        }
        if running.len() >= MAX_RUNNING {
            return Ok(Begun::Busy);
        }
        if let Some(found) = desk.store().document(ANSWERS, &id)?
            && desk.now().since_s(found.at) < KEPT_S as f64
        {
            let answer: Answer = serde_json::from_str(&found.json)?;
            return Ok(match answer.fingerprint == fingerprint {
                true => Begun::Repeated(answer),
                false => Begun::Other,
            });
        }
        running.insert(id.clone());
        Ok(Begun::Fresh(Running {
            keys: self,
            id,
            fingerprint,
        }))
    }
}

impl Running<'_> {
    /// Keeps what is answered, so that the same request gets it again.
    pub fn keep(
        self,
        desk: &Desk,
        status: u16,
        body: &str,
        etag: Option<&str>,
    ) -> Result<(), DeskError> {
        if body.len() > MAX_ANSWER_BYTES {
            return Ok(());
        }
        let now = desk.now();
        let answer = Answer {
            status,
            body: body.to_owned(),
            etag: etag.map(str::to_owned),
            fingerprint: self.fingerprint,
        };
        let before = desk.store().document(ANSWERS, &self.id)?;
        desk.store().commit(Batch {
            documents: vec![PutDocument {
                collection: ANSWERS,
                id: self.id.clone(),
                expect_version: before.map(|d| d.version),
                json: serde_json::to_string(&answer)?,
                at: now,
            }],
            forget: old(desk, now, &self.id)?,
            ..Batch::default()
        })?;
        Ok(())
    }
}

fn old(desk: &Desk, now: Instant, but: &str) -> Result<Vec<(&'static str, String)>, DeskError> {
    let before = now.plus_s(-KEPT_S);
    let ids = desk.store().documents_before(ANSWERS, before, LET_GO)?;
    let old = ids.into_iter().filter(|id| id != but);
    Ok(old.map(|id| (ANSWERS, id)).collect())
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut running = self.keys.running.lock();
        let running = running
            .as_mut()
            .map_or_else(|p| &mut **p.get_mut(), |r| &mut **r);
        running.remove(&self.id);
    }
}
