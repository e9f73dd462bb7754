//! Audits of a part by the clock: turns come when they are due, go on over a restart, name what
//! differs, and say what they have covered.

use desk::audit_turns::{AuditConfig, AuditMode, Every};
use desk::config::{Config, SourceConfig};
use desk::{DataFolder, Desk, FindingFilter};
use model::{Clock as _, SourceName};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use testkit::{SmallShop, TempFolder, VirtualClock, postgres, small_shop_policy};

struct World {
    shop: SmallShop,
    clock: VirtualClock,
    folder: TempFolder,
    config: Config,
}

fn name() -> SourceName {
    small_shop_policy().source
}

impl World {
    fn new(mode: AuditMode, rows: Option<u64>, share: Option<f64>) -> (Self, Desk) {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 60, 7);
        let audit = AuditConfig {
            every: Every { seconds: 300 },
            rows,
            share,
            mode,
        };
        let config = Config {
            source: vec![SourceConfig {
                audit: Some(audit),
                ..SourceConfig::sqlite(small_shop_policy(), shop.path())
            }],
            ..Config::default()
        };
        let world = Self {
            shop,
            clock: VirtualClock::default(),
            folder,
            config,
        };
        let desk = world.open();
        desk.baseline(&name(), false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        (world, desk)
    }

    fn open(&self) -> Desk {
        let folder = DataFolder::new(self.folder.join("data"));
        let clock = Arc::new(self.clock.clone());
        Desk::open_with(folder, self.config.clone(), clock).unwrap()
    }

    fn tamper(&self) -> i64 {
        let order = self.shop.orders_in("paid")[0];
        let sql = "UPDATE orders SET total_minor = 1 WHERE id = ?1";
        self.shop.intruder().execute(sql, [order]).unwrap();
        order
    }
}

#[test]
fn turns_go_round_by_the_clock_and_over_a_restart() {
    let (world, desk) = World::new(AuditMode::Range, Some(50), None);
    let began = world.clock.now();
    assert_eq!(desk.part_audits(&name()).unwrap().turns, []);
    // The first turn is due at once, the next one when its time has come.
    assert_eq!((desk.take_due_audits(), desk.take_due_audits()), (1, 0));
    let first = desk.part_audits(&name()).unwrap();
    let total = first.turns[0].total;
    assert!(total > 100, "{total}");
    assert_eq!(first.covered[0].since, began);
    assert_eq!(first.covered[0].share, 50.0 / total as f64);
    assert_eq!(first.next_at, Some(began.plus_s(300)));
    world.clock.advance_s(299);
    assert_eq!(desk.take_due_audits(), 0);
    desk.stop();
    drop(desk);

    let desk = world.open();
    desk.start_guards().unwrap();
    assert_eq!(desk.take_due_audits(), 0, "a restart is no reason");
    world.clock.advance_s(1);
    assert_eq!(desk.take_due_audits(), 1);
    let second = desk.part_audits(&name()).unwrap();
    assert_eq!(second.turns.len(), 2);
    assert_eq!(second.covered[0].since, began, "the round goes on");
    assert_eq!(second.covered[0].share, 100.0 / total as f64);
    assert!(second.covered[0].missed[0].probability < first.covered[0].missed[0].probability);
    assert_eq!(second.last_round, None);
    for _ in 0..total.div_ceil(50) {
        world.clock.advance_s(300);
        assert_eq!(desk.take_due_audits(), 1);
    }
    let round = desk.part_audits(&name()).unwrap().last_round.unwrap();
    assert_eq!((round.began_at, round.rows), (began, total));
    // A clock that was set back does not stop the turns.
    world.clock.advance_s(-86_400);
    assert_eq!(desk.take_due_audits(), 1);
    desk.stop();
}

#[test]
fn what_differs_is_named_without_its_values() {
    let (world, desk) = World::new(AuditMode::Range, None, Some(1.0));
    let order = world.tamper();
    assert_eq!(desk.take_due_audits(), 1);
    let audits = desk.part_audits(&name()).unwrap();
    let turn = &audits.turns[0];
    assert_eq!((turn.differing, turn.rows), (1, turn.total));
    let row = &turn.named[0];
    assert_eq!(
        (row.table.as_str(), row.key.as_str()),
        ("orders", &*order.to_string())
    );
    assert_eq!(row.columns, ["total_minor"]);
    assert_eq!(audits.covered[0].share, 1.0);
    assert!(audits.last_round.is_some());
    let found = desk.findings(&FindingFilter {
        limit: 10,
        ..FindingFilter::default()
    });
    assert_eq!(found.len(), 1, "one row, one finding: {found:?}");
    desk.stop();
}

#[test]
fn samples_cover_more_with_every_turn() {
    let (world, desk) = World::new(AuditMode::Sample, None, Some(0.25));
    world.tamper();
    let mut last = 0.0;
    for _ in 0..8 {
        assert_eq!(desk.take_due_audits(), 1);
        let covered = desk.part_audits(&name()).unwrap().covered[0].share;
        assert!(covered > last, "{covered} after {last}");
        last = covered;
        world.clock.advance_s(300);
    }
    let expected = 1.0 - 0.75_f64.powi(8);
    assert!((last - expected).abs() < 0.02, "{last} against {expected}");
    desk.stop();
}

#[test]
fn a_source_that_cannot_be_audited_says_so_and_is_tried_again() {
    let (world, desk) = World::new(AuditMode::Range, Some(50), None);
    desk.stop();
    drop(desk);
    let desk = world.open();
    // Its guard was not started.
    assert_eq!(desk.take_due_audits(), 0);
    let audits = desk.part_audits(&name()).unwrap();
    assert!(
        audits.problem.is_some() && audits.turns.is_empty(),
        "{audits:?}"
    );
    desk.start_guards().unwrap();
    world.clock.advance_s(300);
    assert_eq!(desk.take_due_audits(), 1);
    assert_eq!(desk.part_audits(&name()).unwrap().problem, None);
    desk.stop();
}

#[test]
fn the_thread_takes_turns_while_the_shop_trades() {
    let (_world, desk) = World::new(AuditMode::Range, Some(50), None);
    desk.start_audits().unwrap();
    let mut seen = 0;
    for _ in 0..100 {
        if !desk.part_audits(&name()).unwrap().turns.is_empty() {
            break;
        }
        seen = desk.wait_for_change(seen, Duration::from_millis(100));
    }
    assert_eq!(desk.part_audits(&name()).unwrap().turns.len(), 1);
    desk.stop();
}

/// Updates rows of the shop until told to stop; gives the number of committed changes.
fn trade(database: &postgres::Database, stop: &AtomicBool, done: &AtomicU64) {
    let mut round = 0_u64;
    while !stop.load(Ordering::SeqCst) {
        let updates: Vec<String> = (0..40)
            .map(|i| {
                let id = 1 + (round * 40 + i) * 7 % 2_000;
                format!("UPDATE orders SET visits = visits + 1 WHERE id = {id};")
            })
            .collect();
        database.run(&updates.join("\n"));
        done.fetch_add(40, Ordering::SeqCst);
        round += 1;
    }
}

#[test]
fn turns_on_a_server_take_nothing_for_a_difference_while_it_trades() {
    let database = postgres::Server::shared().database();
    database.run(
        "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2) NOT NULL, visits bigint NOT NULL);
         INSERT INTO orders SELECT g, g, 0 FROM generate_series(1, 2000) g;",
    );
    let folder = TempFolder::new();
    let url = testkit::write_url_file(folder.path(), &database.url());
    let config = Config::parse(&format!(
        r#"
[[source]]
name = "shop"
kind = "postgres"
url_file = {url:?}
tls = "off"
slot = "balefire_audit_turns_{}"
[source.audit]
every = "10s"
share = 0.2
[[source.table]]
name = "orders"
key = ["id"]
frozen = {{ columns = ["total"] }}
"#,
        std::process::id()
    ))
    .unwrap();
    let clock = VirtualClock::default();
    let data = DataFolder::new(folder.join("data"));
    let desk = Desk::open_with(data, config, Arc::new(clock.clone())).unwrap();
    let shop = SourceName::new("shop");
    desk.attach(&shop).unwrap();
    desk.baseline(&shop, false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| trade(&database, &stop, &done));
        for _ in 0..10 {
            assert_eq!(desk.take_due_audits(), 1);
            clock.advance_s(10);
        }
        database.run("UPDATE orders SET total = 0 WHERE id = 1000");
        for _ in 0..5 {
            assert_eq!(desk.take_due_audits(), 1);
            clock.advance_s(10);
        }
        stop.store(true, Ordering::SeqCst);
    });
    let audits = desk.part_audits(&shop).unwrap();
    let differing: Vec<u64> = audits.turns.iter().rev().map(|t| t.differing).collect();
    assert_eq!(differing[..10], [0; 10]);
    assert_eq!(differing[10..].iter().sum::<u64>(), 1, "{differing:?}");
    assert_eq!(audits.last_round.map(|round| round.rows), Some(2_000));
    // The feed went on meanwhile: all that was written is in the ledger after one more look.
    desk.audit_source(&shop).unwrap();
    let changes = desk.sources()[0].changes;
    assert!(
        changes > done.load(Ordering::SeqCst),
        "{changes} of {done:?}"
    );
    desk.detach(&shop).unwrap();
    desk.stop();
}
