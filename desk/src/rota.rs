//! The duty rota as it is kept: schedules and absences, versioned, and who is on duty by them.
//!
//! Deliberately not here: the arithmetic of turns (`incident::rota`) and how people are reached.

use crate::account::{token, token_hash};
use crate::duty::Rota;
use crate::error::CommandError;
use crate::rota_refusal::{MAX_SCHEDULES, RotaRefusal};
use crate::{Desk, DeskError};
use incident::rota::ical::{self, Event};
use incident::rota::{Absence, Covers, MAX_ABSENCES, Schedule, Shift, shifts};
use model::{AccountId, Instant, Operation};
use plan::Act;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Batch, PutDocument};

const SCHEDULES: &str = "rota";
const ABSENCES: &str = "absence";
const FEEDS: &str = "rota_feed";
const FEED_OF: &str = "rota_feed_of";
/// Days before and after now that a feed holds.
const FEED_BACK_S: i64 = 7 * 86_400;
const FEED_AHEAD_S: i64 = 90 * 86_400;
/// An override that ended so long ago is dropped at the next edit.
const KEPT_S: i64 = 90 * 86_400;

/// A schedule with the version that an edit must name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptSchedule {
    pub id: String,
    pub version: u64,
    pub schedule: Schedule,
    /// Gone from the lists; kept for the record.
    pub retired: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    schedule: Schedule,
    #[serde(default)]
    retired: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct FeedLink {
    account: AccountId,
    made_at: Instant,
    revoked: bool,
}

impl Desk {
    /// In the order of their titles.
    pub fn schedules(&self) -> Result<Vec<KeptSchedule>, DeskError> {
        let found = self
            .store()
            .documents(SCHEDULES, MAX_SCHEDULES as u32 * 4)?;
        let mut all = Vec::with_capacity(found.len());
        for document in found {
            let stored: Stored = serde_json::from_str(&document.json)?;
            all.push(KeptSchedule {
                id: document.id,
                version: document.version,
                schedule: stored.schedule,
                retired: stored.retired,
            });
        }
        all.retain(|kept| !kept.retired);
        all.sort_by(|a, b| (&a.schedule.title, &a.id).cmp(&(&b.schedule.title, &b.id)));
        Ok(all)
    }

    pub fn schedule(&self, id: &str) -> Result<Option<KeptSchedule>, DeskError> {
        Ok(self.schedules()?.into_iter().find(|kept| kept.id == id))
    }

    /// Whether a schedule could be kept, but for what others change meanwhile.
    pub fn check_schedule(&self, op: &Operation, schedule: &Schedule) -> Result<(), CommandError> {
        self.may_manage(op)?;
        schedule.check().map_err(RotaRefusal::Schedule)?;
        self.check_people(schedule)
    }

    /// Keeps a new schedule (`version` 0) or replaces the one that was read at `version`. Gives its id.
    pub fn keep_schedule(
        &self,
        op: &Operation,
        id: Option<&str>,
        mut schedule: Schedule,
        version: u64,
    ) -> Result<String, CommandError> {
        self.check_schedule(op, &schedule)?;
        let old = op.now.plus_s(-KEPT_S);
        schedule.overrides.retain(|o| o.to > old);
        if version == 0 && self.schedules()?.len() >= MAX_SCHEDULES {
            return Err(RotaRefusal::Full.into());
        }
        let id = match id {
            Some(id) => id.to_owned(),
            None => self.new_id("rota")?,
        };
        self.put_schedule(op, &id, schedule, version, false)?;
        Ok(id)
    }

    /// Takes a schedule out of use.
    pub fn retire_schedule(
        &self,
        op: &Operation,
        id: &str,
        version: u64,
    ) -> Result<(), CommandError> {
        self.may_manage(op)?;
        let kept = self.schedule(id)?;
        let kept = kept.ok_or(RotaRefusal::Gone)?;
        self.put_schedule(op, id, kept.schedule, version, true)
    }

    fn put_schedule(
        &self,
        op: &Operation,
        id: &str,
        schedule: Schedule,
        version: u64,
        retired: bool,
    ) -> Result<(), CommandError> {
        let leaf = json!({ "kind": "rota", "schedule": id, "by": op.actor, "at": op.now, "reason": op.reason, "content": schedule, "retired": retired });
        let stored = Stored { schedule, retired };
        let json = serde_json::to_string(&stored).map_err(DeskError::from)?;
        self.keep(SCHEDULES, id.to_owned(), json, version, Some(&leaf))?;
        self.refresh_emergency_sheet();
        Ok(())
    }

    /// Who is on duty must be able to answer a call: a holder of the position, or of one that
    /// stands in for it.
    fn check_people(&self, schedule: &Schedule) -> Result<(), CommandError> {
        let plan = self.plan();
        let position = match &schedule.covers {
            Covers::Position(id) => plan.position(id),
            Covers::Group(id) => plan.group(id).and_then(|g| plan.position(&g.lead)),
        };
        let Some(position) = position else {
            return Err(RotaRefusal::NotInPlan.into());
        };
        let people = self.accounts()?;
        let fits = |who: &AccountId| {
            people.iter().any(|p| {
                p.id == *who
                    && !p.disabled
                    && (p.positions.contains(&position.id)
                        || p.positions
                            .iter()
                            .any(|held| position.stand_ins.contains(held)))
            })
        };
        let named = schedule.layers.iter().flat_map(|l| &l.participants);
        let overriding = schedule.overrides.iter().map(|o| &o.who);
        match named.chain(overriding).find(|who| !fits(who)) {
            None => Ok(()),
            Some(who) => Err(RotaRefusal::Person {
                who: who.clone(),
                position: position.title.clone(),
            }
            .into()),
        }
    }

    fn may_manage(&self, op: &Operation) -> Result<(), CommandError> {
        match self.plan().allows(Act::ManageRota, op.actor.positions()) {
            true => Ok(()),
            false => Err(incident::Refusal::NotAllowed {
                act: Act::ManageRota,
            }
            .into()),
        }
    }

    /// Everybody's absences that are not long over.
    pub fn absences(&self) -> Result<Vec<Absence>, DeskError> {
        let found = self.store().documents(ABSENCES, 10_000)?;
        let mut all = Vec::new();
        for document in found {
            all.extend(serde_json::from_str::<Vec<Absence>>(&document.json)?);
        }
        all.sort_by(|a, b| (a.from, &a.who).cmp(&(b.from, &b.who)));
        Ok(all)
    }

    /// One person's absences, with the version that an edit must name (0: none yet).
    pub fn absences_of(&self, who: &AccountId) -> Result<(Vec<Absence>, u64), DeskError> {
        match self.store().document(ABSENCES, who.as_str())? {
            None => Ok((Vec::new(), 0)),
            Some(found) => Ok((serde_json::from_str(&found.json)?, found.version)),
        }
    }

    /// Replaces one's own absences, or another's with the right to manage the rota.
    pub fn set_absences(
        &self,
        op: &Operation,
        who: &AccountId,
        mut absences: Vec<Absence>,
        version: u64,
    ) -> Result<(), CommandError> {
        if op.actor.account() != Some(who) {
            self.may_manage(op)?;
        }
        let old = op.now.plus_s(-KEPT_S);
        absences.retain(|a| a.to > old);
        let sound = absences.iter().all(|a| a.who == *who && a.from < a.to);
        if !sound {
            return Err(RotaRefusal::Span.into());
        }
        if absences.len() > MAX_ABSENCES {
            return Err(RotaRefusal::Absences.into());
        }
        let leaf = json!({ "kind": "absence", "account": who, "by": op.actor, "at": op.now, "spans": absences });
        let json = serde_json::to_string(&absences).map_err(DeskError::from)?;
        self.keep(ABSENCES, who.to_string(), json, version, Some(&leaf))?;
        self.refresh_emergency_sheet();
        Ok(())
    }

    /// Schedules and absences; what cannot be read is left out and said: a page must not wait.
    pub(crate) fn rota(&self) -> Rota {
        let read = || -> Result<Rota, DeskError> {
            Ok(Rota {
                schedules: self.schedules()?,
                absences: self.absences()?,
            })
        };
        read().unwrap_or_else(|error| {
            tracing::error!(error = %error.told(), "the duty rota cannot be read; everybody who holds the position is called");
            Rota::default()
        })
    }

    /// Shifts of a schedule, gaps among them.
    pub fn shifts(&self, schedule: &Schedule, from: Instant, to: Instant) -> Vec<Shift> {
        shifts(schedule, &self.rota().absences, from, to)
    }

    /// A new address of somebody's own feed; an older one no longer works.
    pub fn new_feed(&self, account: &AccountId) -> Result<String, DeskError> {
        let token = token()?;
        self.revoke_feed(account)?;
        let link = FeedLink {
            account: account.clone(),
            made_at: self.now(),
            revoked: false,
        };
        let hash = token_hash(&token);
        self.keep(FEEDS, hash.clone(), serde_json::to_string(&link)?, 0, None)?;
        let version = self.store().document(FEED_OF, account.as_str())?;
        let version = version.map_or(0, |d| d.version);
        self.keep(FEED_OF, account.to_string(), hash, version, None)?;
        Ok(token)
    }

    /// Whether somebody has a feed that works.
    pub fn has_feed(&self, account: &AccountId) -> bool {
        let feed = self.store().document(FEED_OF, account.as_str());
        feed.is_ok_and(|found| found.is_some_and(|d| !d.json.is_empty()))
    }

    pub fn revoke_feed(&self, account: &AccountId) -> Result<(), DeskError> {
        let Some(current) = self.store().document(FEED_OF, account.as_str())? else {
            return Ok(());
        };
        if let Some(feed) = self.store().document(FEEDS, &current.json)? {
            let mut link: FeedLink = serde_json::from_str(&feed.json)?;
            link.revoked = true;
            self.keep(
                FEEDS,
                feed.id,
                serde_json::to_string(&link)?,
                feed.version,
                None,
            )?;
        }
        self.keep(
            FEED_OF,
            account.to_string(),
            String::new(),
            current.version,
            None,
        )
    }

    /// The feed behind a token; `None` for a token that is unknown or revoked, and for a person
    /// who is disabled.
    pub fn feed(&self, token: &str, host: &str) -> Option<String> {
        let found = self.store().document(FEEDS, &token_hash(token)).ok()??;
        let link: FeedLink = serde_json::from_str(&found.json).ok()?;
        let person = self
            .accounts()
            .ok()?
            .into_iter()
            .find(|p| p.id == link.account)?;
        if link.revoked || person.disabled {
            return None;
        }
        let now = self.now();
        let words = document::words(self.language_of(&person.id));
        let mut events = Vec::new();
        for kept in self.schedules().ok()? {
            let (from, to) = (now.plus_s(-FEED_BACK_S), now.plus_s(FEED_AHEAD_S));
            for shift in self.shifts(&kept.schedule, from, to) {
                if shift.duty.as_ref().is_some_and(|d| d.who == person.id) {
                    let title = [("title", kept.schedule.title.as_str().into())];
                    events.push(Event {
                        uid: format!("{}-{}-{}", kept.id, person.id, shift.to.0 / 1_000_000),
                        from: shift.from,
                        to: shift.to,
                        summary: words.with("call-out-feed-summary", &title),
                        description: String::new(),
                    });
                }
            }
        }
        let title = words.text("call-out-feed-title");
        Some(ical::feed(&title, host, link.made_at, &events))
    }

    fn keep(
        &self,
        collection: &'static str,
        id: String,
        json: String,
        version: u64,
        leaf: Option<&serde_json::Value>,
    ) -> Result<(), DeskError> {
        let leaves = match leaf {
            Some(leaf) => vec![serde_json::to_vec(leaf)?],
            None => Vec::new(),
        };
        let stored = self.store().commit(Batch {
            documents: vec![PutDocument {
                collection,
                id,
                expect_version: (version > 0).then_some(version),
                json,
                at: self.now(),
            }],
            leaves,
            ..Batch::default()
        });
        match stored.map_err(DeskError::from) {
            Err(error) if error.is_conflict() => return Err(RotaRefusal::Changed.into()),
            other => drop(other?),
        }
        self.touched();
        Ok(())
    }
}
