//! Merging two incidents into one and splitting one into two, each in one transaction: either both
//! incidents say so or neither does.
//!
//! Deliberately not here: what may be merged or split (`incident::joining`).

use crate::Desk;
use crate::commander::Ask;
use crate::error::CommandError;
use crate::people_report::follow_up::changed;
use crate::people_report::{DecisionKind, ReportState};
use crate::report_triage::decide as note_decision;
use incident::access::{Access, AccessCommand};
use incident::joining::{Carried, Joining, JoiningCommand, united};
use incident::rows::{FindingsBatch, RowState, TableRows};
use incident::{Command, Incident, OpenRequest, Origin, Refusal};
use model::{
    AccountId, Actor, Finding, FindingId, IncidentId, Instant, Operation, ReceiptNo, RequestId,
    SourceName,
};
use plan::Act;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Batch;

/// Merged incidents that are followed from one to the next.
const MAX_STEPS: usize = 64;
/// Times that a merge or a split looks at incidents that change under it.
const TRIES: usize = 8;

/// Incidents that hang together, however far.
const MAX_LINKED: usize = 1_000;

/// What makes incidents hang together.
#[derive(Clone, Copy)]
pub(crate) enum Links {
    /// They are one.
    Merged,
    /// They are one, or one is a part of the other.
    All,
}

impl Links {
    fn of(self, joining: &Joining) -> Vec<IncidentId> {
        let absorbed = joining.absorbed.iter().map(|carried| &carried.incident);
        let merged = joining.merged_into.iter().chain(absorbed);
        let parts = joining.split_into.iter().chain(&joining.split_from);
        match self {
            Self::Merged => merged.cloned().collect(),
            Self::All => merged.chain(parts).cloned().collect(),
        }
    }
}

/// What becomes an incident of its own.
#[derive(Clone, Debug, Default)]
pub struct Split {
    pub reports: Vec<ReceiptNo>,
    /// With all findings of the same rows.
    pub findings: Vec<FindingId>,
}

impl Desk {
    /// Merges `absorbed` into `into`: it closes, what goes on goes on there. Both keep out whom
    /// either kept out. Needs a reason, and the right to close.
    pub fn merge_incidents(
        &self,
        op: Operation,
        absorbed: &IncidentId,
        into: &IncidentId,
    ) -> Result<(), CommandError> {
        again_if_stale(|| self.merge_once(op.clone(), absorbed, into))
    }

    fn merge_once(
        &self,
        op: Operation,
        absorbed: &IncidentId,
        into: &IncidentId,
    ) -> Result<(), CommandError> {
        let (from_op, into_op) = (self.admit(op.clone(), absorbed)?, self.admit(op, into)?);
        self.may_join(&from_op)?;
        self.may_join(&into_op)?;
        let (one, other) = (self.there(absorbed)?, self.there(into)?);
        if one.joining.merged_into.as_ref() == Some(into) && one.requests.contains(&first(&from_op))
        {
            return Ok(());
        }
        mergeable(&one, &other)?;
        let access = self.together(&one.access, &other.access)?;
        let ongoing = one.watch.ongoing || other.watch.ongoing;
        let batches = still_open(&one, &self.findings_of(absorbed)?);
        let found = batches.into_iter().map(|batch| Command::AddFindings {
            batch: FindingsBatch { ongoing, ..batch },
            numbers: BTreeMap::new(),
        });
        let merge = JoiningCommand::MergeInto {
            into: into.clone(),
            access: access.clone(),
        };
        let absorb = JoiningCommand::Absorb {
            carried: Box::new(Carried::of(&one)),
            access,
        };
        let by_program = by_program(&into_op);
        let (carried, request) = (
            self.carried_on(&into_op, &one, &other)?,
            into_op.request.clone(),
        );
        let mut asks = vec![
            as_seen(
                &one,
                half(from_op, absorbed, vec![joining(merge)], Batch::default()),
            ),
            as_seen(
                &other,
                half(into_op, into, vec![joining(absorb)], Batch::default()),
            ),
            half(by_program, into, found.collect(), Batch::default()),
        ];
        let further: Vec<IncidentId> = carried
            .iter()
            .map(|(incident, _)| incident.id.clone())
            .collect();
        asks.extend(
            carried
                .into_iter()
                .map(|(incident, ask)| as_seen(&incident, ask)),
        );
        self.ask(Ask::Together(asks))?;
        further
            .iter()
            .try_for_each(|id| self.settle_stand_ins(id, &request))
    }

    /// Whoever is suspected in one of two that become one is so in what hangs together with the
    /// other: by the program, for the right to merge is not the right to suspect.
    fn carried_on(
        &self,
        op: &Operation,
        one: &Arc<Incident>,
        other: &Arc<Incident>,
    ) -> Result<Vec<(Arc<Incident>, Ask)>, CommandError> {
        let mut newly: BTreeMap<IncidentId, (Arc<Incident>, BTreeSet<AccountId>)> = BTreeMap::new();
        for (from, to) in [(one, other), (other, one)] {
            let named: Vec<_> = from
                .access
                .suspects
                .difference(&to.access.suspects)
                .collect();
            if named.is_empty() {
                continue;
            }
            for linked in self.linked(to, Links::All)? {
                let known = &linked.access.suspects;
                let named = named
                    .iter()
                    .copied()
                    .filter(|account| !known.contains(account));
                let named: BTreeSet<AccountId> = named.cloned().collect();
                let apart = linked.id != from.id && !self.concealed(&op.actor, &linked);
                if apart && !named.is_empty() {
                    let entry = newly.entry(linked.id.clone());
                    let (_, all) = entry.or_insert_with(|| (linked.clone(), BTreeSet::new()));
                    all.extend(named);
                }
            }
        }
        let mut carried = Vec::new();
        for (id, (incident, named)) in newly {
            self.somebody_is_left(&incident, &named)?;
            let op = Operation {
                actor: Actor::system("joining"),
                request: RequestId::new(format!("{}/{id}", op.request)),
                ..op.clone()
            };
            let name = |account| Command::Access(AccessCommand::NameSuspect { account });
            let commands = named.into_iter().map(name).collect();
            carried.push((incident, half(op, &id, commands, Batch::default())));
        }
        Ok(carried)
    }

    /// Makes an incident of its own of some of an incident's reports and findings; it is assessed
    /// anew. Gives its id.
    pub fn split_incident(
        &self,
        op: Operation,
        id: &IncidentId,
        split: &Split,
    ) -> Result<IncidentId, CommandError> {
        again_if_stale(|| self.split_once(op.clone(), id, split))
    }

    fn split_once(
        &self,
        op: Operation,
        id: &IncidentId,
        split: &Split,
    ) -> Result<IncidentId, CommandError> {
        let op = self.admit(op, id)?;
        self.may_join(&op)?;
        let incident = self.there(id)?;
        let found = self.findings_of_rows(id, &split.findings)?;
        let rows = rows_of(&found);
        let new = IncidentId::new(self.new_id("i")?);
        let request = self.opening_of(&incident, new.clone(), split, &found)?;
        let (mut batch, op_time) = (Batch::default(), op.now);
        (batch.assign).extend(found.iter().map(|f| (f.id.clone(), new.clone())));
        for name in &split.reports {
            let (before, version) = self.report_at(name)?;
            let mut view = before.clone();
            let state = ReportState::Joined {
                incident: new.clone(),
            };
            note_decision(&mut view, &op, DecisionKind::Moved, state)?;
            batch.append(changed(&before, &view, version)?);
        }
        let off = JoiningCommand::SplitOff {
            into: new.clone(),
            reports: split.reports.clone(),
            rows,
        };
        let from = JoiningCommand::SplitFrom {
            from: id.clone(),
            reports: split.reports.clone(),
        };
        let adds = FindingsBatch::of(&found).into_iter();
        let adds = adds.map(|batch| Command::AddFindings {
            batch,
            numbers: BTreeMap::new(),
        });
        let program = Operation {
            now: op_time,
            ..by_program(&op)
        };
        self.ask(Ask::Together(vec![
            as_seen(&incident, half(op.clone(), id, vec![joining(off)], batch)),
            Ask::Open {
                op,
                request: Box::new(request),
                with: vec![joining(from)],
                batch: Box::default(),
            },
            half(program, &new, adds.collect(), Batch::default()),
        ]))?;
        Ok(new)
    }

    /// The incident in which one goes on that was merged, however often; itself where it was not.
    pub fn goes_on_in(&self, id: &IncidentId) -> IncidentId {
        let mut at = id.clone();
        for _ in 0..MAX_STEPS {
            let next = self
                .incident(&at)
                .and_then(|i| i.joining.merged_into.clone());
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// The incidents that hang together with one, near or far, without itself.
    pub(crate) fn linked(
        &self,
        incident: &Arc<Incident>,
        links: Links,
    ) -> Result<Vec<Arc<Incident>>, CommandError> {
        let mut known = BTreeSet::from([incident.id.clone()]);
        let mut found: Vec<Arc<Incident>> = vec![incident.clone()];
        let mut at = 0;
        while let Some(incident) = found.get(at) {
            at += 1;
            for next in links.of(&incident.joining) {
                if known.len() > MAX_LINKED {
                    return Err(conflict("linked"));
                }
                if known.insert(next.clone()) {
                    // One that cannot be read must not be left out of what concerns it.
                    found.push(self.listed_incident(&next)?);
                }
            }
        }
        found.remove(0);
        Ok(found)
    }

    fn opening_of(
        &self,
        from: &Incident,
        id: IncidentId,
        split: &Split,
        found: &[Finding],
    ) -> Result<OpenRequest, CommandError> {
        let seen: Option<Instant> = found.iter().map(|f| f.seen_at).min();
        let mut origin = Origin::Findings;
        let mut received: Option<Instant> = None;
        for name in &split.reports {
            let (report, _) = self.report_at(name)?;
            if received.is_none_or(|at| report.received_at < at) {
                received = Some(report.received_at);
                if found.is_empty() {
                    origin = Origin::Report {
                        receipt: report.receipt,
                        text: report.what,
                    };
                }
            }
        }
        let of_one = |source: &SourceName| found.iter().all(|f| f.source == *source);
        let source = found.first().map(|f| f.source.clone()).filter(of_one);
        Ok(OpenRequest {
            id,
            exercise: from.exercise,
            code_name: self.code_name()?,
            risk: from.risk,
            category: from.category,
            discovered_at: [seen, received]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(from.opened_at),
            occurred_at: None,
            source,
            origin,
            access: from.access.clone(),
        })
    }

    /// The findings chosen, with all others of the same rows.
    fn findings_of_rows(
        &self,
        id: &IncidentId,
        chosen: &[FindingId],
    ) -> Result<Vec<Finding>, CommandError> {
        let all = self.findings_of(id)?;
        if let Some(unknown) = chosen.iter().find(|c| all.iter().all(|f| f.id != **c)) {
            return Err(Refusal::Unknown {
                what: "row".to_owned(),
                id: unknown.to_string(),
            }
            .into());
        }
        let chosen: BTreeSet<&FindingId> = chosen.iter().collect();
        let rows: BTreeSet<_> = all
            .iter()
            .filter(|f| chosen.contains(&f.id))
            .map(|f| (f.source.clone(), f.table.clone(), f.key.clone()))
            .collect();
        let of_them =
            |f: &Finding| rows.contains(&(f.source.clone(), f.table.clone(), f.key.clone()));
        Ok(all.into_iter().filter(of_them).collect())
    }

    fn may_join(&self, op: &Operation) -> Result<(), CommandError> {
        let act = Act::Close;
        match self.plan().allows(act, op.actor.positions()) {
            true => Ok(()),
            false => Err(Refusal::NotAllowed { act }.into()),
        }
    }

    pub(crate) fn there(&self, id: &IncidentId) -> Result<Arc<Incident>, CommandError> {
        self.incident(id).ok_or(CommandError::UnknownIncident)
    }

    /// Who may see both once they are one, with who then stands in.
    fn together(&self, one: &Access, other: &Access) -> Result<Access, CommandError> {
        let mut access = united(one, other).ok_or_else(|| conflict("visibility"))?;
        let (stand_ins, empty) = self.places(&access);
        let plan = self.plan();
        if (plan.groups.first()).is_some_and(|leading| empty.contains(&leading.lead)) {
            return Err(conflict("nobody-would-see"));
        }
        access.stand_ins = stand_ins;
        Ok(access)
    }
}

fn mergeable(one: &Incident, other: &Incident) -> Result<(), CommandError> {
    if one.id == other.id {
        return Err(conflict("with-itself"));
    }
    if one.joining.merged_into.is_some() || other.joining.merged_into.is_some() {
        return Err(conflict("merged-already"));
    }
    if one.closed() || other.closed() {
        return Err(Refusal::Closed.into());
    }
    if one.exercise != other.exercise {
        return Err(conflict("exercise"));
    }
    Ok(())
}

/// Rows that still need somebody; what was put right stays where it was put right.
fn still_open(incident: &Incident, findings: &[Finding]) -> Vec<FindingsBatch> {
    let open = |f: &&Finding| {
        let row = incident.findings.row(&f.source, &f.table, &f.key);
        row.is_some_and(|row| row.state == RowState::Open)
    };
    let open: Vec<Finding> = findings.iter().filter(open).cloned().collect();
    FindingsBatch::of(&open)
}

fn rows_of(findings: &[Finding]) -> Vec<TableRows> {
    let mut rows: Vec<TableRows> = Vec::new();
    for finding in findings {
        let known = rows
            .iter_mut()
            .find(|r| r.source == finding.source && r.table == finding.table);
        match known {
            Some(table) if table.keys.contains(&finding.key) => {}
            Some(table) => table.keys.push(finding.key.clone()),
            None => rows.push(TableRows {
                source: finding.source.clone(),
                table: finding.table.clone(),
                keys: vec![finding.key.clone()],
            }),
        }
    }
    rows
}

fn half(op: Operation, id: &IncidentId, commands: Vec<Command>, batch: Batch) -> Ask {
    Ask::Commands {
        op,
        id: id.clone(),
        commands,
        batch: Box::new(batch),
    }
}

/// Looked at afresh when a fact came between: an incident under attack gets new ones all the time.
pub(crate) fn again_if_stale<T>(
    act: impl Fn() -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    for _ in 1..TRIES {
        match act() {
            Err(CommandError::Stale { .. }) => {}
            done => return done,
        }
    }
    act()
}

/// Only while the incident stands as it was looked at: else somebody named meanwhile would be lost.
pub(crate) fn as_seen(incident: &Incident, ask: Ask) -> Ask {
    Ask::At {
        version: incident.next_sequence,
        ask: Box::new(ask),
    }
}

fn joining(command: JoiningCommand) -> Command {
    Command::Joining(Box::new(command))
}

/// The request id that the first command of an ask is recorded under.
fn first(op: &Operation) -> RequestId {
    RequestId::new(format!("{}/0", op.request))
}

/// Findings are the program's to add, also where a person set it going.
fn by_program(op: &Operation) -> Operation {
    Operation {
        actor: Actor::system("triage"),
        request: RequestId::new(format!("{}/found", op.request)),
        ..op.clone()
    }
}

fn conflict(why: &str) -> CommandError {
    CommandError::Refused(Refusal::Conflict {
        what: "incident".to_owned(),
        why: why.to_owned(),
    })
}
