//! Investigations on a desk over a real small shop: lives, persons, windows, proofs, and who may
//! read what.

use desk::config::Config;
use desk::investigate::{Cut, Investigation, Question, RowLife, Step, StepKind, Unanswered, Write};
use desk::{DataFolder, Desk, DeskError, FindingFilter};
use incident::Command;
use model::entry::LedgerEntry;
use model::{
    AccountId, Actor, Finding, FindingId, Instant, Operation, PositionId, RequestId, SourceName,
    Standing, Verdict,
};
use std::time::Duration;
use testkit::{SMALL_SHOP_SETTINGS, SmallShop, TempFolder};

const PASSWORD: &str = "correct horse battery staple";

struct World {
    desk: Desk,
    shop: SmallShop,
    folder: TempFolder,
}

impl World {
    fn new() -> Self {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 60, 7);
        std::fs::write(folder.join("balefire.toml"), SMALL_SHOP_SETTINGS).unwrap();
        let desk = open(&folder);
        desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        Self { desk, shop, folder }
    }

    fn sql(&self, sql: &str) {
        self.shop.intruder().execute_batch(sql).unwrap();
    }

    fn now() -> Instant {
        model::Clock::now(&model::SystemClock)
    }

    /// Waits until the guard has seen and stored what `enough` asks for.
    fn until(&self, what: &str, enough: impl Fn(&Desk) -> bool) {
        let mut seen = 0;
        for _ in 0..200 {
            if enough(&self.desk) {
                return;
            }
            seen = self.desk.wait_for_change(seen, Duration::from_millis(100));
        }
        panic!("{what}: not in time");
    }

    fn findings(&self, count: usize) -> Vec<Finding> {
        let all = |desk: &Desk| {
            desk.findings(&FindingFilter {
                limit: 1_000,
                ..FindingFilter::default()
            })
        };
        self.until("findings", |desk| all(desk).len() >= count);
        all(&self.desk)
    }

    fn row(&self, table: &str, key: i64) -> Investigation {
        self.ask(&Question::Row {
            source: None,
            table: table.to_owned(),
            key: key.to_string(),
        })
        .unwrap()
    }

    fn ask(&self, question: &Question) -> Result<Investigation, Unanswered> {
        self.desk.investigate(question, false)
    }

    /// Waits until the row's life has so many steps.
    fn life(&self, table: &str, key: i64, steps: usize) -> RowLife {
        self.until("steps", |desk| {
            let question = Question::Row {
                source: None,
                table: table.to_owned(),
                key: key.to_string(),
            };
            desk.investigate(&question, false)
                .is_ok_and(|told| told.rows[0].steps.len() >= steps)
        });
        self.row(table, key).rows.remove(0)
    }

    fn repair(&self) {
        let incident = self.desk.open_incident_of(&shop_name()).unwrap();
        let op = person("proposer", &["head_support"]);
        let id = self.desk.propose_repair(op, &incident).unwrap();
        let digest = self.desk.proposal(&id).unwrap().digest;
        let approve = Command::ApproveRepair {
            proposal: id.clone(),
            digest,
        };
        self.desk
            .execute(person("approver", &["ciso"]), &incident, approve)
            .unwrap();
        self.desk
            .apply_repair(person("writer", &["sysadmin"]), &incident, &id)
            .unwrap();
    }
}

fn open(folder: &TempFolder) -> Desk {
    let config = Config::load(&folder.join("balefire.toml")).unwrap();
    Desk::open(DataFolder::new(folder.join("data")), config).unwrap()
}

fn shop_name() -> SourceName {
    SourceName::new("shop")
}

fn person(name: &str, positions: &[&str]) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new(name),
            name: name.to_owned(),
            positions: positions.iter().map(|p| PositionId::from(*p)).collect(),
        },
        reason: "test".to_owned(),
        request: RequestId::new(format!("{name}-1")),
        now: World::now(),
    }
}

/// `column: old -> new` of a step.
fn changed(step: &Step) -> Vec<String> {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    step.changes
        .iter()
        .map(|c| format!("{}: {} -> {}", c.name, side(&c.old), side(&c.new)))
        .collect()
}

#[test]
fn a_row_is_followed_through_insert_change_tampering_and_repair() {
    let mut world = World::new();
    let order = world.shop.place();
    world.life("orders", order, 1);
    world.shop.pay(order);
    world.life("orders", order, 2);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {order}"
    ));
    let finding = world.findings(1).remove(0);
    world.until("an incident", |d| {
        d.open_incident_of(&shop_name()).is_some()
    });
    world.repair();
    let life = world.life("orders", order, 5);
    let kinds: Vec<StepKind> = life.steps.iter().map(|s| s.kind).collect();
    assert_eq!(
        kinds,
        [
            StepKind::Change,
            StepKind::Change,
            StepKind::Change,
            StepKind::Expected,
            StepKind::Repair
        ]
    );
    let [placed, paid, tampered, expected, repaired] = life.steps.as_slice() else {
        panic!("{life:#?}");
    };
    assert_eq!(placed.write, Write::Insert);
    assert_eq!(placed.image.len(), 6);
    assert_eq!(changed(paid), ["status: placed -> paid"]);
    assert_eq!(paid.verdict, Verdict::Lawful);
    let company = paid.company.as_ref().unwrap();
    assert!(company.entry.is_none(), "a file tells no transactions");
    // The payment came in the same look or in one of its own; never another order's.
    assert!(company.rows.iter().all(|r| r.table == "payments"));
    assert_eq!(tampered.verdict, Verdict::Unlawful);
    assert_eq!(tampered.rules[0].rule, "frozen");
    assert_eq!(tampered.rules[0].columns, ["total_minor"]);
    assert_eq!(tampered.findings, std::slice::from_ref(&finding.id));
    let [was] = changed(tampered).try_into().unwrap();
    let back: Vec<&str> = was
        .trim_start_matches("total_minor: ")
        .split(" -> ")
        .collect();
    let [total, "1"] = back.as_slice() else {
        panic!("{was}");
    };
    let mended = format!("total_minor: 1 -> {total}");
    assert_eq!(changed(expected), [mended.as_str()]);
    assert_eq!(changed(repaired), [mended.as_str()]);
    assert_eq!(life.standing, Standing::Clean);
    assert!(life.unlawful);

    // The finding leads to the same life, and the scope says how far it went.
    let told = world.ask(&Question::Finding { id: finding.id }).unwrap();
    assert_eq!(told.rows, [life]);
    assert_eq!((told.scope.rows, told.scope.unlawful), (1, 1));
    assert_eq!((told.scope.persons, told.scope.persons_unlawful), (1, 1));
    let [amount] = told.scope.amounts.as_slice() else {
        panic!("{:?}", told.scope.amounts);
    };
    let total: i64 = total.parse().unwrap();
    assert_eq!(amount.currency, "CNY");
    assert_eq!((amount.minor, amount.moved_minor), (total, total - 1));
    assert_eq!(told.scope.personal[0].kind, "phone");
    assert_eq!(told.scope.personal[0].columns, ["orders.phone"]);
    assert!(told.found_something());
}

#[test]
fn a_row_that_is_gone_and_came_back_keeps_its_earlier_life() {
    let world = World::new();
    let order = world.shop.orders_in("shipped")[0];
    world.sql(&format!(
        "PRAGMA foreign_keys = OFF; DELETE FROM orders WHERE id = {order}"
    ));
    world.findings(1);
    let life = world.life("orders", order, 2);
    assert_eq!(life.steps[0].kind, StepKind::Baseline);
    assert_eq!(life.steps[1].write, Write::Delete);
    assert!(life.steps[1].image.is_empty());
    assert_eq!(life.standing, Standing::Deleted);
    let phone = life.steps[1].changes.iter().find(|c| c.name == "phone");
    let phone = phone.unwrap();
    assert!(phone.personal && phone.new.is_none());
    assert!(phone.old.as_ref().unwrap().starts_with("••••"), "{phone:?}");
}

#[test]
fn a_person_is_counted_once_over_all_their_rows() {
    let mut world = World::new();
    let customer = |world: &World, order: i64| -> i64 {
        world
            .shop
            .intruder()
            .query_row(
                "SELECT customer_id FROM orders WHERE id = ?1",
                [order],
                |r| r.get(0),
            )
            .unwrap()
    };
    let first = world.shop.place();
    let who = customer(&world, first);
    world.sql(&format!(
        "INSERT INTO orders (customer_id, phone, status, total_minor, currency)
         VALUES ({who}, '13900000001', 'placed', 500, 'USD')"
    ));
    let theirs: Vec<i64> = {
        let db = world.shop.intruder();
        let mut find = db
            .prepare("SELECT id FROM orders WHERE customer_id = ?1 ORDER BY id")
            .unwrap();
        let ids = find.query_map([who], |row| row.get(0)).unwrap();
        ids.collect::<Result<_, _>>().unwrap()
    };
    let newest = *theirs.last().unwrap();
    world.life("orders", newest, 1);
    // By a row that names the person, and by the column that does.
    for (table, key) in [("orders", first), ("customer_id", who)] {
        let told = world
            .ask(&Question::Person {
                source: None,
                table: table.to_owned(),
                key: key.to_string(),
            })
            .unwrap();
        let mut keys: Vec<i64> = told.rows.iter().map(|r| r.key.parse().unwrap()).collect();
        keys.sort_unstable();
        assert_eq!(keys, theirs, "{table}");
        assert!(told.rows.iter().all(|r| r.table == "orders"));
        assert_eq!(told.scope.persons, 1);
        assert_eq!(told.scope.persons_unlawful, 0);
        let usd = told.scope.amounts.iter().find(|a| a.currency == "USD");
        assert_eq!(usd.unwrap().minor, 500);
        assert!(told.masked, "a phone number stands in clear");
    }
    let nobody = world.ask(&Question::Person {
        source: None,
        table: "payments".to_owned(),
        key: "1".to_owned(),
    });
    let told = nobody.unwrap_err().to_string();
    assert!(
        told.contains("names no person") && told.contains("customer_id"),
        "{told}"
    );
}

#[test]
fn a_window_shows_what_was_seen_in_it_and_nothing_else() {
    let world = World::new();
    let before = World::now();
    let paid = world.shop.orders_in("paid");
    world.sql(&format!(
        "UPDATE orders SET total_minor = 7 WHERE id = {}",
        paid[0]
    ));
    world.findings(1);
    let between = World::now();
    world.sql(&format!(
        "UPDATE orders SET total_minor = 8 WHERE id IN ({}, {})",
        paid[1], paid[2]
    ));
    world.findings(3);
    let window = |from, until| {
        world
            .ask(&Question::Window {
                source: Some(shop_name()),
                from,
                until,
            })
            .unwrap()
    };
    let keys = |told: &Investigation| -> Vec<String> {
        let mut keys: Vec<String> = told.rows.iter().map(|r| r.key.clone()).collect();
        keys.sort();
        keys
    };
    let first = window(before, between);
    assert_eq!(keys(&first), [paid[0].to_string()]);
    // The whole life is told, the scope is the window's.
    assert_eq!(first.rows[0].steps[0].kind, StepKind::Baseline);
    assert!(first.scope.first_at.unwrap() >= before);
    let second = window(between, World::now());
    let mut later = [paid[1].to_string(), paid[2].to_string()];
    later.sort();
    assert_eq!(keys(&second), later);
    let company = second.rows[0].steps.last().unwrap().company.as_ref();
    let company = company.unwrap();
    assert_eq!(company.others, 1);
    assert_eq!(company.rows[0].key, second.rows[1].key);
    assert_eq!(company.rows[0].verdict, Verdict::Unlawful);
    let quiet = window(before.plus_s(-7_200), before.plus_s(-3_600));
    assert!(quiet.rows.is_empty() && !quiet.found_something());
    let backwards = world.ask(&Question::Window {
        source: None,
        from: between,
        until: before,
    });
    assert!(
        backwards
            .unwrap_err()
            .to_string()
            .contains("before it begins")
    );
}

#[test]
fn a_blind_time_is_shown_to_whoever_asks_for_a_row_of_it() {
    let world = World::new();
    let order = world.shop.orders_in("paid")[0];
    let World { desk, shop, folder } = world;
    desk.stop();
    drop(desk);
    shop.intruder()
        .execute_batch(&format!(
            "UPDATE orders SET status = 'shipped' WHERE id = {order}"
        ))
        .unwrap();
    let desk = open(&folder);
    desk.start_guards().unwrap();
    let world = World { desk, shop, folder };
    let told = world.row("orders", order);
    let step = told.rows[0].steps.last().unwrap();
    assert_eq!(changed(step), ["status: paid -> shipped"]);
    assert!(!step.witnessed);
    assert_eq!(told.scope.unwitnessed, 1);
    let [.., blind] = told.blind.as_slice() else {
        panic!("{told:#?}");
    };
    assert!(blind.from.unwrap() < blind.until && blind.until <= step.at);
}

#[test]
fn every_cited_entry_is_proven_offline_and_shows_no_personal_value() {
    let world = World::new();
    let order = world.shop.orders_in("paid")[0];
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {order}"
    ));
    let finding = world.findings(1).remove(0);
    let question = Question::Finding { id: finding.id };
    let answer = world.desk.investigate_for(&question, None, true).unwrap();
    let key = answer.verifier_key.trim().parse().unwrap();
    let cited = answer.report.cited();
    assert_eq!(answer.proofs.len(), cited.len());
    assert_eq!(answer.unproven, 0);
    let mut tampered = 0;
    for (proof, index) in answer.proofs.iter().zip(cited) {
        let proven = journal::proof::open(&proof.bundle, &key).unwrap();
        assert_eq!((proven.index, proof.index), (index, index));
        assert!(proven.origin.ends_with("ledger/0"), "{}", proven.origin);
        if let LedgerEntry::Row(row) = LedgerEntry::decode(&proven.extra).unwrap() {
            tampered += u32::from(row.judgement.verdict == Verdict::Unlawful);
        }
        // Another entry under the same proof is refused.
        assert!(journal::proof::verify(&proof.bundle, b"another", &key).is_err());
    }
    assert_eq!(tampered, 1);
    let phone: String = world
        .shop
        .intruder()
        .query_row("SELECT phone FROM orders WHERE id = ?1", [order], |r| {
            r.get(0)
        })
        .unwrap();
    let told = serde_json::to_string(&answer).unwrap();
    assert!(
        !told.contains(&phone),
        "a personal value is in the evidence"
    );
    let read: desk::investigate::Answer = serde_json::from_str(&told).unwrap();
    assert_eq!(read, answer);
}

#[test]
fn personal_values_are_told_in_full_to_readers_of_evidence_alone() {
    let world = World::new();
    let order = world.shop.orders_in("paid")[0];
    let phone: String = world
        .shop
        .intruder()
        .query_row("SELECT phone FROM orders WHERE id = ?1", [order], |r| {
            r.get(0)
        })
        .unwrap();
    for (name, position) in [("reader", "security_engineer"), ("agent", "cs_agent")] {
        world
            .desk
            .add_account(
                &AccountId::new(name),
                name,
                &[PositionId::from(position)],
                PASSWORD,
            )
            .unwrap();
    }
    let question = Question::Row {
        source: None,
        table: "orders".to_owned(),
        key: order.to_string(),
    };
    let told = |session: Option<&str>| {
        let answer = world.desk.investigate_for(&question, session, false)?;
        Ok::<_, DeskError>(serde_json::to_string(&answer.report).unwrap())
    };
    let token = |name| world.desk.login(name, PASSWORD).unwrap();
    assert!(told(Some(&token("reader"))).unwrap().contains(&phone));
    let masked = told(None).unwrap();
    assert!(!masked.contains(&phone) && masked.contains("••••"));
    let refused = told(Some(&token("agent"))).unwrap_err().to_string();
    assert!(refused.contains("--in-full"), "{refused}");
    assert!(
        told(Some("no-session"))
            .unwrap_err()
            .to_string()
            .contains("log in")
    );
}

#[test]
fn what_cannot_be_found_is_said_with_what_can() {
    let world = World::new();
    let row = |table: &str, key: &str| {
        world
            .ask(&Question::Row {
                source: None,
                table: table.to_owned(),
                key: key.to_owned(),
            })
            .unwrap_err()
            .to_string()
    };
    assert!(row("order", "1").contains("guarded are orders, payments, refunds"));
    assert!(row("orders", "99999").contains("holds no row"));
    let finding = world.ask(&Question::Finding {
        id: FindingId::from("f-none"),
    });
    assert!(
        finding
            .unwrap_err()
            .to_string()
            .contains("no finding `f-none`")
    );
    let source = world.ask(&Question::Window {
        source: Some(SourceName::new("other")),
        from: Instant(0),
        until: Instant(1),
    });
    assert!(matches!(
        source,
        Err(Unanswered::Desk(DeskError::UnknownSource(_)))
    ));
}

#[test]
fn a_shop_that_cannot_be_reached_is_still_investigated() {
    let world = World::new();
    let order = world.shop.orders_in("paid")[0];
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {order}"
    ));
    world.findings(1);
    let World { desk, shop, folder } = world;
    desk.stop();
    drop(desk);
    std::fs::remove_file(shop.path()).unwrap();
    // No guard: the ledger alone tells.
    let desk = open(&folder);
    let world = World { desk, shop, folder };
    let told = world.row("orders", order);
    assert!(told.cuts.contains(&Cut::NoIndex));
    assert_eq!(told.rows[0].steps.len(), 2);
    assert_eq!(changed(&told.rows[0].steps[1]).len(), 1);
}
