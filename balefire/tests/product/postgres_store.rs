//! The program's own data on a PostgreSQL server: people log in, report, are attacked and search,
//! while that server is stopped, started and killed.

use crate::guarded::{CHIEF, Guarded, PASSWORD};
use crate::http::Person;
use std::fs;
use testkit::postgres::{Database, Server};
use testkit::{SMALL_SHOP_SETTINGS, SmallShop};

const WORD: &str = "a word for the store";

fn settings(database: &Database, user: &str) -> String {
    let (port, name) = (database.port(), database.name());
    format!(
        "[store]\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = {port}\ndatabase = \"{name}\"\n\
         user = \"{user}\"\npassword_file = \"store.password\"\ntls = \"off\"\n{SMALL_SHOP_SETTINGS}"
    )
}

fn report(guarded: &Guarded, what: &str) -> (u16, String) {
    let fields = [("request", what), ("what", what)];
    let url = format!("{}/report", guarded.base);
    let sent = Person::stranger().post(&url, &fields);
    sent.expect("an answer")
}

fn reports(database: &Database) -> u64 {
    let sql = "SELECT count(*) FROM document WHERE collection = 'report'";
    database.value(sql).parse().expect("a number")
}

#[test]
fn the_whole_product_runs_on_a_server_that_is_restarted_and_killed() {
    let server = Server::start();
    let database = server.database();
    drop(database.user("keeper", WORD));
    database.run("GRANT CREATE ON SCHEMA public TO keeper");
    let mut guarded = Guarded::empty();
    guarded.settings(&settings(&database, "keeper"));
    guarded.says(&["account", "list"], 2, &["store.password", "[store]"]);
    fs::write(guarded.path("store.password"), "another word\n").unwrap();
    guarded.says(&["account", "list"], 2, &["28P01", "password_file"]);
    fs::write(guarded.path("store.password"), format!("{WORD}\n")).unwrap();

    let shop = SmallShop::create(&guarded.shop(), 60, 33);
    guarded.good(&["source", "baseline", "shop"]);
    guarded.people();
    guarded.serve();
    assert!(!guarded.path("balefire.db").exists());
    let chief = Person::log_in(&guarded.base, CHIEF, PASSWORD);
    assert_eq!(report(&guarded, "prices are odd").0, 303);
    let before = reports(&database);
    assert_eq!(before, 1);
    let altered = shop.orders_in("paid")[0];
    let sql = "UPDATE orders SET total_minor = 1 WHERE id = ?1";
    shop.intruder().execute(sql, [altered]).unwrap();
    let incident = guarded.incident();
    let page = |path: &str| chief.page(&format!("{}{path}", guarded.base));
    assert_eq!(page(&format!("/incidents/{incident}")), 200);
    let found = |words: &str| {
        let list = chief.json(&format!("{}/api/v1/incidents?q={words}", guarded.base));
        list["items"].as_array().map(Vec::len)
    };
    assert_eq!(
        (found(&incident), found("nothing-of-it")),
        (Some(1), Some(0))
    );

    // Restarted: nobody notices but those who ask while it is down.
    server.restart();
    assert_eq!(page(&format!("/incidents/{incident}")), 200);
    assert_eq!(report(&guarded, "after the restart").0, 303);
    server.stop();
    assert_eq!(report(&guarded, "while it is down").0, 503);
    // Who asks cannot be known; nobody is told that they are logged out.
    for path in ["/", "/triage", "/settings/people", "/api/v1/incidents"] {
        assert_eq!(page(path), 503, "{path}");
    }
    server.start_again();
    assert_eq!(page(&format!("/incidents/{incident}")), 200);
    assert_eq!(report(&guarded, "up again").0, 303);
    assert_eq!(reports(&database), before + 2);

    // Killed, both: what was acknowledged stands.
    server.kill_and_start();
    guarded.kill();
    guarded.serve();
    assert_eq!(guarded.incident(), incident);
    assert_eq!(reports(&database), before + 2);
    second_folder_is_refused(&mut guarded, &database);
    guarded.good(&["journal", "verify"]);
    let log = server.log();
    assert!(!log.contains(WORD), "the password is in the server's log");
}

/// Neither beside the program that runs, nor when it is gone.
fn second_folder_is_refused(guarded: &mut Guarded, database: &Database) {
    let other = Guarded::empty();
    other.settings(&settings(database, "keeper"));
    fs::write(other.path("store.password"), format!("{WORD}\n")).unwrap();
    other.says(
        &["account", "list"],
        2,
        &["another Balefire", "stop that one"],
    );
    guarded.stop();
    other.says(&["account", "list"], 2, &["another data folder", "--data"]);
}
