//! The commander: one thread decides all commands on incidents, in groups.
//!
//! It takes what waits, decides each on a working copy, stores all facts, outbox rows and journal
//! leaves in one transaction, and only then shows the new state and answers. A crash before the
//! transaction means that nobody was answered; after it, that the facts stand and the callers ask again.

use crate::changes::Changes;
use crate::error::CommandError;
use crate::held::{Held, Incidents};
use crate::incident_text;
use crate::register_use;
use crate::replica::{Copy, Replicas};
use crate::{DeskError, Told};
use incident::{Command, Fact, Incident, OpenRequest, Recorded};
use model::{IncidentId, Operation};
use plan::Plan;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use store::{Batch, NewFact, NewOutbox};

/// Commands of one transaction. At a few KiB each, a group stays under a megabyte.
const GROUP: usize = 256;
/// Commands waiting; more are told to come back.
const QUEUE: usize = 4_096;

type Answer = Result<Vec<Recorded>, CommandError>;

#[derive(Clone)]
pub(crate) enum Ask {
    Command {
        op: Operation,
        id: IncidentId,
        command: Box<Command>,
    },
    /// Commands of one incident, and what is stored with their facts or not at all.
    Commands {
        op: Operation,
        id: IncidentId,
        commands: Vec<Command>,
        batch: Box<Batch>,
    },
    /// Only while the incident stands at this version.
    At { version: u32, ask: Box<Ask> },
    Open {
        op: Operation,
        request: Box<OpenRequest>,
        with: Vec<Command>,
        batch: Box<Batch>,
    },
    /// Asks of several incidents, all of them or none.
    Together(Vec<Ask>),
}

impl Ask {
    /// The incidents that it changes.
    fn incidents(&self) -> Vec<IncidentId> {
        match self {
            Self::Command { id, .. } | Self::Commands { id, .. } => vec![id.clone()],
            Self::At { ask, .. } => ask.incidents(),
            Self::Open { request, .. } => vec![request.id.clone()],
            Self::Together(asks) => {
                let mut ids: Vec<_> = asks.iter().flat_map(Self::incidents).collect();
                ids.sort();
                ids.dedup();
                ids
            }
        }
    }
}

struct Job {
    ask: Ask,
    answer: SyncSender<Answer>,
}

/// Where commands go in.
#[derive(Clone)]
pub(crate) struct Commander {
    queue: SyncSender<Job>,
}

impl Commander {
    pub fn start(
        plan: Arc<Plan>,
        store: store::Store,
        incidents: Incidents,
        changes: Arc<Changes>,
    ) -> Result<Self, DeskError> {
        let (queue, inbox) = sync_channel(QUEUE);
        let mut worker = Worker {
            plan,
            store,
            incidents,
            changes,
            replicas: Replicas::default(),
        };
        std::thread::Builder::new()
            .name("commander".into())
            .spawn(move || worker.run(&inbox))
            .map_err(|e| DeskError::GuardStopped(e.to_string()))?;
        Ok(Self { queue })
    }

    /// Waits until the facts are durable.
    pub fn ask(&self, ask: Ask) -> Answer {
        let (answer, wait) = sync_channel(1);
        self.queue
            .try_send(Job { ask, answer })
            .map_err(|error| match error {
                TrySendError::Full(_) => DeskError::Refused(Told::new("commands-wait")),
                TrySendError::Disconnected(_) => DeskError::GuardStopped("commander".into()),
            })?;
        wait.recv()
            .map_err(|_| DeskError::GuardStopped("commander".into()))?
    }
}

struct Worker {
    plan: Arc<Plan>,
    store: store::Store,
    incidents: Incidents,
    changes: Arc<Changes>,
    replicas: Replicas,
}

/// What a group changes, until it is stored.
#[derive(Default)]
struct Work {
    copies: HashMap<IncidentId, Copy>,
    batch: Batch,
}

/// A leaf of the `record` log: the fact with the incident that it belongs to.
#[derive(Serialize)]
struct Leaf<'a> {
    kind: &'static str,
    incident: &'a IncidentId,
    recorded: &'a Recorded,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Job>) {
        while let Ok(first) = inbox.recv() {
            let mut jobs = vec![first];
            while jobs.len() < GROUP {
                match inbox.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            self.group(jobs);
        }
    }

    fn group(&mut self, jobs: Vec<Job>) {
        let mut work = Work::default();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut asked = Vec::with_capacity(jobs.len());
        for Job { ask, answer } in jobs {
            answers.push((answer.clone(), self.whole(&mut work, ask.clone())));
            asked.push(Job { ask, answer });
        }
        let stored = self.store(work);
        match stored {
            Ok(ids) => {
                self.changes.touch_incidents(ids);
                answers
                    .into_iter()
                    .for_each(|(to, answer)| drop(to.send(answer)));
            }
            // One ask's document was changed by somebody else: the others must not suffer for it.
            Err(DeskError::Store(store::StoreError::Conflict { .. })) if asked.len() > 1 => {
                asked.into_iter().for_each(|job| self.group(vec![job]));
            }
            Err(error) => {
                // Nothing was stored, so nothing is shown; every caller of the group is told.
                let text = crate::error::chain(&error);
                tracing::error!(error = %text, "facts could not be stored");
                for (to, answer) in answers {
                    let refused = answer.and(Err(DeskError::Refused(
                        Told::new("not-stored").with("why", &text),
                    )
                    .into()));
                    drop(to.send(refused));
                }
            }
        }
    }

    /// Stores what a group has recorded and shows it; gives the incidents that it is of.
    fn store(&mut self, work: Work) -> Result<Vec<IncidentId>, DeskError> {
        let Work { copies, mut batch } = work;
        let mut changed = Vec::new();
        for (id, copy) in copies {
            if copy.fresh.is_empty() {
                self.replicas.keep(id, Arc::new(copy.incident), Vec::new());
                continue;
            }
            let recorded = copy.facts();
            let (entry, text) =
                incident_text::entry(copy.before.as_ref(), &copy.incident, &recorded)?;
            let incident = Arc::new(copy.incident);
            let now = Held {
                incident,
                recorded,
                text,
            };
            changed.push((entry, now, copy.before, copy.fresh));
        }
        // The index numbers incidents in the order in which they come.
        changed.sort_by(|(a, ..), (b, ..)| (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)));
        batch.incidents = changed.iter().map(|(entry, ..)| entry.clone()).collect();
        if !batch.is_empty() {
            self.store.commit(batch)?;
        }
        let mut ids = Vec::with_capacity(changed.len());
        for (entry, now, before, fresh) in changed {
            // What stood before is the version that the facts were decided on, whatever a reader
            // has put in its place meanwhile.
            self.incidents.put(entry.id.clone(), now);
            if let Some(before) = before {
                self.replicas.keep(entry.id.clone(), before.incident, fresh);
            }
            ids.push(entry.id);
        }
        Ok(ids)
    }

    /// Decides an ask as a whole: when one of its commands is refused, nothing of it stays.
    fn whole(&mut self, work: &mut Work, ask: Ask) -> Answer {
        let fresh = |id: &IncidentId| work.copies.get(id).map_or(0, |copy| copy.fresh.len());
        let ids = ask.incidents();
        let before: Vec<usize> = ids.iter().map(fresh).collect();
        let group = std::mem::take(&mut work.batch);
        let answer = self.decide(work, ask);
        let own = std::mem::replace(&mut work.batch, group);
        if answer.is_ok() {
            work.batch.append(own);
            return answer;
        }
        for (id, before) in ids.into_iter().zip(before) {
            if let Some(copy) = work.copies.remove(&id)
                && let Some(copy) = copy.back_to(before)
            {
                work.copies.insert(id, copy);
            }
        }
        answer
    }

    fn decide(&mut self, work: &mut Work, ask: Ask) -> Answer {
        match ask {
            Ask::Command { op, id, command } => self.command(work, &op, &id, *command),
            Ask::Commands {
                op,
                id,
                commands,
                batch,
            } => {
                let made = self.commands(work, &op, &id, commands)?;
                work.batch.append(*batch);
                Ok(made)
            }
            Ask::At { version, ask } => {
                for id in ask.incidents() {
                    let stands = self.working(work, &id)?.next_sequence;
                    if stands != version {
                        return Err(CommandError::Stale { stands });
                    }
                }
                self.decide(work, *ask)
            }
            Ask::Together(asks) => {
                let mut made = Vec::new();
                for ask in asks {
                    made.extend(self.decide(work, ask)?);
                }
                Ok(made)
            }
            Ask::Open {
                op,
                request,
                with,
                batch,
            } => {
                let id = request.id.clone();
                let facts = incident::open(&op, &self.plan, *request);
                let mut made = self.record(work, &op, &id, facts)?;
                made.extend(self.commands(work, &op, &id, with)?);
                work.batch.append(*batch);
                Ok(made)
            }
        }
    }

    /// Each command under a request id of its own.
    fn commands(
        &mut self,
        work: &mut Work,
        op: &Operation,
        id: &IncidentId,
        commands: Vec<Command>,
    ) -> Answer {
        let mut made = Vec::new();
        for (i, command) in commands.into_iter().enumerate() {
            let mut op = op.clone();
            op.request = model::RequestId::new(format!("{}/{i}", op.request));
            made.extend(self.command(work, &op, id, command)?);
        }
        Ok(made)
    }

    fn command(
        &mut self,
        work: &mut Work,
        op: &Operation,
        id: &IncidentId,
        command: Command,
    ) -> Answer {
        let facts = {
            let incident = self.working(work, id)?;
            incident::decide(op, &self.plan, incident, command)?
        };
        let out = |what: &str| self.out_now(work, what);
        let documents = register_use::settle(&self.store, &self.plan, &facts, out, op.now)?;
        work.batch.documents.extend(documents);
        self.record(work, op, id, facts)
    }

    /// How much of a resource the open incidents hold, as this group leaves them.
    fn out_now(&self, work: &Work, what: &str) -> i64 {
        let mut open = self.incidents.open();
        open.retain(|i| !work.copies.contains_key(&i.id));
        let stored = open.iter().map(|i| i.resources.out(what));
        let copies = work.copies.values().map(|c| c.incident.resources.out(what));
        stored.chain(copies).fold(0, i64::saturating_add)
    }

    /// The working copy of an incident within this group.
    fn working<'w>(
        &mut self,
        work: &'w mut Work,
        id: &IncidentId,
    ) -> Result<&'w Incident, CommandError> {
        if !work.copies.contains_key(id) {
            let held = self.incidents.get(id)?;
            let held = held.ok_or(CommandError::UnknownIncident)?;
            let copy = self.replicas.copy(id, held);
            work.copies.insert(id.clone(), copy);
        }
        let copy = work.copies.get(id).map(|copy| &copy.incident);
        copy.ok_or(CommandError::UnknownIncident)
    }

    /// Applies facts to the working copy and puts them, their effects and their leaves into the batch.
    fn record(&self, work: &mut Work, op: &Operation, id: &IncidentId, facts: Vec<Fact>) -> Answer {
        let mut made = Vec::with_capacity(facts.len());
        for fact in facts {
            let sequence = work.copies.get(id).map_or(0, Copy::next);
            let recorded = Arc::new(Recorded {
                sequence,
                operation: op.clone(),
                fact,
            });
            match work.copies.get_mut(id) {
                Some(copy) => {
                    copy.incident.apply(&recorded);
                    copy.fresh.push(Arc::clone(&recorded));
                }
                None => {
                    let incident = Incident::replay(std::slice::from_ref(&*recorded))
                        .map_err(|e| DeskError::Refused(Told::new("said").with("text", e)))?;
                    let copy = Copy {
                        incident,
                        before: None,
                        fresh: vec![Arc::clone(&recorded)],
                    };
                    work.copies.insert(id.clone(), copy);
                }
            }
            let leaf = Leaf {
                kind: "fact",
                incident: id,
                recorded: &recorded,
            };
            work.batch
                .leaves
                .push(serde_json::to_vec(&leaf).map_err(DeskError::from)?);
            work.batch.facts.push(NewFact {
                incident: id.clone(),
                sequence,
                at: op.now,
                json: serde_json::to_string(&recorded).map_err(DeskError::from)?,
            });
            let Some(incident) = work.copies.get(id).map(|copy| &copy.incident) else {
                continue;
            };
            for effect in incident::effects(&self.plan, incident, &recorded) {
                work.batch.outbox.push(NewOutbox {
                    id: effect.id().clone(),
                    incident: Some(id.clone()),
                    channel: "file".into(),
                    kind: effect.kind().to_owned(),
                    due_at: op.now,
                    json: serde_json::to_string(&effect).map_err(DeskError::from)?,
                });
            }
            made.push((*recorded).clone());
        }
        Ok(made)
    }
}
