//! `kill -9` at any moment loses nothing acknowledged and doubles nothing, and the next start goes
//! on from there. A real process is killed at every named point of its work and at random ones,
//! under trade, tampering, reports and decisions; after each kill everything is looked at again.

use crate::attack::{Attack, trade};
use crate::checks;
use crate::guarded::{CHIEF, ENGINEER, Guarded, LONG, PASSWORD};
use crate::http::Person;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::time::Duration;
use testkit::{Program, Seed, SmallShop};

/// Points at which the process dies under load, and at which pass. The first passes of the
/// journal's are those of the start itself.
const POINTS: [&str; 28] = [
    "journal-before-fsync",
    "journal-before-fsync:4",
    "journal-before-fsync:9",
    "journal-before-fsync:23",
    "journal-after-fsync",
    "journal-after-fsync:5",
    "journal-after-fsync:12",
    "journal-vault-append",
    "journal-vault-append:2",
    "verdict-before-index",
    "verdict-before-index:5",
    "verdict-before-index:14",
    "store-before-commit",
    "store-before-commit:4",
    "store-before-commit:11",
    "store-before-commit:30",
    "store-after-commit",
    "store-after-commit:3",
    "store-after-commit:10",
    "store-after-commit:31",
    "copier-before-append",
    "copier-before-append:3",
    "copier-before-append:8",
    "outbox-before-send",
    "outbox-before-send:4",
    "outbox-after-send",
    "outbox-after-send:3",
    "outbox-after-send:6",
];
const REPAIR_POINTS: [&str; 6] = [
    "repair-expected-journaled",
    "repair-before-commit",
    "repair-after-commit",
    "repair-expected-journaled",
    "repair-before-commit",
    "repair-after-commit",
];
/// Kills at random moments under load, and while a repair is applied.
const RANDOM: u32 = 20;
const RANDOM_REPAIRS: u32 = 3;
/// Acts of one round at most; a point that is not reached by then is a point that is never reached.
const MOST_ACTS: u32 = 400;
const MOST_DECISIONS: usize = 5;
const READY_WITHIN: Duration = Duration::from_secs(2);

/// A form that was sent; sent again with the same id until it is answered.
#[derive(Clone)]
struct Form {
    path: String,
    fields: Vec<(&'static str, String)>,
}

struct World {
    guarded: Guarded,
    shop: SmallShop,
    attack: Attack,
    seed: Seed,
    chief: Person,
    incident: String,
    /// What was acknowledged: texts of decisions, and of reports with their receipts.
    decisions: BTreeSet<String>,
    reports: BTreeMap<String, String>,
    unanswered: Option<Form>,
    /// Findings that somebody was shown.
    seen: BTreeSet<String>,
    /// Seconds from the start to the ready line.
    ready_s: Vec<f64>,
    numbers: u32,
    kills: u32,
}

impl World {
    fn new() -> Self {
        let (mut guarded, shop) = Guarded::with_shop(500, 11);
        guarded.serve();
        let mut seed = Seed::new(2_026);
        let mut attack = Attack::on(&shop);
        attack.alter(&mut seed);
        let incident = guarded.incident();
        let chief = Person::log_in(&guarded.base, CHIEF, PASSWORD);
        Self {
            guarded,
            shop,
            attack,
            seed,
            chief,
            incident,
            decisions: BTreeSet::new(),
            reports: BTreeMap::new(),
            unanswered: None,
            seen: BTreeSet::new(),
            ready_s: Vec::new(),
            numbers: 0,
            kills: 0,
        }
    }

    /// One thing that the world does to the shop or to Balefire.
    fn act(&mut self, decisions_left: &mut usize) {
        match self.seed.below(10) {
            0..=3 => trade(&mut self.shop, &mut self.seed),
            4 => self.newcomer(),
            5 => self.attack.strike(&mut self.seed),
            6 => self.carry_on(),
            7 | 8 => self.report(),
            _ if *decisions_left > 0 => {
                *decisions_left -= 1;
                self.decide();
            }
            _ => self.report(),
        }
    }

    /// A customer who was never seen: a key is made for them.
    fn newcomer(&mut self) {
        self.numbers += 1;
        let sql = "INSERT INTO orders (customer_id, phone, status, total_minor, currency)
                   VALUES (?1, '13900000000', 'placed', 4200, 'CNY')";
        let intruder = self.shop.intruder();
        intruder
            .execute(sql, [1_000 + self.numbers])
            .expect("a lawful order is written");
    }

    /// The shop, knowing nothing, ships an order whose amount was tampered with.
    fn carry_on(&mut self) {
        let altered: Vec<i64> = self
            .shop
            .orders_in("paid")
            .into_iter()
            .filter(|id| self.is_altered(*id))
            .collect();
        if !altered.is_empty() {
            let order = *self.seed.pick(&altered);
            self.shop.ship(order);
        }
    }

    fn is_altered(&self, order: i64) -> bool {
        let row = ("orders".to_owned(), order.to_string());
        self.attack.wrong.contains_key(&row)
    }

    fn report(&mut self) {
        self.numbers += 1;
        let n = self.numbers;
        self.send(Form {
            path: "/report".into(),
            fields: vec![
                ("request", format!("report-{n}")),
                ("what", format!("something odd, number {n}")),
            ],
        });
    }

    fn decide(&mut self) {
        self.numbers += 1;
        let n = self.numbers;
        self.send(Form {
            path: format!("/incidents/{}/do/record-decision", self.incident),
            fields: vec![
                ("request", format!("decision-{n}")),
                ("topic", "general".into()),
                ("text", format!("decided, number {n}")),
            ],
        });
    }

    fn send(&mut self, form: Form) {
        if self.unanswered.is_some() {
            return;
        }
        let fields: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let url = format!("{}{}", self.guarded.base, form.path);
        let Some((status, location)) = self.chief.post(&url, &fields) else {
            self.unanswered = Some(form);
            return;
        };
        assert_eq!(status, 303, "{} {:?}", form.path, form.fields);
        let text = form
            .fields
            .last()
            .map(|(_, v)| v.clone())
            .unwrap_or_default();
        match location.split_once("no=") {
            Some((_, receipt)) => {
                let receipt = receipt.split('&').next().unwrap_or_default();
                self.reports.insert(text, receipt.to_owned());
            }
            None => drop(self.decisions.insert(text)),
        }
    }

    /// A server that dies at the point, under load.
    fn die_at(&mut self, point: &str) {
        self.guarded.kill();
        let ready = self.guarded.serve_crashing(point);
        let mut decisions_left = MOST_DECISIONS;
        let mut acts = 0;
        while ready && !self.guarded.running().has_ended() {
            assert!(acts < MOST_ACTS, "{point} was never reached");
            acts += 1;
            self.act(&mut decisions_left);
        }
        self.count_kill();
    }

    fn count_kill(&mut self) {
        let status = self.guarded.running().wait_for_end(LONG);
        assert_eq!(
            status.code(),
            None,
            "it ended by itself: {:?}",
            self.guarded.running().stderr()
        );
        self.guarded.server = None;
        self.kills += 1;
    }

    /// A server that is killed at a random moment, under load.
    fn die_at_random(&mut self) {
        self.guarded.kill();
        let server = self.guarded.serve_program().start();
        // From the first file it opens to well into its work.
        let after = Duration::from_micros(self.seed.below(700_000));
        let killer = server.killer();
        let (_done, wait) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = wait.recv_timeout(after);
            killer.kill();
        });
        let line = server.line_or_end(|line| line.contains("\"listening\""), LONG);
        self.guarded.server = Some(server);
        let mut decisions_left = MOST_DECISIONS;
        if let Some(line) = line {
            let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
            self.guarded.base = ready["listening"].as_str().expect("an address").to_owned();
            while !self.guarded.running().has_ended() {
                self.act(&mut decisions_left);
            }
        }
        thread.join().expect("the killer ends");
        self.count_kill();
    }

    /// The next start, and everything that must hold then.
    fn rise(&mut self) {
        let ready = self.guarded.serve();
        self.ready_s.push(ready.as_secs_f64());
        if let Some(form) = self.unanswered.take() {
            self.send(form);
            assert!(self.unanswered.is_none(), "no answer from a good server");
        }
        self.attack.agrees_with_audit(&self.guarded);
        self.attack.settled(&self.shop);
        self.attack.agrees_with_findings(&self.guarded);
        let ids: BTreeSet<String> = self
            .guarded
            .findings()
            .iter()
            .map(|f| f["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert!(self.seen.is_subset(&ids), "a finding was lost");
        self.seen = ids;
        let store = self.guarded.store();
        checks::facts(&store);
        checks::alarms_are_raised(&store);
        self.acknowledged(&store);
        checks::record_log(&self.guarded);
        checks::outbox(&self.guarded);
        checks::journal(&self.guarded);
    }

    /// Every acknowledged report and decision is there once, and nothing that nobody sent.
    fn acknowledged(&self, store: &rusqlite::Connection) {
        let all = |sql: &str| -> Vec<Value> {
            let mut find = store.prepare(sql).expect("the store can be read");
            let rows = find.query_map([], |row| row.get::<_, String>(0));
            rows.expect("the store can be read")
                .map(|json| serde_json::from_str(&json.unwrap()).expect("it holds JSON"))
                .collect()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let stored = all("SELECT json FROM document WHERE collection = 'report'");
        assert_eq!(stored.len(), self.reports.len());
        // The receipts themselves are kept nowhere.
        let stored: BTreeSet<String> = stored.iter().map(|r| text(&r["what"])).collect();
        let sent: BTreeSet<String> = self.reports.keys().cloned().collect();
        assert_eq!(stored, sent);
        let facts = all("SELECT json FROM fact WHERE json LIKE '%decided, number%'");
        let decided: BTreeSet<String> = facts.iter().map(|f| text(&f["fact"]["text"])).collect();
        assert_eq!(facts.len(), decided.len(), "a decision was recorded twice");
        assert_eq!(decided, self.decisions);
    }

    /// What became of a repair, as its incident says.
    fn repair_state(&self, proposal: &str) -> String {
        let incident = self.guarded.json(&["incident", "show", &self.incident]);
        let repairs = incident["repairs"].as_array().expect("repairs");
        let repair = repairs.iter().find(|r| r["proposal"] == proposal);
        let state = &repair.expect("the repair is there")["state"];
        state["state"].as_str().expect("a state").to_owned()
    }

    /// Kills the server while it applies a repair: at a point, or at a random moment.
    fn die_in_repair(&mut self, point: Option<&str>, goes_on: bool) {
        self.attack.alter(&mut self.seed);
        self.attack.strike(&mut self.seed);
        self.attack.agrees_with_audit(&self.guarded);
        let proposal = self.guarded.approved_proposal();
        self.guarded.log_in(ENGINEER);
        if let Some(point) = point {
            self.guarded.kill();
            assert!(self.guarded.serve_crashing(point));
        }
        let apply = self.guarded.program().args(["repair", "apply", &proposal]);
        match point {
            Some(_) => drop(apply.run(LONG)),
            None => self.kill_during(apply),
        }
        self.count_kill();
        if goes_on {
            // A repaired row, if it was repaired, goes on lawfully before anybody looks.
            self.carry_on();
        }
        self.rise_after_repair(point, &proposal);
    }

    fn kill_during(&mut self, apply: Program) {
        let killer = self.guarded.running().killer();
        let after = Duration::from_micros(self.seed.below(120_000));
        let mut asking = apply.start();
        let (_done, wait) = channel::<()>();
        let _ = wait.recv_timeout(after);
        killer.kill();
        asking.wait_for_end(LONG);
    }

    fn rise_after_repair(&mut self, point: Option<&str>, proposal: &str) {
        let ready = self.guarded.serve();
        self.ready_s.push(ready.as_secs_f64());
        let state = self.repair_state(proposal);
        match point {
            Some("repair-after-commit") => assert_eq!(state, "applied"),
            Some(_) => assert_eq!(state, "failed"),
            // It may not have been begun.
            None => assert!(
                ["applied", "failed", "approved"].contains(&&*state),
                "{state}"
            ),
        }
        if state == "applied" {
            self.attack.wrong.clear();
        }
        self.attack.agrees_with_audit(&self.guarded);
        // Whatever it was, it can be brought to an end.
        let mut failed = state == "failed";
        if state == "approved" {
            self.guarded.log_in(ENGINEER);
            let ended = self.guarded.run(&["repair", "apply", proposal]);
            // The shop may have gone on with a row meanwhile: then it is proposed anew.
            failed = ended.code != Some(0);
            assert!(
                !failed || ended.err.contains("not as the proposal expects"),
                "{ended:?}"
            );
        }
        if failed {
            let applied = self.guarded.repair();
            assert_eq!(applied["state"], "applied", "{applied}");
        }
        self.attack.wrong.clear();
        self.guarded.kill();
        self.rise();
    }
}

#[test]
fn kill_9_at_any_moment_loses_nothing_and_doubles_nothing() {
    let mut world = World::new();
    world.rise_once();
    let checkpoint = world.guarded.beside("checkpoint");
    let note = world.guarded.good(&["journal", "checkpoint", "root"]);
    std::fs::write(&checkpoint, note + "\n").unwrap();
    let mut repairs = REPAIR_POINTS.iter().enumerate();
    for (i, point) in POINTS.iter().enumerate() {
        world.die_at(point);
        world.rise();
        if i % 5 == 4
            && let Some((n, point)) = repairs.next()
        {
            world.die_in_repair(Some(point), n >= 3);
        }
    }
    for (n, point) in repairs {
        world.die_in_repair(Some(point), n >= 3);
    }
    for n in 0..RANDOM {
        world.die_at_random();
        world.rise();
        if n < RANDOM_REPAIRS {
            world.die_in_repair(None, n % 2 == 0);
        }
    }
    world.die_in_index_flush();
    assert!(world.kills >= 50, "{} kills", world.kills);
    // The journal as it is now continues what it was at the beginning.
    world.guarded.stop();
    let checkpoint = checkpoint.to_str().unwrap();
    world
        .guarded
        .good(&["journal", "verify", "--checkpoint", checkpoint]);
    world.ready_s.sort_by(f64::total_cmp);
    let median = Duration::from_secs_f64(world.ready_s[world.ready_s.len() / 2]);
    assert!(median < READY_WITHIN, "{:?}", world.ready_s);
}

impl World {
    /// As [`World::rise`], of a server that runs already.
    fn rise_once(&mut self) {
        self.guarded.kill();
        self.kills += 1;
        self.rise();
    }

    /// The index is written out when the server ends in good order; here it dies while it does so.
    fn die_in_index_flush(&mut self) {
        for _ in 0..2 {
            self.guarded.kill();
            assert!(self.guarded.serve_crashing("journal-index-flush"));
            for _ in 0..8 {
                trade(&mut self.shop, &mut self.seed);
            }
            self.attack.strike(&mut self.seed);
            self.guarded.running().terminate();
            self.count_kill();
            self.rise();
        }
    }
}

/// A baseline that was cut short does not count: the next one is the first.
#[test]
fn a_baseline_that_was_killed_is_taken_again_without_confirmation() {
    let guarded = Guarded::empty();
    let shop = SmallShop::create(&guarded.shop(), 200, 3);
    // The first of the journal's is the schema's entry; with that in place, the rows'.
    for point in [
        "journal-vault-append",
        "journal-before-fsync",
        "journal-before-fsync",
        "journal-after-fsync",
        "journal-index-flush",
        "store-before-commit",
    ] {
        let baseline = guarded
            .program()
            .args(["source", "baseline", "shop"])
            .env("BALEFIRE_CRASH_AT", point);
        let ended = baseline.run(LONG);
        assert_eq!(ended.code, None, "{point}: {ended:?}");
    }
    let taken = guarded.json(&["source", "baseline", "shop"]);
    let counts = shop.counts();
    let rows = counts.orders + counts.payments + counts.refunds;
    assert_eq!(taken["rows"], rows);
    let audit = guarded.json(&["audit", "shop"]);
    assert_eq!(audit["rows"], rows);
    assert_eq!(audit["discrepancies"].as_array().map(Vec::len), Some(0));
    checks::journal(&guarded);
}
