//! What the README promises, done as it says, with the real binary.

use crate::guarded::{CHIEF, ENGINEER, Guarded, LONG, tells};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;
use testkit::{Program, SmallShop, TempFolder};

/// The demo makes and attacks a shop, watches over it, and lets people work; in a debug build.
const DEMO_WITHIN: Duration = Duration::from_secs(180);

#[test]
fn one_command_runs_the_main_job() {
    let folder = TempFolder::new();
    let data = folder.join("demo");
    let ended = Program::balefire()
        .args([
            "demo", "--orders", "1000", "--seed", "7", "--exit", "--json",
        ])
        .args(["--lang", "en", "--data"])
        .args([&data])
        .run(DEMO_WITHIN);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let end: Value = serde_json::from_str(&ended.out).expect("one JSON object and nothing else");
    for kind in ["altered", "forged", "deleted"] {
        assert!(end["injected"][kind].as_u64() > Some(0), "{end}");
        assert_eq!(end["found"][kind], end["injected"][kind], "{end}");
    }
    assert_eq!(end["injected"]["undetectable"], 1, "{end}");
    assert_eq!(end["repaired"], end["found"], "{end}");
    assert_eq!(end["false_findings"], 0, "{end}");
    assert_eq!(end["audit_after"]["discrepancies"], 0, "{end}");
    assert_eq!(end["journal"]["verified"], true, "{end}");
    let steps: Vec<&str> = end["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|s| s["step"].as_str())
        .collect();
    assert_eq!(steps, ["P1", "P2", "P3", "P4", "P5", "P6"]);
    for kind in ["html", "markdown"] {
        let path = end["report"][kind].as_str().expect("a path");
        assert!(fs::metadata(path).is_ok_and(|m| m.len() > 2_000), "{path}");
    }
    lawful_changes_survived(&data);
    // And by itself, afterwards: the folder is one like any other.
    let data = data.to_str().unwrap();
    let audit = Program::balefire().args(["audit", "shop", "--json", "--data", data]);
    let audit = audit.run(LONG);
    tells(&audit, 0, &["\"discrepancies\":[]"]);
    let verify = Program::balefire().args(["journal", "verify", "--data", data]);
    assert_eq!(verify.run(LONG).code, Some(0));
}

/// Rows that were attacked and went on lawfully afterwards: right again, and where they had gone.
fn lawful_changes_survived(data: &std::path::Path) {
    let store = crate::guarded::reading(&data.join("balefire.db"));
    let shop = crate::guarded::reading(&data.join("shop.db"));
    let mut find = store.prepare("SELECT json FROM finding").unwrap();
    let findings = find.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut shipped = 0;
    for finding in findings {
        let finding: Value = serde_json::from_str(&finding.unwrap()).unwrap();
        if finding["table"] != "orders" || finding["kind"] != "altered" {
            continue;
        }
        for column in finding["columns"].as_array().into_iter().flatten() {
            let name = column["name"].as_str().unwrap();
            let sql = format!("SELECT CAST(\"{name}\" AS TEXT), status FROM orders WHERE id = ?1");
            let key = finding["key"].as_str().unwrap();
            let (value, status): (String, String) = shop
                .query_row(&sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            assert_eq!(
                Some(&*value),
                column["lawful"].as_str(),
                "order {key}, {name}"
            );
            shipped += u32::from(status == "shipped");
        }
    }
    assert!(shipped > 0, "no attacked order went on");
}

#[test]
fn a_shop_of_ones_own_is_guarded_from_init_to_the_repair() {
    let mut guarded = Guarded::empty();
    let settings = fs::read_to_string(guarded.path("balefire.toml")).unwrap();
    fs::remove_file(guarded.path("balefire.toml")).unwrap();
    guarded.says(&["init"], 0, &["balefire.toml"]);
    guarded.says(&["init"], 2, &["--force"]);
    let written = fs::read_to_string(guarded.path("balefire.toml")).unwrap();
    assert!(written.lines().filter(|l| l.contains('#')).count() > 10);
    guarded.good(&["config", "check"]);
    guarded.settings(&settings);
    let shop = SmallShop::create(&guarded.shop(), 60, 21);
    guarded.says(
        &["source", "check", "shop"],
        0,
        &["orders: guarded", "payments: guarded"],
    );
    guarded.good(&["source", "baseline", "shop"]);
    guarded.people();
    guarded.serve();

    // Somebody at the sqlite3 shell.
    let paid = shop.orders_in("paid");
    let (altered, robbed) = (paid[0], paid[1]);
    let intruder = shop.intruder();
    let total: i64 = intruder
        .query_row(
            "SELECT total_minor FROM orders WHERE id = ?1",
            [altered],
            |r| r.get(0),
        )
        .unwrap();
    intruder
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [altered])
        .unwrap();
    let payment: i64 = intruder
        .query_row(
            "DELETE FROM payments WHERE order_id = ?1 RETURNING id",
            [robbed],
            |r| r.get(0),
        )
        .unwrap();
    intruder
        .execute(
            "INSERT INTO refunds (order_id, status, amount_minor) VALUES (?1, 'done', 5)",
            [robbed],
        )
        .unwrap();
    let forged = intruder.last_insert_rowid();
    // The shop goes on with the order whose amount is wrong.
    guarded.until(Guarded::findings, |found| found.len() == 3);
    let mut shop = shop;
    shop.ship(altered);

    let report = guarded.json(&["audit", "shop"]);
    let mut named = report["discrepancies"].as_array().unwrap().clone();
    named.sort_by_key(|d| d["table"].as_str().unwrap().to_owned());
    let brief: Vec<Value> = named
        .iter()
        .map(|d| json!([d["source"], d["table"], d["key"], d["kind"]]))
        .collect();
    let expected = [
        json!(["shop", "orders", altered.to_string(), "altered"]),
        json!(["shop", "payments", payment.to_string(), "deleted"]),
        json!(["shop", "refunds", forged.to_string(), "forged"]),
    ];
    assert_eq!(brief, expected, "{report}");
    let column = json!([{"name": "total_minor", "lawful": total.to_string(), "live": "1"}]);
    let shown = &named[0]["columns"][0];
    assert_eq!(
        json!([{"name": shown["name"], "lawful": shown["lawful"], "live": shown["live"]}]),
        column
    );
    assert!(named[0]["position"].is_u64());
    repaired_by_two(&guarded, &intruder, altered, total);
}

fn repaired_by_two(guarded: &Guarded, shop: &Connection, altered: i64, total: i64) {
    guarded.log_in(ENGINEER);
    let shown = guarded.good(&["repair", "plan", "shop"]);
    for part in [
        "total_minor: 1 -> ",
        "UPDATE \"orders\" SET \"total_minor\"",
        "INSERT INTO \"payments\"",
        "\"status\" = ",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let incident = guarded.incident();
    let repairs = guarded.json(&["incident", "show", &incident])["repairs"].clone();
    let id = repairs[0]["proposal"].as_str().unwrap();
    let view = guarded.json(&["repair", "show", id]);
    assert_eq!(view["digest"], repairs[0]["digest"]);
    guarded.says(
        &["repair", "approve", id],
        2,
        &["the plan does not give `approve_repair`"],
    );
    guarded.log_in(CHIEF);
    guarded.good(&["repair", "approve", id]);
    guarded.log_in(ENGINEER);
    guarded.good(&["repair", "apply", id]);
    guarded.good(&["audit", "shop"]);
    let row: (i64, String) = shop
        .query_row(
            "SELECT total_minor, status FROM orders WHERE id = ?1",
            [altered],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .unwrap();
    assert_eq!(
        row,
        (total, "shipped".to_owned()),
        "the lawful change survives"
    );
    // Applied once is applied.
    guarded.says(&["repair", "apply", id], 2, &["applied"]);
}

#[test]
fn the_journal_stands_up_in_court() {
    let (mut guarded, shop) = Guarded::with_shop(40, 22);
    guarded.serve();
    let paid = shop.orders_in("paid")[0];
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid])
        .unwrap();
    let found = guarded.until(Guarded::findings, |found| !found.is_empty());
    let position = found[0]["position"].to_string();

    // A third party has the bundle and the key, and nothing else.
    let bundle = guarded.good(&["journal", "prove", "ledger/0", &position]) + "\n";
    let key = guarded.good(&["journal", "key"]);
    let outside = TempFolder::new();
    let proof = outside.join("proof");
    let verify = |bundle: &str| {
        fs::write(&proof, bundle).unwrap();
        Program::balefire()
            .args([
                "--lang", "en", "journal", "verify", "--key", &key, "--proof",
            ])
            .args([&proof])
            .folder(outside.path())
            .run(LONG)
    };
    tells(&verify(&bundle), 0, &["ledger/0", "is proven"]);
    let mut refused = 0;
    for at in (0..bundle.len()).step_by(41) {
        let mut bytes = bundle.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(text) = String::from_utf8(bytes) {
            let ended = verify(&text);
            assert_eq!(ended.code, Some(1), "byte {at}: {ended:?}");
            refused += 1;
        }
    }
    assert!(refused > 5);

    // The newest checkpoint is kept elsewhere; an old copy of the folder is put back later.
    guarded.stop();
    let copy = guarded.beside("journal-old");
    copy_folder(&guarded.path("journal"), &copy);
    guarded.serve();
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 2 WHERE id = ?1", [paid])
        .unwrap();
    guarded.until(Guarded::findings, |found| found.len() == 2);
    let kept = outside.join("checkpoint");
    let note = guarded.until(
        |g| g.good(&["journal", "checkpoint", "ledger/0"]),
        |note| !note.is_empty(),
    );
    fs::write(&kept, note + "\n").unwrap();
    guarded.stop();
    let kept = kept.to_str().unwrap();
    guarded.good(&["journal", "verify", "--checkpoint", kept]);
    fs::remove_dir_all(guarded.path("journal")).unwrap();
    copy_folder(&copy, &guarded.path("journal"));
    // By itself the old copy is whole; against the checkpoint it is not.
    guarded.good(&["journal", "verify"]);
    guarded.says(
        &["journal", "verify", "--checkpoint", kept],
        1,
        &["ledger/0"],
    );
    one_byte_changed(&guarded);
}

fn one_byte_changed(guarded: &Guarded) {
    let folder = guarded.path("journal").join("ledger/0");
    let segment = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&segment, bytes).unwrap();
    let report = guarded.json(&["journal", "verify"]);
    assert_eq!(report["verified"], false);
    let fault = &report["faults"][0];
    let file = fault["file"].as_str().unwrap_or_default();
    assert!(
        file.contains("ledger/0") || fault["log"] == "ledger/0",
        "{report}"
    );
    assert!(
        fault["entry"].is_u64() || fault["offset"].is_u64(),
        "{report}"
    );
    guarded.says(&["journal", "verify"], 1, &["ledger/0"]);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
