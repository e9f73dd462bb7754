//! Who wrote, by the server's own log, as whoever investigates reads it.

use crate::guarded::Guarded;
use std::process::Command;
use testkit::postgres::Server;

#[test]
fn a_finding_and_the_rows_life_name_who_was_at_work() {
    let server = Server::start_with(&[
        "fsync=off",
        "logging_collector=on",
        "log_destination=jsonlog",
        "log_executor_stats=on",
    ]);
    let database = server.database();
    database.run(
        "CREATE TABLE prices (id bigint PRIMARY KEY, amount bigint NOT NULL);
         INSERT INTO prices VALUES (1, 100)",
    );
    let mut guarded = Guarded::empty();
    let url = testkit::write_url_file(&guarded.data(), &database.url());
    let settings = |log: &str| {
        format!(
            "[[source]]\nname = \"shop\"\nkind = \"postgres\"\nurl_file = {url:?}\ntls = \"off\"\n\
             [source.audit_log]\nfiles = [{log:?}]\n\
             [[source.table]]\nname = \"prices\"\nkey = [\"id\"]\nfrozen = {{ columns = [\"amount\"] }}\n"
        )
    };
    guarded.settings(&settings("/var/log/postgresql.log"));
    guarded.says(&["config", "check"], 2, &["audit_log", "jsonlog"]);
    guarded.settings(&settings("/nowhere/postgresql.json"));
    let checked = guarded.run(&["source", "check", "shop"]);
    assert!(checked.err.contains("/nowhere"), "{checked:?}");
    let log = server.folder().join("data/log").display().to_string();
    guarded.settings(&settings(&log));
    guarded.good(&["source", "attach", "shop"]);
    guarded.good(&["source", "baseline", "shop"]);
    guarded.serve();

    let mut psql = Command::new(server.programs().join("psql"));
    psql.args(["--no-psqlrc", "--host=127.0.0.1", "--username=postgres"])
        .args(["--port", &server.port().to_string(), database.name()])
        .args(["-c", "UPDATE prices SET amount = 1 WHERE id = 1"])
        .env("PGAPPNAME", "night job");
    assert!(psql.output().expect("psql").status.success());

    let found = guarded.until(
        |g| g.json(&["findings"]),
        |found| found[0]["logged"].is_object(),
    );
    let logged = &found[0]["logged"];
    assert_eq!(logged["role"], "postgres");
    assert_eq!(logged["application"], "night job");
    let from = logged["address"].as_str().expect("an address");
    assert!(from.starts_with("127.0.0.1:"), "{from}");
    assert_eq!(found[0]["kind"], "altered", "{found}");
    let id = found[0]["id"].as_str().expect("an id").to_owned();
    let words = ["server's log (not proven)", "night job", from];
    guarded.says(&["investigate", &id], 1, &words);
    let told = guarded.json(&["investigate", "--row", "prices:1"]);
    assert!(told.to_string().contains("night job"), "{told}");
}
