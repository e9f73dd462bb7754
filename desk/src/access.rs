//! Need to know at the door: what one person may see, and who is told in whose place.
//!
//! Every way to an incident for a person leads through [`Desk::incident_for`],
//! [`Desk::incidents_for`] or a command, which asks the same. To whoever may not know, an incident
//! is not there: not its id, not its count, not a word of it.
//! Deliberately not here: the rule itself (`incident::access`), and the rights to act.

use crate::account::Person;
use crate::commander::Ask;
use crate::error::CommandError;
use crate::joining::{Links, again_if_stale, as_seen};
use crate::{Desk, DeskError, Told};
use incident::access::{Access, AccessCommand, MAX_MANAGERS, Viewer, stand_ins};
use incident::{Command, Incident};
use model::{AccountId, Actor, Finding, IncidentId, Operation, PositionId, RequestId};
use plan::Act;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Desk {
    /// Somebody who asks, with their line of managers.
    pub fn viewer(&self, account: &AccountId, positions: &[PositionId]) -> Viewer {
        let (managers, whole) = self.managers(account);
        Viewer {
            account: account.clone(),
            positions: positions.to_vec(),
            managers,
            line_unread: !whole,
        }
    }

    pub fn sees(&self, viewer: &Viewer, incident: &Incident) -> bool {
        let rule = self.plan().need_to_know.conceal_from;
        let here = || incident.guest_now(&viewer.account, self.now()).is_some();
        incident.access.sees(rule, viewer) && (!self.is_guest(&viewer.positions) || here())
    }

    /// `None` for an incident that is not there, and for one that the viewer may not know of.
    pub fn incident_for(&self, viewer: &Viewer, id: &IncidentId) -> Option<Arc<Incident>> {
        self.incident(id).filter(|i| self.sees(viewer, i))
    }

    /// Those that are not closed, newest first.
    pub fn open_incidents_for(&self, viewer: &Viewer) -> Vec<Arc<Incident>> {
        let mut open = self.open_incidents();
        open.retain(|i| self.sees(viewer, i));
        open
    }

    /// Incidents that the viewer must not know of.
    pub fn hidden_from(&self, viewer: &Viewer) -> BTreeSet<IncidentId> {
        let rule = self.plan().need_to_know.conceal_from;
        self.hidden_incidents(|access| access.sees(rule, viewer))
    }

    /// Who is told what goes to a position: its holders who may know of the incident; where all of
    /// them may not, the holders of the place that stands in.
    pub fn holders_in(&self, incident: &Incident, position: &PositionId) -> Vec<Person> {
        self.holders_under(&incident.access, position)
    }

    pub(crate) fn holders_under(&self, access: &Access, position: &PositionId) -> Vec<Person> {
        let knowing = |position: &PositionId| self.knowing_holders(access, position);
        let own = knowing(position);
        let stand_in = || access.stand_ins.iter().find(|s| s.position == *position);
        match own.is_empty() {
            true => stand_in().map_or_else(Vec::new, |s| knowing(&s.by)),
            false => own,
        }
    }

    fn knowing_holders(&self, access: &Access, position: &PositionId) -> Vec<Person> {
        let mut holders = self.holders(position);
        if !access.open() {
            let rule = self.plan().need_to_know.conceal_from;
            holders.retain(|p| access.sees(rule, &self.viewer(&p.id, &p.positions)));
        }
        holders
    }

    /// Findings of incidents that the viewer must not know of.
    pub(crate) fn hidden_findings(&self, viewer: &Viewer) -> Result<Vec<Finding>, DeskError> {
        let mut found = Vec::new();
        for id in self.hidden_from(viewer) {
            found.extend(self.findings_of(&id)?);
        }
        Ok(found)
    }

    /// The positions that somebody fills in one incident beyond their own.
    pub fn acting_in(&self, id: &IncidentId, positions: &[PositionId]) -> Vec<PositionId> {
        let incident = self.incident(id);
        incident.map_or_else(Vec::new, |i| i.access.acting(positions))
    }

    /// The manager, the manager's manager and so on, nearest first, and whether that is all of
    /// them. A circle ends where it closes.
    fn managers(&self, account: &AccountId) -> (Vec<AccountId>, bool) {
        let mut line: Vec<AccountId> = Vec::new();
        let mut at = account.clone();
        while line.len() < MAX_MANAGERS {
            let next = match self.profile(&at) {
                Ok((profile, _)) => profile.reports_to,
                Err(error) => {
                    tracing::error!(error = %error.told(), "a person's manager cannot be read");
                    return (line, false);
                }
            };
            match next {
                Some(manager) if manager != *account && !line.contains(&manager) => {
                    line.push(manager.clone());
                    at = manager;
                }
                _ => break,
            }
        }
        (line, true)
    }

    /// Lets a person's command through to an incident that they may know of, with the positions
    /// that they fill there; to anybody else the incident is not there.
    pub(crate) fn admit(&self, op: Operation, id: &IncidentId) -> Result<Operation, CommandError> {
        let Actor::Person {
            account,
            name,
            mut positions,
        } = op.actor
        else {
            return Ok(op);
        };
        let incident = self.incident(id).ok_or(CommandError::UnknownIncident)?;
        if !incident.access.open() {
            if !self.sees(&self.viewer(&account, &positions), &incident) {
                return Err(CommandError::UnknownIncident);
            }
            positions.extend(incident.access.acting(&positions));
        }
        Ok(Operation {
            actor: Actor::Person {
                account,
                name,
                positions,
            },
            ..op
        })
    }

    /// Carries out a change of who may see an incident, in those that hang together with it too,
    /// and fills the places that fall vacant. With `version` only while the incident stands there.
    pub fn change_access(
        &self,
        op: Operation,
        id: &IncidentId,
        command: AccessCommand,
        version: Option<u32>,
    ) -> Result<(), CommandError> {
        let op = self.admit(op, id)?;
        if !self
            .plan()
            .allows(Act::RestrictAccess, op.actor.positions())
        {
            let act = Act::RestrictAccess;
            return Err(incident::Refusal::NotAllowed { act }.into());
        }
        if let AccessCommand::NameSuspect { account } | AccessCommand::Admit { account } = &command
            && !self.knows_of(&op, account)?
        {
            return Err(
                DeskError::NotFound(Told::new("account-unknown").with("id", account)).into(),
            );
        }
        if let AccessCommand::NameSuspect { account } = &command
            && op.actor.account() == Some(account)
        {
            return Err(incident::Refusal::SamePerson.into());
        }
        let changed = again_if_stale(|| self.change_access_once(&op, id, &command, version))?;
        changed
            .iter()
            .try_for_each(|id| self.settle_stand_ins(id, &op.request))
    }

    /// The incident, and those that hang together with it: what is split off holds the same
    /// people's deeds, and what was merged is the same matter. Gives those that changed.
    fn change_access_once(
        &self,
        op: &Operation,
        id: &IncidentId,
        command: &AccessCommand,
        version: Option<u32>,
    ) -> Result<Vec<IncidentId>, CommandError> {
        let incident = self.there(id)?;
        let stands = incident.next_sequence;
        if version.is_some_and(|seen| seen != stands) {
            return Err(CommandError::Stale { stands });
        }
        let naming = match command {
            AccessCommand::NameSuspect { account } => Some(account),
            _ => None,
        };
        let links = match naming {
            Some(_) => Links::All,
            None => Links::Merged,
        };
        // As it was looked at: what is merged or split meanwhile would not hear of the change.
        let mut asks = vec![as_seen(&incident, half(op.clone(), id, command.clone()))];
        let mut changed = vec![incident.clone()];
        for other in self.linked(&incident, links)? {
            if command.stands(&other.access) || self.concealed(&op.actor, &other) {
                continue;
            }
            let op = Operation {
                request: RequestId::new(format!("{}/{}", op.request, other.id)),
                ..op.clone()
            };
            asks.push(as_seen(&other, half(op, &other.id, command.as_it_stands())));
            changed.push(other);
        }
        if let Some(account) = naming {
            let named = BTreeSet::from([account.clone()]);
            changed
                .iter()
                .try_for_each(|incident| self.somebody_is_left(incident, &named))?;
        }
        self.ask(Ask::Together(asks))?;
        Ok(changed.iter().map(|incident| incident.id.clone()).collect())
    }

    /// Whether somebody is suspected in an incident, or would be asked by a suspect. Nobody changes
    /// from another incident who sees one that is kept from themselves.
    pub(crate) fn concealed(&self, actor: &Actor, incident: &Incident) -> bool {
        let Actor::Person {
            account, positions, ..
        } = actor
        else {
            return false;
        };
        let rule = self.plan().need_to_know.conceal_from;
        (incident.access).concealed_from(rule, &self.viewer(account, positions))
    }

    /// Refused where nobody would be left to command the response; what is closed needs nobody.
    pub(crate) fn somebody_is_left(
        &self,
        incident: &Incident,
        suspects: &BTreeSet<AccountId>,
    ) -> Result<(), CommandError> {
        if incident.closed() {
            return Ok(());
        }
        let mut access = incident.access.clone();
        access.suspects.extend(suspects.iter().cloned());
        let (_, empty) = self.places(&access);
        let plan = self.plan();
        let leads = plan.groups.first().map(|g| &g.lead);
        match leads.into_iter().find(|lead| empty.contains(lead)) {
            None => Ok(()),
            Some(lead) => {
                Err(DeskError::Refused(Told::new("nobody-left").with("position", lead)).into())
            }
        }
    }

    pub(crate) fn places(
        &self,
        access: &Access,
    ) -> (Vec<incident::access::StandIn>, Vec<PositionId>) {
        if access.suspects.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let plan = self.plan();
        let rule = plan.need_to_know.conceal_from;
        stand_ins(&plan, |position| {
            let holders = self.holders(position);
            let knows =
                |p: &Person| !access.concealed_from(rule, &self.viewer(&p.id, &p.positions));
            (!holders.is_empty(), holders.iter().any(knows))
        })
    }

    /// Puts on the record who fills which place now; nothing when it stands so.
    pub(crate) fn settle_stand_ins(
        &self,
        id: &IncidentId,
        request: &RequestId,
    ) -> Result<(), CommandError> {
        let incident = self.incident(id).ok_or(CommandError::UnknownIncident)?;
        let (stand_ins, empty) = self.places(&incident.access);
        if !empty.is_empty() {
            tracing::warn!(incident = %id, places = empty.len(), "places for which nobody is left who may know: name stand-ins in the plan");
        }
        if stand_ins == incident.access.stand_ins {
            return Ok(());
        }
        let op = Operation {
            actor: Actor::system("access"),
            reason: String::new(),
            request: RequestId::new(format!("{request}/stand-ins")),
            now: self.now(),
        };
        self.execute(
            op,
            id,
            Command::Access(AccessCommand::SetStandIns { stand_ins }),
        )
        .map(drop)
    }
}

fn half(op: Operation, id: &IncidentId, command: AccessCommand) -> Ask {
    Ask::Command {
        op,
        id: id.clone(),
        command: Box::new(Command::Access(command)),
    }
}
