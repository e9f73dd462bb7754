//! Groups called stage by stage: the real deciders, ticker, rota and paging under a plan with times
//! of its own, people who answer, refuse, are away, hand over, and an incident that is withdrawn.

use super::oracle::{Entry, Oracle, Rules, What};
use super::{Event, Nature, Provider, S, SEEDS, World, calm};
use crate::TICK;
use crate::account::Person;
use crate::duty::{Rota, Staff};
use crate::paging::engine::Engine;
use crate::paging::expand::{Asked, Reached, addressed};
use crate::paging::page::{Paged, Red, Route};
use crate::paging::{file_sink, follow};
use crate::rota::KeptSchedule;
use crate::ticker;
use connect::notify::Limit;
use incident::access::Access;
use incident::handover::HandoverCommand;
use incident::joining::JoiningCommand;
use incident::people::CallState;
use incident::rota::{Absence, Covers, Every, Layer, Schedule};
use incident::{Category, Command, Effect, Fact, Incident, OpenRequest, Origin, Page};
use model::{
    AccountId, Actor, GroupId, IncidentId, Instant, Operation, OutboxId, PositionId, RequestId,
    Risk,
};
use plan::{Lang, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use store::AccountState;
use testkit::Seed;

const POSITIONS: [&str; 11] = [
    "cio",
    "ciso",
    "head_support",
    "head_cs",
    "head_legal",
    "head_marketing",
    "security_engineer",
    "sysadmin",
    "cs_agent",
    "legal_counsel",
    "compliance_officer",
];
const INCIDENT: &str = "i";

#[derive(Clone, Debug)]
enum Deed {
    Open,
    Acknowledge {
        who: usize,
        call: u32,
    },
    Refuse {
        who: usize,
        call: u32,
    },
    HandOver {
        position: String,
        from: usize,
        to: usize,
    },
    Withdraw,
}

pub(super) struct Calling {
    rules: Rules,
    plan: Plan,
    incident: Option<Incident>,
    rota: Rota,
    people: Vec<Person>,
    routes: Vec<Vec<Route>>,
    /// As the outbox has them.
    rows: Vec<Effect>,
    deeds: Vec<Deed>,
    log: Vec<Entry>,
    /// When a page was made last, and how much stood in the log then.
    made: BTreeMap<OutboxId, (u64, usize)>,
    reacted: BTreeSet<(OutboxId, AccountId)>,
    turn: u32,
    /// When the ticker looks next.
    next: u64,
    seed: Seed,
}

/// What the deciders look at, and nothing else: reading a whole plan takes longer than a night.
fn small_plan() -> &'static Plan {
    static SMALL: OnceLock<Plan> = OnceLock::new();
    SMALL.get_or_init(|| {
        let mut plan = plan::built_in::plan().clone();
        plan.steps.clear();
        plan.clocks.clear();
        plan.schemes.clear();
        plan.texts.clear();
        plan.forms.clear();
        plan.legal_basis.clear();
        plan.terms.clear();
        plan.risks.clear();
        plan.contacts.clear();
        plan.register.clear();
        plan
    })
}

impl Rules {
    fn of(seed: &mut Seed) -> Self {
        let mut groups = vec!["leading"];
        if seed.chance(60) {
            groups.push("response");
        }
        if seed.chance(30) {
            groups.push("legal");
        }
        let wait_s = [0; 4].map(|_| *seed.pick(&[30, 45, 60, 100, 240]));
        Self {
            groups,
            wait_s,
            members_first: seed.chance(50),
            at_once: seed.chance(10),
        }
    }

    fn write(&self, plan: &mut Plan) {
        for level in &mut plan.levels {
            let [lead, deputy, members, everyone] = self.wait_s.map(|s| s as u32);
            level.call_out = self.groups.iter().map(|g| GroupId::from(*g)).collect();
            level.everyone = self.at_once;
            level.stages.lead_s = Some(lead);
            level.stages.deputy_s = Some(deputy);
            level.stages.members_s = self.members_first.then_some(members);
            // The time of the level holds where a stage has none.
            level.ack_within_s = everyone;
        }
    }
}

impl World {
    fn calling(number: u64) -> Self {
        let mut world = Self::empty(number);
        let unlimited = Limit {
            messages: u32::MAX,
            per_s: 1,
        };
        let file = Provider::new(Nature::Good, unlimited);
        world.providers.insert(file_sink::FILE.into(), file);
        let mut seed = Seed::new(number ^ 0x5ca1_ab1e);
        let rules = Rules::of(&mut seed);
        let mut plan = small_plan().clone();
        rules.write(&mut plan);
        let names: Vec<String> = world.providers.keys().cloned().collect();
        let mut calling = Calling {
            rules,
            plan,
            incident: None,
            rota: Rota::default(),
            people: Vec::new(),
            routes: Vec::new(),
            rows: Vec::new(),
            deeds: vec![Deed::Open],
            log: Vec::new(),
            made: BTreeMap::new(),
            reacted: BTreeSet::new(),
            turn: 0,
            next: u64::MAX,
            seed,
        };
        calling.hire(&names);
        let later = calling.plans();
        world.calling = Some(Box::new(calling));
        let at = world.seed.below(3 * S);
        world.at(at, Event::Act(0));
        for (act, at) in later {
            world.at(at, Event::Act(act));
        }
        world.at(0, Event::Restart);
        world
    }

    pub(super) fn tick_now(&mut self) {
        let turn = match &mut self.calling {
            Some(calling) => {
                calling.next = u64::MAX;
                calling.turn += 1;
                calling.turn
            }
            None => return,
        };
        self.tick(turn);
    }

    /// One turn of the ticker: what is due, and then it rests. Turns in which nothing can be due
    /// are left out.
    pub(super) fn tick(&mut self, turn: u32) {
        let now = self.now();
        let Some(calling) = self.calling.as_mut().filter(|c| c.turn == turn) else {
            return;
        };
        calling.next = u64::MAX;
        let Some(incident) = calling.open_incident() else {
            return;
        };
        let due = ticker::due(incident, now);
        for (request, command) in due {
            let Some(incident) = self.calling.as_ref().and_then(|c| c.open_incident()) else {
                return;
            };
            let op = ticker::operation(incident, &request, now);
            let Command::Escalate { call } = command else {
                continue;
            };
            if !self.commit(&op, command, What::Escalated(call)) {
                return;
            }
        }
        self.rest();
    }

    fn rest(&mut self) {
        let now = self.now();
        let Some(calling) = &mut self.calling else {
            return;
        };
        let Some(incident) = calling.incident.as_ref() else {
            return;
        };
        let waiting = incident
            .calls
            .iter()
            .filter(|c| c.state == CallState::Called);
        let Some(first) = waiting.map(|c| c.call.due_at.0).min() else {
            return;
        };
        let rest = ticker::rest(std::iter::once(incident), now, TICK).as_micros() as u64;
        let whole = u64::try_from(first - now.0).unwrap_or(0) / S;
        let rest = match rest < S {
            true => rest,
            false => whole.max(1) * S,
        };
        calling.next = u64::MAX;
        self.look_at(self.t + rest);
    }

    /// The ticker looks at this time, or before.
    fn look_at(&mut self, t: u64) {
        let life = self.life;
        let Some(calling) = self.calling.as_mut().filter(|c| t < c.next) else {
            return;
        };
        calling.next = t;
        calling.turn += 1;
        let turn = calling.turn;
        self.at(t, Event::Tick(life, turn));
    }

    /// One transaction of the commander. False: the process has died, before it or after it.
    fn commit(&mut self, op: &Operation, command: Command, what: What) -> bool {
        if self.dies() {
            return false;
        }
        let t = self.t;
        let Some(calling) = &mut self.calling else {
            return true;
        };
        let Some(made) = calling.decide(op, command) else {
            return true;
        };
        calling.log.push(Entry { t, what, made });
        self.rows_are_due();
        if self.dies() {
            return false;
        }
        // Whoever waits for a change is woken: paging at once, the ticker within its turn.
        self.at(t, Event::Look(self.life));
        let soon = t + self.seed.below(S);
        self.look_at(soon);
        true
    }

    /// What was stored with the facts waits in the outbox.
    fn rows_are_due(&mut self) {
        let (t, now) = (self.t, self.now());
        let Some(calling) = &self.calling else { return };
        for i in self.due.len()..calling.rows.len() {
            let Some(page) = calling.expand(i, now, now) else {
                continue;
            };
            self.due.push((t, page));
            self.rows.push(i);
        }
    }

    /// As the driver takes rows on: who is there now is told; what reaches nobody is passed on.
    pub(super) fn take_on_calls(&mut self) -> bool {
        if self.calling.is_none() || self.engine.is_none() {
            return true;
        }
        let mut next = 0;
        while next < self.rows.len() {
            let i = self.rows[next];
            next += 1;
            let id = self.due[i].1.id.clone();
            let known = self.engine.as_ref().is_some_and(|e| e.page(&id).is_some());
            if known || self.stored.contains_key(&id) {
                continue;
            }
            let (t, now, due_at) = (self.t, self.now(), self.due[i].1.due_at);
            let Some(calling) = &mut self.calling else {
                return true;
            };
            let Some(page) = calling.expand(i, due_at, now) else {
                continue;
            };
            calling.made.insert(id, (t, calling.log.len()));
            let pass = follow::pass_on(&page, now);
            if let Some(engine) = &mut self.engine {
                engine.add(page.clone(), now);
            }
            self.due[i].1 = page;
            if let Some((op, _, command)) = pass {
                let Command::PassCall { call } = command else {
                    continue;
                };
                if !self.commit(&op, command, What::Passed(call)) {
                    return false;
                }
            }
        }
        let stored = &self.stored;
        let due = &self.due;
        self.rows.retain(|i| !stored.contains_key(&due[*i].1.id));
        true
    }

    pub(super) fn act(&mut self, i: usize) {
        let Some(calling) = &self.calling else { return };
        let deed = calling.deeds[i].clone();
        // Whoever finds nobody at home comes again, with the same request.
        if self.engine.is_none() || !self.does(i, deed) {
            self.at(self.t + 3 * S, Event::Act(i));
        }
    }

    fn does(&mut self, i: usize, deed: Deed) -> bool {
        let Some(calling) = &self.calling else {
            return true;
        };
        let request = |part: &str| RequestId::new(format!("act-{i}{part}"));
        let person = |who: usize| calling.actor(who);
        let mut op = Operation {
            actor: Actor::system("test"),
            reason: "as it is".into(),
            request: request(""),
            now: self.now(),
        };
        match deed {
            Deed::Open => {
                let fresh = calling.incident.is_none();
                !fresh || self.open(&op)
            }
            Deed::Acknowledge { who, call } => {
                op.actor = person(who);
                let holds = calling.people[who].positions.iter();
                let holds = holds.map(ToString::to_string).collect();
                let what = What::Acknowledged { call, holds };
                self.commit(&op, Command::Acknowledge { call }, what)
            }
            Deed::Refuse { who, call } => {
                op.actor = person(who);
                self.commit(&op, Command::RefuseCall { call }, What::Refused(call))
            }
            Deed::HandOver { position, from, to } => self.hands_over(op, position, [from, to]),
            Deed::Withdraw => {
                op.actor = Actor::Person {
                    account: AccountId::from("boss"),
                    name: "boss".into(),
                    positions: vec![PositionId::from("cio")],
                };
                let into = IncidentId::from("other");
                let access = Access::default();
                let command = JoiningCommand::MergeInto { into, access };
                let command = Command::Joining(Box::new(command));
                self.commit(&op, command, What::Withdrawn)
            }
        }
    }

    fn hands_over(&mut self, op: Operation, position: String, [from, to]: [usize; 2]) -> bool {
        let Some(calling) = &self.calling else {
            return true;
        };
        let (leaves, takes) = (calling.actor(from), calling.actor(to));
        let name = |actor: &Actor| actor.account().map_or(String::new(), ToString::to_string);
        let what = What::HandedOver {
            position: position.clone(),
            from: name(&leaves),
            to: name(&takes),
        };
        let prepare = HandoverCommand::Prepare {
            position: PositionId::new(position),
            remarks: String::new(),
        };
        let first = Operation {
            actor: leaves,
            request: RequestId::new(format!("{}-1", op.request)),
            ..op.clone()
        };
        let prepared = What::HandedOver {
            position: String::new(),
            from: String::new(),
            to: String::new(),
        };
        if !self.commit(&first, Command::Handover(prepare), prepared) {
            return false;
        }
        let incident = self.calling.as_ref().and_then(|c| c.incident.as_ref());
        let Some(last) = incident.and_then(|i| i.handovers.last()) else {
            return true;
        };
        let take = HandoverCommand::Take {
            number: last.number,
            digest: last.digest,
        };
        let op = Operation { actor: takes, ..op };
        self.commit(&op, Command::Handover(take), what)
    }

    fn open(&mut self, op: &Operation) -> bool {
        if self.dies() {
            return false;
        }
        let (t, now) = (self.t, self.now());
        if let Some(calling) = &mut self.calling {
            let made = calling.open(op, now);
            let what = What::Opened;
            calling.log.push(Entry { t, what, made });
        }
        self.rows_are_due();
        if !self.dies() {
            self.at(t, Event::Look(self.life));
            self.rest();
        }
        true
    }

    /// Who was called when, and whom each page went to.
    fn check_calls(&mut self, number: u64) {
        let seed = format!("seed {number}");
        let Some(calling) = &self.calling else { return };
        let mut oracle = Oracle::new(&calling.rules, &self.starts);
        for entry in &calling.log {
            let nobody = match entry.what {
                What::Passed(call) => {
                    let page = calling.row_of(call).expect("a page");
                    calling.there(page, entry.t).is_empty()
                }
                _ => false,
            };
            oracle.read(entry, nobody, &seed);
        }
        oracle.end(&seed);
        for (i, (due, page)) in self.due.iter_mut().enumerate() {
            let call = page.call.expect("a call");
            *due = oracle.due[&call];
            let told = page.receivers.iter().filter_map(|r| r.account.as_ref());
            let told: Vec<String> = told.map(ToString::to_string).collect();
            let (made, _) = calling.made[&page.id];
            let there = calling.there(i, made);
            assert_eq!(told, there, "{seed}: {} told others", page.id);
            let nobody = page.red == Some(Red::NobodyOnDuty);
            assert_eq!(nobody, there.is_empty(), "{seed}: {}", page.id);
        }
        assert_eq!(self.due.len(), oracle.due.len(), "{seed}: pages and calls");
    }
}

impl Calling {
    /// Nobody is called any more.
    pub(super) fn over(&self) -> bool {
        let done =
            |i: &Incident| i.closed() || i.calls.iter().all(|c| c.state != CallState::Called);
        self.incident.as_ref().is_some_and(done)
    }

    fn open_incident(&self) -> Option<&Incident> {
        self.incident.as_ref().filter(|i| !i.closed())
    }

    /// People with their channels, absences and schedules.
    fn hire(&mut self, channels: &[String]) {
        let seed = &mut self.seed;
        for position in POSITIONS {
            let heads = match seed.below(10) {
                0 => 0,
                1..7 => 1,
                _ => 2,
            };
            for n in 0..heads {
                let mut positions = vec![PositionId::from(position)];
                if seed.chance(10) {
                    let other = PositionId::from(*seed.pick(&POSITIONS));
                    if !positions.contains(&other) {
                        positions.push(other);
                    }
                }
                let id = AccountId::new(format!("{position}-{n}"));
                if seed.chance(15) {
                    let from = super::EPOCH.plus_s(seed.below(300) as i64 - 150);
                    self.rota.absences.push(Absence {
                        who: id.clone(),
                        from,
                        to: from.plus_s(200 + seed.below(1_200) as i64),
                    });
                }
                self.people.push(Person {
                    id,
                    name: String::new(),
                    positions,
                    disabled: false,
                    state: AccountState::Active,
                    created_at: super::EPOCH,
                });
                let own = channels[..channels.len()].iter();
                let mut routes: Vec<Route> = Vec::new();
                for channel in own.filter(|c| c.as_str() != file_sink::FILE && *c != "sure") {
                    if seed.chance(50) {
                        let channel = channel.clone();
                        routes.push(Route {
                            channel,
                            to: format!("{position}-{n}"),
                        });
                    }
                }
                routes.push(Route {
                    channel: "sure".into(),
                    to: format!("{position}-{n}"),
                });
                self.routes.push(routes);
            }
        }
        if seed.chance(20) {
            // A holder, or somebody of a position that stands in.
            let named = if seed.chance(30) {
                "security_engineer"
            } else {
                "ciso"
            };
            let all = self
                .people
                .iter()
                .filter(|p| p.id.as_str().starts_with(named));
            let participants: Vec<AccountId> = all.map(|p| p.id.clone()).rev().take(1).collect();
            if !participants.is_empty() {
                self.rota.schedules.push(standing("ciso", participants));
            }
        }
    }

    /// A hand-over in the middle of it, and perhaps the end before its time.
    fn plans(&mut self) -> Vec<(usize, u64)> {
        let mut later = Vec::new();
        let holders = |position: &str| {
            let all = self.people.iter().enumerate();
            let holds = all.filter(|(_, p)| p.positions.contains(&PositionId::from(position)));
            holds.map(|(i, _)| i).collect::<Vec<usize>>()
        };
        // To whoever holds the position too, or stands in for it by the plan.
        let takers = |position: &str| {
            let position = self.plan.position(&PositionId::from(position));
            let own = position.map_or(&[][..], |p| &p.stand_ins);
            own.iter()
                .flat_map(|p| holders(p.as_str()))
                .collect::<Vec<usize>>()
        };
        let mut pairs: Vec<(&str, usize, usize)> = Vec::new();
        for position in POSITIONS {
            let own = holders(position);
            let Some((from, others)) = own.split_first() else {
                continue;
            };
            let all = others.iter().copied().chain(takers(position));
            pairs.extend(all.filter(|to| to != from).map(|to| (position, *from, to)));
        }
        if !pairs.is_empty() && self.seed.chance(40) {
            let (position, from, to) = *self.seed.pick(&pairs);
            self.deeds.push(Deed::HandOver {
                position: position.into(),
                from,
                to,
            });
            later.push((self.deeds.len() - 1, self.seed.below(600 * S)));
        }
        if self.seed.chance(15) {
            self.deeds.push(Deed::Withdraw);
            later.push((self.deeds.len() - 1, 4 * S + self.seed.below(900 * S)));
        }
        later
    }

    fn actor(&self, who: usize) -> Actor {
        let person = &self.people[who];
        Actor::Person {
            account: person.id.clone(),
            name: person.name.clone(),
            positions: person.positions.clone(),
        }
    }

    fn open(&mut self, op: &Operation, now: Instant) -> Vec<(u32, (String, String))> {
        let request = OpenRequest {
            id: IncidentId::from(INCIDENT),
            exercise: false,
            code_name: String::new(),
            risk: Risk::R2,
            category: Category::DataSecurity {
                subclass: incident::category::Subclass::Tampering,
            },
            discovered_at: now,
            occurred_at: None,
            source: None,
            origin: Origin::Findings,
            access: Access::default(),
        };
        let facts = Incident::record_opening(op, incident::open(op, &self.plan, request));
        let mut incident = Incident::opened(&facts[0]).expect("an opening");
        facts[1..].iter().for_each(|fact| incident.apply(fact));
        self.rows_of(&incident, &facts);
        self.incident = Some(incident);
        made(&facts)
    }

    /// `None`: it was refused, or it is a retry of what was done.
    fn decide(&mut self, op: &Operation, command: Command) -> Option<Vec<(u32, (String, String))>> {
        let incident = self.incident.as_mut()?;
        let facts = incident::decide(op, &self.plan, incident, command).ok()?;
        if facts.is_empty() {
            return None;
        }
        let facts = incident.record(op, facts);
        facts.iter().for_each(|fact| incident.apply(fact));
        let incident = self.incident.take()?;
        self.rows_of(&incident, &facts);
        self.incident = Some(incident);
        Some(made(&facts))
    }

    fn rows_of(&mut self, incident: &Incident, facts: &[incident::Recorded]) {
        for fact in facts {
            let all = incident::effects(&self.plan, incident, fact);
            let pages = |e: &Effect| matches!(e, Effect::Page { .. });
            self.rows.extend(all.into_iter().filter(pages));
        }
    }

    /// The page of a row as it is addressed now.
    fn expand(&self, row: usize, due_at: Instant, now: Instant) -> Option<Paged> {
        let Effect::Page { id, exercise, page } = &self.rows[row] else {
            return None;
        };
        let staff = Staff::of(&self.plan, page.position(), |position| {
            let holds = |p: &&Person| p.positions.contains(position);
            self.people.iter().filter(holds).cloned().collect()
        });
        let incident = self.incident.as_ref();
        let called = (self.rota).called(&self.plan, incident, page.position(), staff, now);
        let reached = called.into_iter().map(|person| {
            let at = self.people.iter().position(|p| p.id == person.id);
            Reached {
                routes: at.map_or_else(Vec::new, |at| self.routes[at].clone()),
                lang: Lang::En,
                person,
            }
        });
        let asked = Asked::of_page(page, *exercise);
        let mut made = addressed(&asked, reached.collect(), Lang::En);
        made.id = id.clone();
        made.kind = "page".into();
        made.incident = Some(IncidentId::from(INCIDENT));
        made.due_at = due_at;
        Some(made)
    }

    pub(super) fn settle(&self, engine: &mut Engine, now: Instant) {
        let Some(incident) = &self.incident else {
            return;
        };
        let done = engine
            .pages()
            .filter(|page| follow::settled(page, incident));
        let done: Vec<OutboxId> = done.map(|page| page.id.clone()).collect();
        done.iter().for_each(|id| engine.settle(id, now));
    }

    /// What a person does about a message that has just come, and after how long.
    pub(super) fn reacts(
        &mut self,
        page: &OutboxId,
        call: u32,
        who: Option<AccountId>,
    ) -> Option<(usize, u64)> {
        let account = who?;
        let who = self.people.iter().position(|p| p.id == account)?;
        if !self.reacted.insert((page.clone(), account)) {
            return None;
        }
        let deed = match self.seed.below(20) {
            0..13 => return None,
            13..16 => Deed::Acknowledge { who, call },
            _ => Deed::Refuse { who, call },
        };
        self.deeds.push(deed);
        // Sometimes later than the plan waits.
        let most = *self.seed.pick(&[20, 60, 300]);
        Some((self.deeds.len() - 1, self.seed.below(most * S)))
    }

    fn row_of(&self, call: u32) -> Option<usize> {
        self.rows.iter().position(|row| {
            let Effect::Page { page, .. } = row else {
                return false;
            };
            matches!(page, Page::CallOut { call: n, .. } if *n == call)
        })
    }

    /// The oracle's own answer to who is there: whoever holds the position and is not away; the
    /// one of the schedule where there is one, who may be somebody standing in; after a hand-over who took it over, unless they are away.
    fn there(&self, row: usize, t: u64) -> Vec<String> {
        let Effect::Page { id, page, .. } = &self.rows[row] else {
            return Vec::new();
        };
        let position = page.position();
        let at = Instant(super::EPOCH.0 + t as i64);
        let holds = self
            .people
            .iter()
            .filter(|p| p.positions.contains(position));
        let holders: Vec<String> = holds.map(|p| p.id.to_string()).collect();
        let mut here = holders.clone();
        let mut away: BTreeSet<String> = BTreeSet::new();
        for absence in &self.rota.absences {
            if absence.from <= at && at < absence.to {
                away.insert(absence.who.to_string());
            }
        }
        here.retain(|who| !away.contains(who));
        if let (Some(kept), "ciso") = (self.rota.schedules.first(), position.as_str()) {
            let named = kept.schedule.layers[0].participants[0].to_string();
            let stands_in = named.starts_with("security_engineer");
            if here.contains(&named) || (stands_in && !away.contains(&named)) {
                here = vec![named];
            }
        }
        let (_, lines) = self.made[id];
        let handed = self.log[..lines].iter().rev().find_map(|e| match &e.what {
            What::HandedOver {
                position: p,
                from,
                to,
            } if p == position.as_str() => Some((from, to)),
            _ => None,
        });
        if let Some((from, to)) = handed.filter(|(_, to)| !away.contains(*to)) {
            here.retain(|who| who != from && who != to);
            here.insert(0, to.clone());
        }
        here
    }
}

fn made(facts: &[incident::Recorded]) -> Vec<(u32, (String, String))> {
    let calls = facts.iter().filter_map(|fact| match &fact.fact {
        Fact::CalledOut { call } => Some(call),
        _ => None,
    });
    let named = calls.map(|c| (c.number, (c.group.to_string(), c.position.to_string())));
    named.collect()
}

/// One person for a position, week after week.
fn standing(position: &str, participants: Vec<AccountId>) -> KeptSchedule {
    let layer = Layer {
        every: Every::Weeks(1),
        from: jiff::civil::date(2026, 1, 5),
        until: None,
        hand_over: jiff::civil::time(9, 0, 0, 0),
        weekday: jiff::civil::Weekday::Monday,
        participants,
    };
    KeptSchedule {
        id: "s".into(),
        version: 1,
        schedule: Schedule {
            title: "s".into(),
            covers: Covers::Position(PositionId::from(position)),
            time_zone: "UTC".into(),
            layers: vec![layer],
            overrides: Vec::new(),
        },
        retired: false,
    }
}

#[derive(Default)]
struct Seen {
    crashes: u32,
    late: usize,
    passed: usize,
    refused: usize,
    handed_over: usize,
    to_stand_ins: usize,
    withdrawn: usize,
    last_stage: usize,
}

impl Seen {
    fn add(&mut self, world: &World) {
        self.crashes += world.crashes;
        let Some(calling) = &world.calling else {
            return;
        };
        for entry in &calling.log {
            match &entry.what {
                What::Passed(_) => self.passed += 1,
                What::Refused(_) => self.refused += 1,
                What::HandedOver { to, position, .. } if !to.is_empty() => {
                    self.handed_over += 1;
                    let holds = |p: &Person| p.positions.contains(&PositionId::from(&**position));
                    let mut people = calling.people.iter();
                    let stands_in = people.any(|p| p.id.as_str() == to && !holds(p));
                    self.to_stand_ins += usize::from(stands_in);
                }
                What::Withdrawn => self.withdrawn += 1,
                _ => {}
            }
        }
        let incident = calling.incident.iter();
        for call in incident.flat_map(|i| &i.calls) {
            self.last_stage += usize::from(call.call.attempt > 2);
            let late = |at: Instant| at > call.call.due_at;
            let answered = match &call.state {
                CallState::Acknowledged { at, .. } => late(*at),
                _ => false,
            };
            self.late += usize::from(answered);
        }
    }
}

#[test]
fn ten_thousand_nights_of_calling_keep_to_the_plan() {
    let run = |numbers: std::ops::Range<u64>| {
        let mut seen = Seen::default();
        for number in numbers {
            let mut world = World::calling(number);
            world.run();
            world.check_calls(number);
            world.check(number);
            seen.add(&world);
        }
        seen
    };
    let halves = std::thread::scope(|threads| {
        let half = threads.spawn(|| run(0..SEEDS / 2));
        let other = run(SEEDS / 2..SEEDS);
        [half.join().expect("no seed fails"), other]
    });
    let all = |of: fn(&Seen) -> usize| halves.iter().map(of).sum::<usize>();
    // The nights are hard enough to show what they look for.
    assert!(all(|s| s.crashes as usize) > 4_000);
    assert!(all(|s| s.late) > 300, "{}", all(|s| s.late));
    assert!(all(|s| s.passed) > 2_000, "{}", all(|s| s.passed));
    assert!(all(|s| s.refused) > 4_000, "{}", all(|s| s.refused));
    assert!(all(|s| s.handed_over) > 1_000, "{}", all(|s| s.handed_over));
    let stood_in = all(|s| s.to_stand_ins);
    assert!(stood_in > 500, "{stood_in}");
    assert!(all(|s| s.withdrawn) > 700, "{}", all(|s| s.withdrawn));
    assert!(all(|s| s.last_stage) > 10_000, "{}", all(|s| s.last_stage));
    assert!(calm(0), "every fourth night all channels are good");
}
