//! One incident under the built-in plan, with people who act on it.

use incident::category::Subclass;
use incident::rows::{Damage, FindingsBatch, TableRows};
use incident::{
    Category, Command, Effect, Incident, OpenRequest, Origin, Recorded, Refusal, decide, effects,
    open,
};
use model::{
    AccountId, Actor, Digest, FindingKind, IncidentId, Instant, Money, Operation, PositionId,
    RequestId, Risk, SourceName,
};
use plan::Plan;
use std::collections::BTreeSet;

pub struct World {
    pub plan: &'static Plan,
    pub incident: Incident,
    pub facts: Vec<Recorded>,
    pub effects: Vec<Effect>,
    pub now: Instant,
    requests: u32,
}

/// Somebody with an account of that name who holds these positions.
pub fn person(account: &str, positions: &[&str]) -> Actor {
    Actor::Person {
        account: AccountId::from(account),
        name: account.to_owned(),
        positions: positions.iter().map(|p| PositionId::from(*p)).collect(),
    }
}

/// The one holder of a position.
pub fn holder(position: &str) -> Actor {
    person(position, &[position])
}

pub fn system() -> Actor {
    Actor::system("test")
}

pub fn rows(keys: &[&str]) -> Vec<TableRows> {
    vec![TableRows {
        source: SourceName::from("shop"),
        table: "orders".to_owned(),
        keys: keys.iter().map(|k| (*k).to_owned()).collect(),
    }]
}

/// One altered order for each key.
pub fn altered(keys: &[&str], at: Instant) -> FindingsBatch {
    FindingsBatch {
        by_kind: vec![(FindingKind::Altered, keys.len() as u32)],
        rows: rows(keys)
            .into_iter()
            .map(|r| (Damage::Altered, r))
            .collect(),
        subjects: keys.iter().map(|k| format!("subject-{k}")).collect(),
        at_risk: vec![Money::new(120_000, "CNY")],
        first_seen_at: Some(at),
        last_seen_at: Some(at),
        ongoing: true,
    }
}

pub fn digest() -> Digest {
    Digest::of(b"a proposal")
}

impl World {
    pub fn new() -> Self {
        Self::opened(false)
    }

    pub fn opened(exercise: bool) -> Self {
        Self::under(plan::built_in::plan(), exercise)
    }

    pub fn under(plan: &'static Plan, exercise: bool) -> Self {
        let now = Instant::parse("2026-11-22T08:00:00Z").unwrap();
        let op = Operation {
            actor: system(),
            reason: String::new(),
            request: RequestId::from("open"),
            now,
        };
        let request = OpenRequest {
            id: IncidentId::from("i-1"),
            exercise,
            code_name: "Lantern".to_owned(),
            risk: Risk::R2,
            category: Category::DataSecurity {
                subclass: Subclass::Tampering,
            },
            discovered_at: now,
            occurred_at: None,
            source: Some(SourceName::from("shop")),
            origin: Origin::Findings,
            access: incident::access::Access::default(),
        };
        let facts = Incident::record_opening(&op, open(&op, plan, request));
        let mut incident = Incident::opened(&facts[0]).unwrap();
        facts[1..].iter().for_each(|fact| incident.apply(fact));
        let effects = facts
            .iter()
            .flat_map(|f| effects(plan, &incident, f))
            .collect();
        Self {
            plan,
            incident,
            facts,
            effects,
            now,
            requests: 0,
        }
    }

    pub fn later(&mut self, secs: i64) {
        self.now = self.now.plus_s(secs);
    }

    fn operation(&mut self, actor: &Actor, reason: &str) -> Operation {
        self.requests += 1;
        Operation {
            actor: actor.clone(),
            reason: reason.to_owned(),
            request: RequestId::new(format!("r-{}", self.requests)),
            now: self.now,
        }
    }

    /// Gives a command; its facts are stored and folded.
    pub fn give(
        &mut self,
        actor: &Actor,
        reason: &str,
        command: Command,
    ) -> Result<Vec<Recorded>, Refusal> {
        let op = self.operation(actor, reason);
        let facts = decide(&op, self.plan, &self.incident, command)?;
        let recorded = self.incident.record(&op, facts);
        recorded.iter().for_each(|fact| self.incident.apply(fact));
        for fact in &recorded {
            self.effects
                .extend(effects(self.plan, &self.incident, fact));
        }
        self.facts.extend(recorded.clone());
        Ok(recorded)
    }

    /// A command that must be done.
    pub fn done(&mut self, actor: &Actor, command: Command) -> Vec<Recorded> {
        self.give(actor, "because of the test", command.clone())
            .unwrap_or_else(|refusal| panic!("{command:?}: {refusal} {refusal:?}"))
    }

    /// A command that must be refused.
    pub fn refused(&mut self, actor: &Actor, command: Command) -> Refusal {
        let before = self.incident.clone();
        let refusal = self
            .give(actor, "because of the test", command)
            .unwrap_err();
        assert_eq!(self.incident, before);
        refusal
    }

    /// Replay gives the same incident, also through JSON, and no effect has an id twice.
    pub fn check(&self) {
        let json = serde_json::to_string(&self.facts).unwrap();
        let stored: Vec<Recorded> = serde_json::from_str(&json).unwrap();
        assert_eq!(stored, self.facts);
        assert_eq!(Incident::replay(&stored).unwrap(), self.incident);
        let snapshot = serde_json::to_string(&self.incident).unwrap();
        assert_eq!(
            serde_json::from_str::<Incident>(&snapshot).unwrap(),
            self.incident
        );
        let ids: BTreeSet<_> = self.effects.iter().map(Effect::id).collect();
        assert_eq!(ids.len(), self.effects.len());
        assert!(
            self.effects
                .iter()
                .all(|e| e.exercise() == self.incident.exercise)
        );
    }

    /// Every open call is answered by the holder of its position.
    pub fn everybody_answers(&mut self) {
        let open: Vec<(u32, PositionId)> = self
            .incident
            .calls
            .iter()
            .filter(|c| c.state == incident::people::CallState::Called)
            .map(|c| (c.call.number, c.call.position.clone()))
            .collect();
        for (call, position) in open {
            // The first answer of a person settles the person's other calls too.
            let _ = self.give(
                &holder(position.as_str()),
                "",
                Command::Acknowledge { call },
            );
        }
    }

    /// All open tasks of the current step are done by their owners.
    pub fn tasks_done(&mut self) {
        let step = self.incident.step;
        let open: Vec<_> = self
            .incident
            .tasks
            .iter()
            .filter(|t| t.step == step && t.open() && t.planned.required)
            .map(|t| t.planned.clone())
            .collect();
        for task in open {
            let owner = holder(task.owner.as_str());
            let command = Command::CompleteTask {
                task: task.id,
                note: "done".to_owned(),
            };
            self.done(&owner, command);
        }
    }
}
