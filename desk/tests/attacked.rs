//! A desk over a real small shop, attacked in the ways that a review thought of.

use desk::config::{Config, RepairConfig, SourceConfig};
use desk::{CommandError, DataFolder, Desk, FindingFilter};
use incident::Command;
use incident::learning::Topic;
use incident::rows::TableRows;
use model::policy::CrossCheck;
use model::{
    AccountId, Actor, Finding, FindingKind, IncidentId, Operation, PositionId, ProposalId,
    RequestId, SourceName,
};
use std::time::Duration;
use testkit::{SmallShop, TempFolder, small_shop_policy};

struct World {
    desk: Desk,
    shop: SmallShop,
    folder: TempFolder,
    config: Config,
}

impl World {
    fn with(check: Vec<CrossCheck>) -> Self {
        let folder = TempFolder::new();
        let shop = SmallShop::create(&folder.join("shop.db"), 60, 7);
        let policy = small_shop_policy();
        let config = Config {
            source: vec![SourceConfig {
                check,
                repair: RepairConfig {
                    max_rows: 5,
                    ..RepairConfig::default()
                },
                ..SourceConfig::sqlite(policy, shop.path())
            }],
            ..Config::default()
        };
        let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
        desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        Self {
            desk,
            shop,
            folder,
            config,
        }
    }

    fn new() -> Self {
        Self::with(Vec::new())
    }

    /// Ends the desk in good order and opens it anew.
    fn restart(self) -> Self {
        let Self {
            desk,
            shop,
            folder,
            config,
        } = self;
        desk.stop();
        drop(desk);
        let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
        desk.start_guards().unwrap();
        Self {
            desk,
            shop,
            folder,
            config,
        }
    }

    fn sql(&self, sql: &str) {
        self.shop.intruder().execute_batch(sql).unwrap();
    }

    /// A paid order's number.
    fn paid(&self, nth: usize) -> i64 {
        self.shop.orders_in("paid")[nth]
    }

    /// Waits until as many findings are stored.
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

    /// Findings are stored before triage opens the incident.
    fn incident(&self) -> IncidentId {
        let mut seen = 0;
        for _ in 0..100 {
            if let Some(id) = self.desk.open_incident_of(&shop_name()) {
                return id;
            }
            seen = self.desk.wait_for_change(seen, Duration::from_millis(200));
        }
        panic!("no incident was opened in time");
    }

    fn propose(&self) -> Result<ProposalId, CommandError> {
        self.desk
            .propose_repair(person("proposer", &["head_support"]), &self.incident())
    }

    fn approve_and_apply(&self, id: &ProposalId) -> Result<(), CommandError> {
        let digest = self.desk.proposal(id).unwrap().digest;
        let approve = Command::ApproveRepair {
            proposal: id.clone(),
            digest,
        };
        self.desk
            .execute(person("approver", &["ciso"]), &self.incident(), approve)?;
        self.desk
            .apply_repair(person("writer", &["sysadmin"]), &self.incident(), id)
    }

    fn discrepancies(&self) -> usize {
        self.desk
            .audit_source(&shop_name())
            .unwrap()
            .discrepancies
            .len()
    }
}

fn shop_name() -> SourceName {
    SourceName::new("shop")
}

fn person(name: &str, positions: &[&str]) -> Operation {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    Operation {
        actor: Actor::Person {
            account: AccountId::new(name),
            name: name.to_owned(),
            positions: positions.iter().map(|p| PositionId::from(*p)).collect(),
        },
        reason: "test".to_owned(),
        request: RequestId::new(format!("{name}-{number}")),
        now: model::Clock::now(&model::SystemClock),
    }
}

#[test]
fn a_repair_does_not_make_another_tampered_column_lawful() {
    let world = World::new();
    let order = world.paid(0);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {order}"
    ));
    world.findings(1);
    let proposal = world.propose().unwrap();
    world.sql(&format!(
        "UPDATE orders SET customer_id = customer_id + 1 WHERE id = {order}"
    ));
    world.findings(2);
    let refused = world.approve_and_apply(&proposal).unwrap_err().to_string();
    assert!(refused.contains("propose anew"), "{refused}");
    assert_eq!(world.discrepancies(), 1);
    let proposal = world.propose().unwrap();
    world.approve_and_apply(&proposal).unwrap();
    assert_eq!(world.discrepancies(), 0);
}

#[test]
fn more_rows_than_one_repair_may_hold_are_put_right_by_several() {
    let world = World::new();
    world
        .sql("UPDATE orders SET total_minor = total_minor + 7 WHERE status IN ('paid', 'shipped')");
    let tampered = world.shop.orders_in("paid").len() + world.shop.orders_in("shipped").len();
    assert!(
        tampered > 5,
        "the shop is too small for this test: {tampered}"
    );
    world.findings(tampered);
    let mut left = world.discrepancies();
    assert_eq!(left, tampered);
    while left > 0 {
        let proposal = world.propose().unwrap();
        world.approve_and_apply(&proposal).unwrap();
        let now = world.discrepancies();
        assert_eq!(now, left.saturating_sub(5));
        left = now;
    }
}

#[test]
fn a_row_deleted_before_a_restart_still_counts_as_lawful_after_it() {
    let world = World::new();
    let shipped = world.shop.orders_in("shipped")[0];
    world.sql(&format!(
        "PRAGMA foreign_keys = OFF; DELETE FROM orders WHERE id = {shipped}"
    ));
    world.findings(1);
    let world = world.restart();
    // The shop's refund desk knows nothing: the order lawfully exists, so this is no forgery.
    world.sql(&format!(
        "PRAGMA foreign_keys = OFF; INSERT INTO refunds (order_id, status, amount_minor) VALUES ({shipped}, 'done', 5)"
    ));
    let other = world.paid(0);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {other}"
    ));
    let found = world.findings(2);
    let tables: Vec<&str> = found.iter().map(|f| f.table.as_str()).collect();
    assert_eq!(tables, ["orders", "orders"], "{found:#?}");
}

#[test]
fn a_check_that_cannot_run_is_a_finding_and_the_guard_goes_on() {
    let world = World::with(vec![CrossCheck {
        name: "sums".into(),
        sql: "SELECT 'refunds', '0', sum(amount_minor) FROM refunds HAVING sum(amount_minor) < 0"
            .into(),
    }]);
    let order = world.shop.orders_in("shipped")[0];
    // Two of these overflow SQLite's sum: the check itself fails from then on.
    world.sql(&format!(
        "INSERT INTO refunds (order_id, status, amount_minor) VALUES ({order}, 'done', 9223372036854775807), ({order}, 'done', 9223372036854775807)"
    ));
    let found = world.findings(1);
    let failed = found
        .iter()
        .find(|f| f.kind == FindingKind::CheckFailed)
        .expect("a finding");
    assert!(failed.detail.contains("cannot run"), "{failed:?}");
    let paid = world.paid(0);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {paid}"
    ));
    let found = world.findings(2);
    assert!(
        found
            .iter()
            .any(|f| f.table == "orders" && f.kind == FindingKind::Altered)
    );
    assert!(world.desk.sources()[0].watching);
}

#[test]
fn a_padded_row_is_judged_like_any_other() {
    let world = World::new();
    let order = world.paid(0);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1, phone = printf('%.*c', 60000, 'x'), currency = printf('%.*c', 30000, 'y') WHERE id = {order}"
    ));
    let found = world.findings(1);
    let columns: Vec<&str> = found[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert!(
        columns.contains(&"total_minor") && columns.contains(&"currency"),
        "{columns:?}"
    );
}

#[test]
fn a_row_that_a_person_lets_stand_counts_as_a_false_alarm() {
    let world = World::new();
    let order = world.paid(0);
    world.sql(&format!(
        "UPDATE orders SET total_minor = 1 WHERE id = {order}"
    ));
    world.findings(1);
    let incident = world.incident();
    assert_eq!(world.desk.sources()[0].false_alarms, 0);
    let decision = Command::RecordDecision {
        topic: Topic::AcceptRows {
            rows: vec![TableRows {
                source: shop_name(),
                table: "orders".into(),
                keys: vec![order.to_string()],
            }],
        },
        text: "agreed with the customer by telephone".into(),
    };
    let who = person("decider", &["ciso"]);
    world.desk.execute(who, &incident, decision).unwrap();
    assert_eq!(world.desk.sources()[0].false_alarms, 1);
}
