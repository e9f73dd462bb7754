//! Planned changes: what a window excuses is listed and alarms nobody, and nothing beyond it is
//! excused. And shadow mode: everything is listed, nobody is called.

use desk::config::{Config, SourceConfig};
use desk::window::NewWindow;
use desk::{DataFolder, Desk, DeskError, FindingFilter};
use model::{
    AccountId, Actor, Finding, FindingKind, Instant, Operation, PositionId, RequestId, SourceName,
};
use std::time::Duration;
use testkit::{SmallShop, TempFolder, small_shop_policy};

struct World {
    desk: Desk,
    shop: SmallShop,
    _folder: TempFolder,
}

fn shop_name() -> SourceName {
    small_shop_policy().source
}

fn person(name: &str, position: &str, now: Instant) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new(name),
            name: name.to_owned(),
            positions: vec![PositionId::new(position)],
        },
        reason: String::new(),
        request: RequestId::new(format!("{name}/{now}")),
        now,
    }
}

impl World {
    fn new(shadow: bool) -> Self {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 60, 7);
        let config = Config {
            source: vec![SourceConfig {
                shadow,
                ..SourceConfig::sqlite(small_shop_policy(), shop.path())
            }],
            ..Config::default()
        };
        let desk = Desk::open(DataFolder::new(folder.join("data")), config).unwrap();
        desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        Self {
            desk,
            shop,
            _folder: folder,
        }
    }

    fn sql(&self, sql: &str) {
        self.shop.intruder().execute_batch(sql).unwrap();
    }

    fn findings(&self, count: usize) -> Vec<Finding> {
        let mut seen = 0;
        for _ in 0..100 {
            let found = self.desk.findings(&FindingFilter {
                limit: 1_000,
                ..FindingFilter::default()
            });
            if found.len() >= count {
                return found;
            }
            seen = self.desk.wait_for_change(seen, Duration::from_millis(200));
        }
        panic!("{count} findings were not stored in time");
    }

    fn window(&self, most_rows: u64) -> NewWindow {
        let now = self.desk.now();
        NewWindow {
            source: shop_name(),
            ticket: "CHG-1".into(),
            reason: "a price list was wrong".into(),
            tables: vec!["orders".into()],
            most_rows,
            from: now,
            until: now.plus_s(3_600),
        }
    }

    fn asker(&self) -> Operation {
        person("admin", "sysadmin", self.desk.now())
    }
    fn approver(&self) -> Operation {
        person("chief", "ciso", self.desk.now())
    }
}

fn kinds(found: &[Finding]) -> Vec<FindingKind> {
    found.iter().map(|f| f.kind).collect()
}

#[test]
fn a_window_of_two_people_excuses_so_many_changes_of_its_tables() {
    let world = World::new(false);
    let asked = world
        .desk
        .ask_window(&world.asker(), world.window(2))
        .unwrap();
    let paid = world.shop.orders_in("paid");
    // Asked for is not opened.
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {}",
        paid[0]
    ));
    assert_eq!(kinds(&world.findings(1)), [FindingKind::Altered]);
    world
        .desk
        .approve_window(&world.approver(), &asked.id)
        .unwrap();
    for order in &paid[1..4] {
        let sql = format!("UPDATE orders SET total_minor = 1 WHERE id = {order}");
        world.sql(&sql);
        // One look a change, so that each is judged by itself.
        world.desk.audit_source(&shop_name()).unwrap();
    }
    world.sql("DELETE FROM payments WHERE id = 1");
    let found = world.findings(5);
    assert_eq!(
        kinds(&found),
        [
            FindingKind::Altered,
            FindingKind::InWindow,
            FindingKind::InWindow,
            FindingKind::Altered,
            FindingKind::Deleted,
        ]
    );
    assert!(found[1].detail.contains(&asked.id));
    // What was excused is the lawful image now; the rest stays a discrepancy.
    let audit = world.desk.audit_source(&shop_name()).unwrap();
    assert_eq!(audit.discrepancies.len(), 3, "{:?}", audit.discrepancies);
    world.desk.stop();
    let listed = world.desk.windows(None).unwrap();
    assert_eq!(
        (listed.len(), listed[0].approved_by.as_deref()),
        (1, Some("chief"))
    );
}

#[test]
fn a_window_washes_nothing_that_was_unlawful_before_it() {
    let world = World::new(false);
    let paid = world.shop.orders_in("paid");
    let set = |what: &str, order: i64| {
        world.sql(&format!("UPDATE orders SET {what} WHERE id = {order}"));
        world.desk.audit_source(&shop_name()).unwrap().discrepancies
    };
    set("total_minor = 1", paid[0]);
    let asked = world
        .desk
        .ask_window(&world.asker(), world.window(9))
        .unwrap();
    world
        .desk
        .approve_window(&world.approver(), &asked.id)
        .unwrap();
    let left = set("currency = 'USD'", paid[0]);
    assert_eq!(
        kinds(&world.findings(2)),
        [FindingKind::Altered, FindingKind::InWindow]
    );
    assert_eq!(left.len(), 1, "{left:?}");
    let columns: Vec<_> = left[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(columns, ["total_minor"], "the currency is excused");
    // The row itself is as guarded as before: its lawful total may come back, no other.
    let lawful = left[0].columns[0].lawful.clone().unwrap();
    let left = set(&format!("total_minor = {lawful}"), paid[0]);
    assert_eq!(left, [], "{left:?}");
    world.desk.stop();
}

#[test]
fn other_windows_do_not_give_a_window_its_rows_back() {
    let world = World::new(false);
    let paid = world.shop.orders_in("paid");
    let asked = world
        .desk
        .ask_window(&world.asker(), world.window(1))
        .unwrap();
    world
        .desk
        .approve_window(&world.approver(), &asked.id)
        .unwrap();
    for order in &paid[0..2] {
        world.sql(&format!(
            "UPDATE orders SET total_minor = 1 WHERE id = {order}"
        ));
        world.desk.audit_source(&shop_name()).unwrap();
        let other = world
            .desk
            .ask_window(&world.asker(), world.window(1))
            .unwrap();
        world.desk.close_window(&world.asker(), &other.id).unwrap();
    }
    assert_eq!(
        kinds(&world.findings(2)),
        [FindingKind::InWindow, FindingKind::Altered]
    );
    world.desk.stop();
}

#[test]
fn nobody_opens_a_window_alone_or_without_measure() {
    let world = World::new(false);
    let refused = |answer: Result<desk::window::Window, DeskError>| {
        matches!(answer, Err(DeskError::Refused(_)))
    };
    let asked = world
        .desk
        .ask_window(&world.asker(), world.window(1))
        .unwrap();
    let alone = person("admin", "ciso", world.desk.now());
    assert!(refused(world.desk.approve_window(&alone, &asked.id)));
    let agent = person("agent", "cs_agent", world.desk.now());
    assert!(refused(world.desk.ask_window(&agent, world.window(1))));
    assert!(refused(world.desk.approve_window(&agent, &asked.id)));
    for wrong in [
        NewWindow {
            most_rows: 0,
            ..world.window(1)
        },
        NewWindow {
            ticket: " ".into(),
            ..world.window(1)
        },
        NewWindow {
            tables: vec!["staff".into()],
            ..world.window(1)
        },
        NewWindow {
            until: world.desk.now().plus_s(73 * 3_600),
            ..world.window(1)
        },
        NewWindow {
            until: world.desk.now().plus_s(-1),
            ..world.window(1)
        },
    ] {
        assert!(
            refused(world.desk.ask_window(&world.asker(), wrong.clone())),
            "{wrong:?}"
        );
    }
    world.desk.close_window(&world.asker(), &asked.id).unwrap();
    assert!(refused(
        world.desk.approve_window(&world.approver(), &asked.id)
    ));
    let paid = world.shop.orders_in("paid");
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {}",
        paid[0]
    ));
    assert_eq!(kinds(&world.findings(1)), [FindingKind::Altered]);
    world.desk.stop();
}

#[test]
fn in_shadow_mode_everything_is_listed_and_nobody_is_called() {
    let world = World::new(true);
    let paid = world.shop.orders_in("paid");
    for order in &paid[..2] {
        world.sql(&format!(
            "UPDATE orders SET total_minor = 1 WHERE id = {order}"
        ));
        world.desk.audit_source(&shop_name()).unwrap();
    }
    let found = world.findings(2);
    assert_eq!(world.desk.open_incident_of(&shop_name()), None);
    let judge = |finding: &Finding, lawful, reason: &str| {
        world
            .desk
            .judge_finding(&world.approver(), &finding.id, lawful, reason)
    };
    assert!(judge(&found[0], true, " ").is_err());
    judge(&found[0], true, "a price list that was wrong").unwrap();
    judge(&found[1], false, "nobody asked for it").unwrap();
    world.desk.stop();
    let report = world.desk.shadow_report(&shop_name(), 31).unwrap();
    let day = report.days.last().unwrap();
    assert!(report.shadow);
    assert_eq!(report.false_alarms_a_day, 1.0);
    assert_eq!((day.false_alarms, day.unjudged), (1, 0), "{day:?}");
    assert_eq!(day.findings.get("altered"), Some(&2), "{day:?}");
    assert!(day.changes >= 2 && day.most_connections > 0, "{day:?}");
}
