//! Tampered rows of a shop on a server are put right by two people, tried first without a trace, and
//! the repair can be taken back.

use crate::shop::{POLICY, World, fill, fill_mariadb, shop_name, told};
use desk::accept_rows::AcceptRefusal;
use desk::window::NewWindow;
use desk::{DataFolder, Desk};
use incident::Command;
use model::{
    AccountId, Actor, FindingKind, IncidentId, Operation, PositionId, ProposalId, RequestId,
};
use std::time::Duration;

pub fn person(world: &World, name: &str, position: &str) -> Operation {
    let now = world.desk.now();
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

fn incident(world: &World) -> IncidentId {
    let mut seen = 0;
    for _ in 0..100 {
        if let Some(id) = world.desk.open_incident_of(&shop_name()) {
            return id;
        }
        seen = world.desk.wait_for_change(seen, Duration::from_millis(300));
    }
    panic!("no incident was opened in time");
}

fn approve_and_apply(world: &World, incident: &IncidentId, id: &ProposalId) {
    let digest = world.desk.proposal(id).unwrap().digest;
    let approve = Command::ApproveRepair {
        proposal: id.clone(),
        digest,
    };
    let chief = person(world, "chief", "ciso");
    world.desk.execute(chief, incident, approve).unwrap();
    let engineer = person(world, "engineer", "security_engineer");
    world.desk.apply_repair(engineer, incident, id).unwrap();
}

/// Two people put right what was found.
pub fn mended(world: &World) {
    let incident = incident(world);
    let engineer = person(world, "engineer", "security_engineer");
    let id = world.desk.propose_repair(engineer, &incident).unwrap();
    approve_and_apply(world, &incident, &id);
    assert_eq!(world.audited().discrepancies, []);
}

/// The whole story; `rows` reads what the shop holds, `run` is the attacker or the shop.
pub fn mended_and_taken_back(world: &World, run: &dyn Fn(&str), rows: &dyn Fn() -> Vec<String>) {
    let lawful = rows();
    run("UPDATE orders SET total = 0.01 WHERE id = 7;
         UPDATE payments SET amount = 0.01 WHERE id = 7;
         DELETE FROM payments WHERE id = 9;
         UPDATE customers SET phone = 'lawful' WHERE id = 7;");
    assert_eq!(world.findings(3).len(), 3);
    let tampered = rows();
    let incident = incident(world);
    let engineer = || person(world, "engineer", "security_engineer");
    let id = world.desk.propose_repair(engineer(), &incident).unwrap();
    let tried = world.desk.try_repair(&engineer(), &id).unwrap();
    assert_eq!((tried.rows, tried.dry_run), (3, true));
    assert_eq!(rows(), tampered, "a dry run leaves no trace");
    approve_and_apply(world, &incident, &id);
    assert_eq!(rows(), lawful);
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(world.all().len(), 3, "{:?}", told(&world.all()));
    // What the first repair was wrong about is put back by a second one, by two people again.
    let undo = world.desk.propose_undo(engineer(), &incident, &id).unwrap();
    approve_and_apply(world, &incident, &undo);
    assert_eq!(rows(), tampered);
    assert_eq!(world.all().len(), 3, "{:?}", told(&world.all()));
    world.desk.stop();
}

const ROWS: &str = "SELECT id, total, status FROM orders WHERE id IN (7, 9) \
                    UNION ALL SELECT id, amount, state FROM payments WHERE id IN (7, 9) ORDER BY 1, 2";

pub fn lines(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    rows.into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn a_postgres_shop_is_mended_and_the_repair_taken_back() {
    let database = testkit::postgres::Server::shared().database();
    fill(&database, 20);
    let world = World::new("postgres", &database.url());
    mended_and_taken_back(&world, &|sql| database.run(sql), &|| {
        lines(database.rows(ROWS))
    });
}

#[test]
fn a_mariadb_shop_is_mended_and_the_repair_taken_back() {
    let database = testkit::mariadb::Server::shared().database();
    fill_mariadb(&database, 20);
    let world = World::new("mysql", &database.url());
    mended_and_taken_back(&world, &|sql| database.run(sql), &|| {
        lines(database.rows(ROWS))
    });
}

/// An entry of the ledger belongs to a payment, and the database gives it its number.
const LEDGER: &str = r#"
[[table]]
name = "ledger"
key = ["id"]
plain = ["payment_id", "amount", "reverses"]
append_only = true
company = [{ on = "insert", any_of = [{ table = "payments", op = "insert", to = "payment_id" }] }]
reverse = "INSERT INTO ledger (amount, reverses) VALUES (-:amount, :id)"
"#;

/// A forged entry is taken back by another, which is nobody's forgery.
fn taken_back(world: &World, run: &dyn Fn(&str), rows: &dyn Fn() -> Vec<String>) {
    run("INSERT INTO ledger (payment_id, amount) VALUES (3, 99.50)");
    let found = world.findings(1);
    assert_eq!(told(&found), ["ledger 1 forged company []"]);
    let incident = incident(world);
    let engineer = person(world, "engineer", "security_engineer");
    let id = world.desk.propose_repair(engineer, &incident).unwrap();
    approve_and_apply(world, &incident, &id);
    assert_eq!(rows(), ["1 99.50 -", "2 -99.50 1"]);
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(told(&world.all()), ["ledger 1 forged company []"]);
    // The same by another hand is one.
    run("INSERT INTO ledger (amount, reverses) VALUES (-99.50, 1)");
    assert_eq!(told(&world.findings(2))[1], "ledger 3 forged company []");
    world.desk.stop();
}

const ENTRIES: &str =
    "SELECT id, amount, COALESCE(CAST(reverses AS char(1)), '-') FROM ledger ORDER BY id";

#[test]
fn an_entry_of_a_postgres_shop_is_taken_back_and_the_entry_that_does_it_is_lawful() {
    let database = testkit::postgres::Server::shared().database();
    fill(&database, 5);
    database.run(
        "CREATE TABLE ledger (id bigserial PRIMARY KEY, payment_id bigint, amount numeric(12,2), reverses bigint)",
    );
    let world = World::with_policy("postgres", &database.url(), &format!("{POLICY}{LEDGER}"));
    taken_back(&world, &|sql| database.run(sql), &|| {
        lines(database.rows(ENTRIES))
    });
}

#[test]
fn an_entry_of_a_mariadb_shop_is_taken_back_and_the_entry_that_does_it_is_lawful() {
    let database = testkit::mariadb::Server::shared().database();
    fill_mariadb(&database, 5);
    database.run(
        "CREATE TABLE ledger (id bigint AUTO_INCREMENT PRIMARY KEY, payment_id bigint, amount decimal(12,2), reverses bigint)",
    );
    let world = World::with_policy("mysql", &database.url(), &format!("{POLICY}{LEDGER}"));
    taken_back(&world, &|sql| database.run(sql), &|| {
        lines(database.rows(ENTRIES))
    });
}

/// A long cell is journaled by its hash: a row that still holds it is repaired in its other columns,
/// and one whose cell is gone is named, not passed over.
#[test]
fn a_row_with_a_long_cell_is_repaired_or_named() {
    let database = testkit::postgres::Server::shared().database();
    fill(&database, 20);
    database.run(
        "UPDATE orders SET note = (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 2000) g)
         WHERE id IN (5, 6)",
    );
    let world = World::new("postgres", &database.url());
    database.run("UPDATE orders SET total = 0.01 WHERE id = 5");
    world.findings(1);
    let found = world.audited().discrepancies;
    let columns: Vec<_> = found.iter().flat_map(|d| &d.columns).collect();
    assert!(
        matches!(columns[..], [column] if column.name == "total"),
        "{found:?}"
    );
    mended(&world);
    database.run(
        "ALTER TABLE orders DISABLE TRIGGER ALL; DELETE FROM orders WHERE id = 6;
         ALTER TABLE orders ENABLE TRIGGER ALL; UPDATE payments SET amount = 0.01 WHERE id = 3",
    );
    world.findings(3);
    let engineer = person(&world, "engineer", "security_engineer");
    let id = world.desk.propose_repair(engineer, &incident(&world));
    let view = world.desk.proposal(&id.unwrap()).unwrap();
    let keys: Vec<_> = view.proposal.steps.iter().map(|s| &s.key).collect();
    assert_eq!(keys, ["3"]);
    assert_eq!(
        view.left_out,
        [
            "orders 6: the lawful value of note is too long for the journal, which holds its hash: bring it from a backup"
        ]
    );
}

/// Two people leave tampered rows as they are; what one of them alone says changes nothing.
#[test]
fn rows_stay_as_they_are_when_two_people_say_so() {
    let database = testkit::postgres::Server::shared().database();
    fill(&database, 20);
    let world = World::new("postgres", &database.url());
    database.run(
        "UPDATE orders SET total = 0.01 WHERE id = 7;
         DELETE FROM payments WHERE id = 9;
         UPDATE payments SET amount = 0.01 WHERE id = 3;",
    );
    let found = world.findings(3);
    let incident = incident(&world);
    let chief = || person(&world, "chief", "ciso");
    let cio = || person(&world, "cio", "cio");
    let left: Vec<_> = found
        .iter()
        .filter(|f| f.key != "3")
        .map(|f| f.id.clone())
        .collect();
    let refused = |error: desk::DeskError, why: &str| {
        assert!(error.to_string().contains(why), "{error}");
    };
    let engineer = || person(&world, "engineer", "security_engineer");
    refused(
        world
            .desk
            .ask_acceptance(&engineer(), &left, "x")
            .unwrap_err(),
        "other positions",
    );
    refused(
        world.desk.ask_acceptance(&chief(), &left, " ").unwrap_err(),
        "say why",
    );
    let asked = world
        .desk
        .ask_acceptance(&chief(), &left, "agreed with the customer")
        .unwrap();
    assert_eq!(asked.rows.len(), 2);
    // No repair is proposed for them meanwhile.
    let id = world.desk.propose_repair(engineer(), &incident).unwrap();
    let view = world.desk.proposal(&id).unwrap();
    let keys: Vec<_> = (view.proposal.steps)
        .iter()
        .map(|s| (s.table.as_str(), s.key.as_str()))
        .collect();
    assert_eq!(keys, [("payments", "3")]);
    let mut left_out = view.left_out;
    left_out.sort();
    let why = "asked to stay as it is by chief, not yet approved";
    assert_eq!(
        left_out,
        [format!("orders 7: {why}"), format!("payments 9: {why}")]
    );
    assert_eq!(world.audited().discrepancies.len(), 3);
    refused(
        world
            .desk
            .approve_acceptance(&chief(), &asked.id)
            .unwrap_err(),
        "second person",
    );
    refused(
        world
            .desk
            .approve_acceptance(&engineer(), &asked.id)
            .unwrap_err(),
        "other positions",
    );
    // What was written since does not come in under it, and nothing of the request does.
    database.run("UPDATE orders SET total = 0.02 WHERE id = 7");
    refused(
        world
            .desk
            .approve_acceptance(&cio(), &asked.id)
            .unwrap_err(),
        "written again",
    );
    assert_eq!(world.audited().discrepancies.len(), 3);
    // Whoever asks names what the row holds now, or nobody has looked at it.
    refused(
        world
            .desk
            .ask_acceptance(&chief(), &left, "agreed with the customer")
            .unwrap_err(),
        "what `total` holds now",
    );
    let again: Vec<_> = world
        .findings(4)
        .iter()
        .filter(|f| f.key != "3")
        .map(|f| f.id.clone())
        .collect();
    let dropped = world
        .desk
        .ask_acceptance(&chief(), &again, "agreed with the customer")
        .unwrap();
    world.desk.refuse_acceptance(&cio(), &dropped.id).unwrap();
    refused(
        world
            .desk
            .approve_acceptance(&cio(), &dropped.id)
            .unwrap_err(),
        "already",
    );
    let again = world
        .desk
        .ask_acceptance(&chief(), &again, "agreed with the customer")
        .unwrap();
    let days = |days: i64| again.asked_at.plus_s(days * 86_400);
    assert_eq!(again.open(days(6)), Ok(()));
    assert_eq!(again.open(days(8)), Err(AcceptRefusal::TooOld));
    let shown: Vec<_> = again.rows.iter().flat_map(|r| &r.columns).collect();
    assert_eq!(shown[0].live.as_deref(), Some("0.02"), "{shown:?}");
    world.desk.approve_acceptance(&cio(), &again.id).unwrap();
    refused(
        world
            .desk
            .approve_acceptance(&cio(), &again.id)
            .unwrap_err(),
        "already",
    );
    let still = world.audited().discrepancies;
    assert_eq!(still.len(), 1, "{still:?}");
    let open = world.desk.incident(&incident).unwrap().findings.open;
    assert_eq!((open.altered, open.deleted), (1, 0));
    let world = world.stop().start();
    assert_eq!(world.audited().discrepancies.len(), 1);
    let before = world.all().len();
    database.run("UPDATE orders SET note = 'lawful', updated_at = now() WHERE id = 7");
    database.run("UPDATE orders SET total = 5 WHERE id = 7");
    let found = world.findings(before + 1);
    assert_eq!(found.len(), before + 1, "{:?}", told(&found));
    let total = found
        .last()
        .unwrap()
        .columns
        .iter()
        .find(|c| c.name == "total");
    assert_eq!(total.unwrap().lawful.as_deref(), Some("0.02"));
    world.desk.stop();
}

/// A window excuses what was committed in it, not what is seen in it.
#[test]
fn a_window_does_not_reach_back_before_it_was_opened() {
    let database = testkit::postgres::Server::shared().database();
    fill(&database, 20);
    let stopped = World::new("postgres", &database.url()).stop();
    database.run("UPDATE orders SET total = 0.01 WHERE id = 7");
    let data = DataFolder::new(stopped.folder.join("data"));
    let desk = Desk::open(data, stopped.config.clone()).unwrap();
    let now = desk.now();
    let world = World {
        desk,
        folder: stopped.folder,
        config: stopped.config,
    };
    let window = NewWindow {
        source: shop_name(),
        ticket: "CHG-1".into(),
        reason: "a price list was wrong".into(),
        tables: vec!["orders".into()],
        most_rows: 10,
        from: now,
        until: now.plus_s(3_600),
    };
    let asker = person(&world, "admin", "sysadmin");
    let asked = world.desk.ask_window(&asker, window).unwrap();
    let chief = person(&world, "chief", "ciso");
    world.desk.approve_window(&chief, &asked.id).unwrap();
    world.desk.start_guards().unwrap();
    let kinds = |count| -> Vec<FindingKind> {
        let found = world.findings(count);
        found.iter().map(|f| f.kind).collect()
    };
    assert_eq!(kinds(1), [FindingKind::Altered]);
    database.run("UPDATE orders SET total = 0.01 WHERE id = 8");
    assert_eq!(kinds(2), [FindingKind::Altered, FindingKind::InWindow]);
    world.desk.stop();
}
