//! Experts from outside as guests of one incident: their accounts, and when their access ends.
//!
//! Whether access stands is asked at each look, of the time and of the incident; nothing has to
//! run for it to end. What runs afterwards only closes accounts that nobody can use any more.
//! Deliberately not here: what a guest may be let do (`incident::resource`), and the pages.

use crate::account::Person;
use crate::error::CommandError;
use crate::identity::AccountRefusal;
use crate::identity::people::check_name;
use crate::{Desk, DeskError, Told};
use incident::access::Viewer;
use incident::people::Addressee;
use incident::resource::{Guest, GuestCommand, GuestPage, ResourceCommand};
use incident::{Command, Incident, Refusal};
use model::{AccountId, Actor, IncidentId, Instant, Operation, OrderId, PositionId};
use plan::Act;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Account, AccountChange, AccountState, Batch, EndSessions, PutDocument};

/// Documents by account: which incident a guest belongs to, until the account is closed.
const GUESTS: &str = "guest";
/// The same of accounts whose invitation came to nothing: no incident names them, and whoever must
/// not know of the incident must not meet them.
const REFUSED: &str = "guest-refused";
/// Guests whose accounts are looked after; each is closed when its access has ended.
const MOST: u32 = 5_000;

#[derive(Serialize, Deserialize)]
struct Belongs {
    incident: IncidentId,
}

/// A guest whose access stands.
pub struct GuestAccess {
    pub incident: Arc<Incident>,
    pub guest: Guest,
}

/// What somebody asks for a guest.
#[derive(Clone, Debug)]
pub struct GuestInvitation {
    /// The name to log in with.
    pub account: AccountId,
    pub name: String,
    /// The granted request that brought the expert.
    pub request: String,
    pub pages: Vec<GuestPage>,
    pub may_act: bool,
    pub until: Instant,
}

impl Desk {
    /// Whoever holds the plan's position for guests and no other: invited or not, only what guests
    /// may is open to them.
    pub fn is_guest(&self, positions: &[PositionId]) -> bool {
        let plan = self.plan();
        plan.guests
            .as_ref()
            .is_some_and(|rules| positions == [rules.position.clone()])
    }

    /// Guests of incidents that the viewer must not know of, those whose access has ended too: an
    /// expert's account would tell of the incident.
    fn hidden_guests(&self, viewer: &Viewer) -> Result<BTreeSet<AccountId>, DeskError> {
        let hidden = self.hidden_from(viewer);
        if hidden.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut guests = BTreeSet::new();
        for id in &hidden {
            let incident = self.listed_incident(id)?;
            guests.extend(incident.resources.guests.iter().map(|g| g.account.clone()));
        }
        // An account is there a moment before its incident knows it.
        let apart = [GUESTS, REFUSED].map(|collection| self.store().documents(collection, MOST));
        for known in apart {
            for known in known? {
                let belongs: Belongs = serde_json::from_str(&known.json)?;
                if hidden.contains(&belongs.incident) {
                    guests.insert(AccountId::new(known.id));
                }
            }
        }
        Ok(guests)
    }

    /// Everybody of whom the viewer may know.
    pub fn accounts_for(&self, viewer: &Viewer) -> Result<Vec<Person>, DeskError> {
        let hidden = self.hidden_guests(viewer)?;
        let mut people = self.accounts()?;
        people.retain(|p| !hidden.contains(&p.id));
        Ok(people)
    }

    /// `None` for somebody who is not there, and for one of whom the viewer may not know.
    pub fn person_for(&self, viewer: &Viewer, id: &AccountId) -> Result<Option<Person>, DeskError> {
        match self.person(id)? {
            Some(_) if self.hidden_guests(viewer)?.contains(id) => Ok(None),
            found => Ok(found),
        }
    }

    /// Whether an account is there of which whoever acts may know.
    pub(crate) fn knows_of(&self, op: &Operation, account: &AccountId) -> Result<bool, DeskError> {
        let found = match &op.actor {
            Actor::Person {
                account: by,
                positions,
                ..
            } => self.person_for(&self.viewer(by, positions), account)?,
            Actor::System { .. } | Actor::Reporter => self.person(account)?,
        };
        Ok(found.is_some())
    }

    /// The incident of a guest and what they may do there, while access stands.
    pub fn guest_access(&self, account: &AccountId) -> Option<GuestAccess> {
        let belongs = match self.store().document(GUESTS, account.as_str()) {
            Ok(found) => found?,
            Err(error) => {
                tracing::error!(error = %crate::error::chain(&error), "a guest's incident cannot be read");
                return None;
            }
        };
        let belongs: Belongs = serde_json::from_str(&belongs.json).ok()?;
        let incident = self.incident(&belongs.incident)?;
        let guest = incident.guest_now(account, self.now())?.clone();
        let rule = self.plan().need_to_know.conceal_from;
        let viewer = self.viewer(account, &[]);
        let concealed = incident.access.concealed_from(rule, &viewer);
        (!concealed).then_some(GuestAccess { incident, guest })
    }

    /// Makes the account and lets it into the incident; gives the token of the link by which the
    /// guest sets a password. Refused where the plan, the grant or the incident does not allow it;
    /// then no account is left that anybody could use.
    pub fn invite_guest(
        &self,
        op: Operation,
        id: &IncidentId,
        asked: GuestInvitation,
    ) -> Result<String, CommandError> {
        let op = self.admit(op, id)?;
        let plan = self.plan();
        let act = Act::ManageGuests;
        if !plan.allows(act, op.actor.positions()) {
            return Err(Refusal::NotAllowed { act }.into());
        }
        let Some(rules) = &plan.guests else {
            return Err(DeskError::Refused(Told::new("no-guests")).into());
        };
        check_name(&asked.account, &asked.name).map_err(DeskError::from)?;
        let account = asked.account.clone();
        let command = Command::Resource(ResourceCommand::Guest(GuestCommand::Invite {
            account: asked.account.clone(),
            name: asked.name.trim().to_owned(),
            request: asked.request.clone(),
            pages: asked.pages.clone(),
            may_act: asked.may_act,
            until: asked.until,
        }));
        // What would be refused takes no name: the same one is free for the next try.
        incident::decide(&op, &plan, self.there(id)?.as_ref(), command.clone())?;
        self.make_guest(&op, id, &asked, &rules.position)?;
        if let Err(error) = self.execute(op, id, command) {
            self.close_guest(&account)?;
            return Err(error);
        }
        Ok(self.invitation(&account)?)
    }

    fn make_guest(
        &self,
        op: &Operation,
        id: &IncidentId,
        asked: &GuestInvitation,
        position: &PositionId,
    ) -> Result<(), DeskError> {
        let leaf = json!({
            "kind": "guest-account", "account": asked.account, "incident": id,
            "by": op.actor.account(), "until": asked.until, "at": op.now,
        });
        let account = Account {
            id: asked.account.clone(),
            name: asked.name.trim().to_owned(),
            password_hash: crate::identity::people::NO_PASSWORD.to_owned(),
            positions: vec![position.clone()],
            state: AccountState::Invited,
            created_at: op.now,
        };
        let belongs = Belongs {
            incident: id.clone(),
        };
        let batch = Batch {
            leaves: vec![serde_json::to_vec(&leaf)?],
            documents: vec![belongs.document(GUESTS, &asked.account, op.now)?],
            ..Batch::default()
        };
        let stored = self.store().add_account_with(account, batch);
        stored.map_err(|e| match e {
            store::StoreError::Conflict { .. } => AccountRefusal::Name.into(),
            other => DeskError::from(other),
        })
    }

    /// A guest acts in their own incident alone, and there answers orders that name them.
    pub(crate) fn guest_may(
        &self,
        op: &Operation,
        id: &IncidentId,
        command: &Command,
    ) -> Result<(), CommandError> {
        let Actor::Person {
            account, positions, ..
        } = &op.actor
        else {
            return Ok(());
        };
        if !self.is_guest(positions) {
            return Ok(());
        }
        let access = self.guest_access(account);
        let access = access.filter(|a| a.incident.id == *id);
        let access = access.ok_or(CommandError::UnknownIncident)?;
        let not_theirs = || Refusal::NotAddressed {
            what: "order".to_owned(),
        };
        match command {
            Command::Resource(ResourceCommand::Guest(GuestCommand::Agree { .. })) => Ok(()),
            Command::AcceptOrder { order, .. }
            | Command::RefuseOrder { order }
            | Command::CompleteOrder { order, .. }
                if access.answers(account, order) =>
            {
                Ok(())
            }
            _ => Err(not_theirs().into()),
        }
    }

    /// Closes the accounts of guests whose access has ended; gives their number.
    pub(crate) fn close_ended_guests(&self) -> Result<usize, DeskError> {
        let mut closed = 0;
        for known in self.store().documents(GUESTS, MOST)? {
            let account = AccountId::new(known.id);
            if self.guest_access(&account).is_none() {
                self.close_guest(&account)?;
                closed += 1;
            }
        }
        Ok(closed)
    }

    fn close_guest(&self, account: &AccountId) -> Result<(), DeskError> {
        let mut change = AccountChange::of(account, &[AccountState::Invited, AccountState::Active]);
        change.state = Some(AccountState::Disabled);
        change.end_sessions = Some(EndSessions { but: None });
        let leaf = json!({ "kind": "guest-closed", "account": account, "at": self.now() });
        let mut forget = Batch {
            forget: vec![(GUESTS, account.to_string())],
            ..Batch::default()
        };
        if let Some(known) = self.store().document(GUESTS, account.as_str())? {
            let belongs: Belongs = serde_json::from_str(&known.json)?;
            let incident = self.incident(&belongs.incident);
            let named = |i: Arc<Incident>| i.resources.guests.iter().any(|g| g.account == *account);
            if !incident.is_some_and(named) {
                (forget.documents).push(belongs.document(REFUSED, account, self.now())?);
            }
        }
        let batch = Batch {
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..forget.clone()
        };
        match self.store().change_account(change, batch) {
            Ok(_) => {}
            // Somebody disabled it before; nothing but the note is left.
            Err(store::StoreError::Conflict { .. }) => drop(self.store().commit(forget)?),
            Err(error) => return Err(error.into()),
        }
        self.touched();
        Ok(())
    }
}

impl Belongs {
    fn document(
        &self,
        collection: &'static str,
        account: &AccountId,
        at: Instant,
    ) -> Result<PutDocument, DeskError> {
        Ok(PutDocument {
            collection,
            id: account.to_string(),
            expect_version: None,
            json: serde_json::to_string(self)?,
            at,
        })
    }
}

impl GuestAccess {
    /// The order names them, and they agreed to the plan's words and may act.
    pub fn answers(&self, account: &AccountId, order: &OrderId) -> bool {
        let named = |to: &Addressee| matches!(to, Addressee::Person(p) if p.account == *account);
        let mut orders = self.incident.orders.iter();
        let found = orders.find(|o| o.id == *order);
        self.guest.agreed.is_some()
            && self.guest.may_act
            && found.is_some_and(|order| named(&order.to))
    }

    pub fn shows(&self, page: GuestPage) -> bool {
        self.guest.agreed.is_some() && self.guest.pages.contains(&page)
    }
}
