//! `balefire investigate`, as whoever was called at night uses it: with a server and without.

use crate::guarded::{ENGINEER, Guarded, tells};
use serde_json::Value;

/// A paid order that was tampered with, and the finding about it.
fn tampered(guarded: &Guarded, shop: &testkit::SmallShop) -> (i64, String) {
    let order = shop.orders_in("paid")[0];
    shop.intruder()
        .execute_batch(&format!(
            "UPDATE orders SET total_minor = 1 WHERE id = {order}"
        ))
        .expect("the intruder writes");
    // Nobody was looking: the next start sees it.
    let report = guarded.json(&["audit", "shop"]);
    assert_eq!(report["discrepancies"].as_array().map(Vec::len), Some(1));
    let findings = guarded.json(&["findings"]);
    let id = findings[0]["id"].as_str().expect("a finding has an id");
    (order, id.to_owned())
}

fn phone_of(shop: &testkit::SmallShop, order: i64) -> String {
    shop.intruder()
        .query_row("SELECT phone FROM orders WHERE id = ?1", [order], |r| {
            r.get(0)
        })
        .expect("the order is there")
}

#[test]
fn a_finding_is_followed_exported_and_verified_offline() {
    let (guarded, shop) = Guarded::with_shop(60, 7);
    let (order, finding) = tampered(&guarded, &shop);
    let folder = guarded.beside("evidence");
    let folder = folder.to_str().expect("a path of letters");
    let ended = guarded.says(
        &["investigate", &finding, "--export", folder],
        1,
        &["1 row, 1 with unlawful steps", "1 person", "proofs are in"],
    );
    let heading = format!("orders {order}  altered");
    assert!(ended.out.starts_with(&heading), "{}", ended.out);
    for told in [
        "As first seen",
        "Unlawful",
        "-> 1",
        "The guard was not looking",
    ] {
        assert!(ended.out.contains(told), "{told}: {}", ended.out);
    }
    let phone = phone_of(&shop, order);
    assert!(
        !ended.out.contains(&phone),
        "a personal value: {}",
        ended.out
    );

    let read = |name: &str| {
        let path = guarded.beside("evidence").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    let report: Value = serde_json::from_str(&read("report.json")).expect("JSON");
    assert_eq!(report["rows"][0]["key"], order.to_string());
    let page = read("report.html");
    assert!(page.contains("<html lang=\"en\">") && page.contains("Investigation"));
    assert!(!page.contains(&phone) && !read("report.json").contains(&phone));
    let proofs = guarded.beside("evidence").join("proofs");
    let mut checked = 0;
    for proof in std::fs::read_dir(&proofs).expect("proofs") {
        let proof = proof.expect("an entry").path();
        let proof = proof.to_str().expect("a path of letters");
        let key = format!("{folder}/key.vkey");
        // Offline: the data folder named here does not exist.
        let elsewhere = guarded.beside("elsewhere");
        let ended = testkit::Program::balefire()
            .args(["--lang", "en", "--data"])
            .args([elsewhere])
            .args(["journal", "verify", "--proof", proof, "--key", &key])
            .run(crate::guarded::LONG);
        tells(&ended, 0, &[]);
        checked += 1;
    }
    assert!(checked >= 3, "{checked} proofs");
    // A second export must not mix with the first.
    guarded.says(
        &["investigate", &finding, "--export", folder],
        2,
        &["not empty"],
    );
}

#[test]
fn rows_persons_and_times_are_asked_for_with_a_server_running() {
    let (mut guarded, mut shop) = Guarded::with_shop(60, 7);
    guarded.serve();
    let order = shop.place();
    let question = format!("orders:{order}");
    // The server notices on its own time.
    let told = loop {
        let ended = guarded.run(&["investigate", "--row", &question, "--json"]);
        if let Ok(told) = serde_json::from_str::<Value>(&ended.out) {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            break told;
        }
        tells(&ended, 2, &["holds no row"]);
    };
    let step = &told["rows"][0]["steps"][0];
    assert_eq!(
        (&step["write"], &step["verdict"]),
        (&"insert".into(), &"lawful".into())
    );
    let phone = phone_of(&shop, order);
    assert!(!told.to_string().contains(&phone));

    guarded.says(
        &["investigate", "--row", &question, "--in-full"],
        2,
        &["log in"],
    );
    guarded.log_in(ENGINEER);
    let full = guarded.run(&["investigate", "--row", &question, "--in-full"]);
    assert!(full.out.contains(&phone), "{full:?}");

    let person = guarded.json(&["investigate", "--person", &question]);
    assert_eq!(person["scope"]["persons"], 1);
    let quiet = [
        "investigate",
        "--from",
        "2020-01-01",
        "--until",
        "2020-01-02 03:04",
    ];
    guarded.says(&quiet, 0, &["Nothing was seen"]);
    guarded.says(&["investigate", "--row", "orders"], 2, &["TABLE:KEY"]);
    guarded.says(&["investigate", "--from", "2020-01-01"], 2, &["--until"]);
    guarded.says(&["investigate", "f-none"], 2, &["no finding `f-none`"]);
}
