//! What comes due by itself, under a virtual clock and over restarts: orders that are late,
//! resources that do not come back, briefs. Each is said once.

use desk::config::Config;
use desk::{DataFolder, Desk, NewReport};
use incident::people::Addressee;
use incident::resource::ResourceCommand;
use incident::{Command, Incident};
use model::{AccountId, Actor, IncidentId, Operation, PositionId, RequestId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{TempFolder, VirtualClock};

const PASSWORD: &str = "correct horse battery staple";
const LONG: Duration = Duration::from_secs(30);
const MIN: i64 = 60;

/// A desk that can be closed and opened again, and its clock.
struct World {
    folder: TempFolder,
    clock: VirtualClock,
    desk: Option<Desk>,
    requests: u32,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            folder: TempFolder::new(),
            clock: VirtualClock::default(),
            desk: None,
            requests: 0,
        };
        world.restart();
        for (account, position) in [
            ("wang", "cio"),
            ("fang", "head_legal"),
            ("liu", "sysadmin"),
            ("chen", "head_support"),
            ("lead", "ciso"),
        ] {
            let (account, positions) = (AccountId::new(account), [PositionId::from(position)]);
            let added =
                (world.desk()).add_account(&account, account.as_str(), &positions, PASSWORD);
            added.expect("a new account");
        }
        world
    }
    fn desk(&self) -> &Desk {
        self.desk.as_ref().expect("it is open")
    }
    fn restart(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.stop();
        }
        let data = DataFolder::new(self.folder.join("data"));
        let clock = Arc::new(self.clock.clone());
        self.desk = Some(Desk::open_with(data, Config::default(), clock).expect("it opens"));
    }
    fn op(&mut self, account: &str, position: &str, reason: &str) -> Operation {
        self.requests += 1;
        Operation {
            actor: Actor::Person {
                account: AccountId::from(account),
                name: account.to_owned(),
                positions: vec![PositionId::from(position)],
            },
            reason: reason.to_owned(),
            request: RequestId::new(format!("r{}", self.requests)),
            now: self.desk().now(),
        }
    }
    fn act(&mut self, id: &IncidentId, who: (&str, &str), command: Command) {
        let op = self.op(who.0, who.1, "the plan says so");
        self.desk().execute(op, id, command).expect("it is done");
    }
    /// An order of legal's to the system administrators, due in this many minutes.
    fn order(&mut self, id: &IncidentId, minutes: i64) {
        let command = Command::IssueOrder {
            to: Addressee::Position(PositionId::from("sysadmin")),
            text: "rotate the keys".to_owned(),
            constraint: String::new(),
            due_at: self.desk().now().plus_s(minutes * MIN),
        };
        self.act(id, ("fang", "head_legal"), command);
    }
    fn incident(&self, id: &IncidentId) -> Arc<Incident> {
        self.desk().incident(id).expect("it stands")
    }
    fn until(&self, id: &IncidentId, what: &str, enough: impl Fn(&Incident) -> bool) {
        let begun = Instant::now();
        let mut seen = 0;
        while !enough(&self.incident(id)) {
            assert!(begun.elapsed() < LONG, "{what} did not come");
            seen = (self.desk()).wait_for_change(seen, Duration::from_millis(50));
        }
    }
    /// Goes on by so many minutes and waits until the timers were looked at, which an order that
    /// falls due last of all shows.
    fn pass(&mut self, id: &IncidentId, minutes: i64) {
        let fence = self.incident(id).orders.len();
        self.order(id, minutes - 1);
        self.clock.advance_s(minutes * MIN);
        self.until(id, "the fence's reminder", |i| {
            i.orders[fence].course.reminded == 1
        });
    }
    fn kinds(&self, id: &IncidentId, kind: &str) -> usize {
        let incident = self.incident(id);
        let lines = incident.timeline.iter().filter(|l| l.kind == kind);
        lines.count()
    }
    /// Whom messages with these words went to, one entry a message.
    fn told(&self, id: &IncidentId, words: &str) -> Vec<String> {
        let all = self.desk().outbox(Some(id), 1_000);
        let mut to: Vec<String> = (all.into_iter().filter(|m| m.subject.contains(words)))
            .map(|m| m.to)
            .collect();
        to.sort();
        to
    }
}

fn opened(world: &mut World) -> IncidentId {
    let report = NewReport::new("odd payouts", plan::Lang::En, RequestId::new("report"));
    let report = world.desk().report(report).expect("a report").report;
    let op = world.op("fang", "head_legal", "");
    let opened = world.desk().open_incident_from_report(op, &report);
    opened.expect("an incident")
}

#[test]
fn a_late_order_is_said_to_its_addressee_then_to_issuer_and_leader_each_once() {
    let mut world = World::new();
    let id = opened(&mut world);
    world.order(&id, 30);
    world.clock.advance_s(30 * MIN);
    world.restart();
    // To the minute it is not late yet.
    assert_eq!(world.incident(&id).orders[0].course.reminded, 0);
    world.clock.advance_s(1);
    world.until(&id, "the first reminder", |i| {
        i.orders[0].course.reminded == 1
    });
    // The order itself and that it is late, both to whom it is addressed.
    world.until(&id, "the message", |_| {
        world.told(&id, "O-1") == ["liu", "liu"]
    });
    assert_eq!(world.kinds(&id, "order-reminded"), 1);

    world.clock.advance_s(15 * MIN);
    world.restart();
    world.until(&id, "the second", |i| i.orders[0].course.reminded == 2);
    let all = ["fang", "liu", "liu", "wang"];
    world.until(&id, "issuer and leader", |_| world.told(&id, "O-1") == all);
    assert_eq!(world.kinds(&id, "order-reminded"), 2);

    // A day more and two restarts: nothing is said of it again.
    for _ in 0..2 {
        world.restart();
        world.pass(&id, 12 * 60);
    }
    assert_eq!(world.told(&id, "O-1"), all);
    assert_eq!(world.incident(&id).orders[0].course.reminded, 2);
}

#[test]
fn a_brief_is_announced_once_and_goes_out_once_a_cadence() {
    let mut world = World::new();
    let id = opened(&mut world);
    let incident = world.incident(&id);
    let every_s = (world.desk().plan().level(incident.level)).map(|l| i64::from(l.brief_every_s));
    let every_s = every_s.filter(|s| *s > 0).expect("the level has a cadence");
    world.clock.advance_s(every_s - 13 * MIN);
    world.restart();
    world.pass(&id, 2);
    assert_eq!(world.kinds(&id, "brief-reminded"), 0);
    world.clock.advance_s(2 * MIN);
    world.until(&id, "the announcement", |i| i.room.brief_reminded.is_some());
    world.clock.advance_s(9 * MIN);
    world.until(&id, "the brief", |i| i.briefs.len() == 1);
    world.restart();
    world.pass(&id, 10);
    assert_eq!(world.incident(&id).briefs.len(), 1);
    assert_eq!(world.kinds(&id, "brief-reminded"), 1);
    let sent = |world: &World| {
        let all = world.desk().outbox(Some(&id), 1_000);
        all.iter().filter(|m| m.kind == "brief").count()
    };
    assert_eq!(sent(&world), 1);
    world.clock.advance_s(every_s);
    world.until(&id, "the next brief", |i| i.briefs.len() == 2);
    world.pass(&id, 10);
    assert_eq!((world.incident(&id).briefs.len(), sent(&world)), (2, 2));
}

#[test]
fn what_was_lent_is_asked_back_once() {
    let mut world = World::new();
    let id = opened(&mut world);
    let needed_by = world.desk().now().plus_s(60 * MIN);
    let request = ResourceCommand::Request {
        what: "emergency-phone".to_owned(),
        amount: 2,
        order: None,
        task: None,
        needed_by,
    };
    world.act(&id, ("liu", "sysadmin"), Command::Resource(request));
    let asked = world.incident(&id).resources.requests[0].id.clone();
    let until = world.desk().now().plus_s(240 * MIN);
    let grant = ResourceCommand::Grant {
        request: asked.clone(),
        amount: 2,
        conditions: String::new(),
        until,
    };
    world.act(&id, ("chen", "head_support"), Command::Resource(grant));
    world.pass(&id, 239);
    assert_eq!(world.kinds(&id, "resource-reminded"), 0);
    world.pass(&id, 2);
    let told = |world: &World| world.kinds(&id, "resource-reminded");
    world.until(&id, "the return", |i| {
        i.timeline.iter().any(|l| l.kind == "resource-reminded")
    });
    assert_eq!(told(&world), 1);
    for _ in 0..2 {
        world.restart();
        world.pass(&id, 300);
    }
    assert_eq!(told(&world), 1);
}
