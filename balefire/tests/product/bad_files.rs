//! Files that are not what they should be: clear words, what to do, and an exit code.

use crate::checks;
use crate::guarded::{Guarded, tells};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use testkit::SMALL_SHOP_SETTINGS;

#[test]
fn a_shop_that_cannot_be_read_is_told_with_what_to_do() {
    let guarded = Guarded::empty();
    let check = ["source", "check", "shop"];
    guarded.says(&check, 2, &["no file", "shop.db", "check `path`"]);
    fs::create_dir(guarded.shop()).unwrap();
    guarded.says(&check, 2, &["is not a file", "check `path`"]);
    fs::remove_dir(guarded.shop()).unwrap();
    fs::write(guarded.shop(), "a letter, not a database. ".repeat(100)).unwrap();
    guarded.says(&check, 2, &["not an SQLite database", "encrypted"]);
    fs::set_permissions(guarded.shop(), fs::Permissions::from_mode(0o000)).unwrap();
    let blocked = fs::File::open(guarded.shop()).is_err();
    if blocked {
        guarded.says(&check, 2, &["cannot be", "right"]);
    }
    fs::set_permissions(guarded.shop(), fs::Permissions::from_mode(0o600)).unwrap();
    // The administrator may read everything; a path through a file nobody can follow.
    let through = SMALL_SHOP_SETTINGS.replace("\"shop.db\"", "\"shop.db/shop.db\"");
    guarded.settings(&through);
    guarded.says(&check, 2, &["cannot be read", "right to read"]);
    guarded.says(
        &["source", "baseline", "shop"],
        2,
        &["cannot be read", "right to read"],
    );
}

#[test]
fn a_shop_that_is_locked_is_told_with_what_to_do() {
    let (guarded, shop) = Guarded::with_shop(10, 1);
    drop(shop);
    let holder = Connection::open(guarded.shop()).unwrap();
    holder
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE orders SET status = status;",
        )
        .unwrap();
    let words = ["locked by another program", "wait until the other program"];
    guarded.says(&["source", "check", "shop"], 2, &words);
    guarded.says(&["serve", "--listen", "127.0.0.1:0"], 2, &words);
    holder.execute_batch("COMMIT").unwrap();
    drop(holder);
    guarded.good(&["audit", "shop"]);
}

#[test]
fn settings_that_do_not_exist_are_refused_with_the_nearest_that_does() {
    let guarded = Guarded::empty();
    for (good, bad) in [
        ("frozen = {", "frozn = {"),
        ("no_delete", "nodelete"),
        ("transitions", "transition"),
        ("kind = \"sqlite\"", "knd = \"sqlite\""),
    ] {
        guarded.settings(&SMALL_SHOP_SETTINGS.replacen(good, bad, 1));
        let name = |text: &str| text.split([' ', '=']).next().unwrap_or_default().to_owned();
        let meant = format!("did you mean `{}`?", name(good));
        let words = [&*name(bad), &*meant, "balefire.toml", "line"];
        guarded.says(&["config", "check"], 2, &words);
        guarded.says(&["serve"], 2, &words);
    }
    fs::remove_file(guarded.path("balefire.toml")).unwrap();
    guarded.says(&["serve"], 2, &["balefire.toml"]);
}

/// Every complaint that the issue names, all at once, and the code that says so.
#[test]
fn a_policy_that_does_not_fit_is_told_in_one_go() {
    let (guarded, _shop) = Guarded::with_shop(10, 2);
    guarded.says(
        &["source", "check", "shop"],
        0,
        &["orders: guarded", "can be guarded"],
    );
    let settings = SMALL_SHOP_SETTINGS
        .replace(
            "\"total_minor\", \"currency\"",
            "\"total_minro\", \"currency\"",
        )
        .replace(
            "paid = [\"shipped\"]",
            "paid = [\"shipped\"], payed = [\"shipped\"]",
        )
        .replacen(
            "key = [\"id\"]\nplain = [\"payee\"]",
            "plain = [\"payee\"]",
            1,
        )
        .replace("name = \"refunds\"", "name = \"refund\"");
    guarded.settings(&settings);
    guarded.says(
        &["source", "check", "shop"],
        1,
        &[
            "no column `total_minro`",
            "did you mean `total_minor`?",
            "no row can ever be in state `payed`",
            "`refund`",
            "no such table",
            "did you mean `refunds`?",
            "cannot be guarded before they are mended",
        ],
    );
    guarded.says(&["serve"], 2, &["no column `total_minro`"]);
    // A check in the shop's own SQL that is none.
    let check = "[[source.check]]\nname = \"odd\"\nsql = \"DELETE FROM orders\"\n";
    guarded.settings(&format!("{SMALL_SHOP_SETTINGS}{check}"));
    guarded.says(
        &["source", "check", "shop"],
        1,
        &["check `odd`", "reading statement"],
    );
    // A table without any key.
    Connection::open(guarded.shop())
        .unwrap()
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    let table = "[[source.table]]\nname = \"notes\"\n";
    guarded.settings(&format!("{SMALL_SHOP_SETTINGS}{table}"));
    guarded.says(
        &["source", "check", "shop"],
        1,
        &["`notes`", "name the columns that identify a row"],
    );
    guarded.says(
        &["source", "check", "shoop"],
        2,
        &["no source is called `shoop`"],
    );
}

#[test]
fn a_second_process_on_the_folder_is_refused_and_the_first_goes_on() {
    let (mut guarded, _shop) = Guarded::with_shop(10, 3);
    guarded.serve();
    let second = guarded.run(&["serve", "--listen", "127.0.0.1:0"]);
    tells(&second, 2, &["another balefire process owns", "--data DIR"]);
    guarded.good(&["audit", "shop"]);
}

/// The one segment file that a log of a few entries has.
fn segment(guarded: &Guarded, log: &str) -> std::path::PathBuf {
    let folder = guarded.path("journal").join(log);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg" || e == "log"))
        .collect();
    files.sort();
    files
        .pop()
        .unwrap_or_else(|| panic!("no segment in {}", folder.display()))
}

#[test]
fn a_torn_journal_tail_is_dropped_and_nothing_acknowledged_with_it() {
    let (mut guarded, shop) = Guarded::with_shop(30, 4);
    guarded.serve();
    let paid = shop.orders_in("paid")[0];
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid])
        .unwrap();
    let incident = guarded.incident();
    guarded.kill();
    for log in ["ledger/0", "record", "root"] {
        let path = segment(&guarded, log);
        let whole = fs::read(&path).unwrap();
        // What a crash leaves of a group that was being written: its head and some of its bytes.
        let torn = [&whole[..], &whole[..whole.len().min(200)]].concat();
        fs::write(&path, torn).unwrap();
    }
    guarded.serve();
    assert_eq!(guarded.incident(), incident);
    guarded.says(&["audit", "shop"], 1, &["orders", "total_minor"]);
    assert_eq!(guarded.findings().len(), 1);
    checks::record_log(&guarded);
    checks::journal(&guarded);
}

#[test]
fn a_cut_journal_tail_is_refused_until_the_loss_is_accepted() {
    let (mut guarded, shop) = Guarded::with_shop(30, 5);
    guarded.serve();
    let paid = shop.orders_in("paid");
    let tamper = |order: i64| {
        shop.intruder()
            .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [order])
            .unwrap();
    };
    tamper(paid[0]);
    guarded.incident();
    guarded.kill();
    let path = segment(&guarded, "ledger/0");
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length - 10)
        .unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let words = [
        "had been acknowledged",
        "restore the file from a copy",
        "--accept-loss",
    ];
    guarded.says(&serve, 2, &words);
    guarded.says(&["journal", "verify"], 1, &["ledger/0"]);
    // Nothing was changed by the refusals; the operator decides, and the loss is on the record.
    assert_eq!(fs::metadata(&path).unwrap().len(), length - 10);
    let mut server = guarded
        .program()
        .args(serve)
        .args(["--accept-loss"])
        .start();
    server.wait_for_line(|line| line.contains("are lost"), crate::guarded::LONG);
    server.wait_for_line(|line| line.contains("listening"), crate::guarded::LONG);
    server.kill();
    guarded.serve();
    let recorded: i64 = guarded
        .store()
        .query_row(
            "SELECT count(*) FROM leaf WHERE bytes LIKE '%\"kind\":\"loss\"%'",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(recorded, 1);
    // The tampering is still named, and a new one is found although places were used before.
    guarded.says(&["audit", "shop"], 1, &["total_minor"]);
    tamper(paid[1]);
    let second = paid[1].to_string();
    guarded.until(Guarded::findings, |found| {
        found.iter().any(|f| f["key"] == second.as_str())
    });
    checks::record_log(&guarded);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder at an earlier time, and at a later one with more in database and journal.
fn earlier_and_later() -> Guarded {
    let (mut guarded, shop) = Guarded::with_shop(30, 6);
    guarded.serve();
    guarded.stop();
    fs::copy(guarded.path("balefire.db"), guarded.beside("old.db")).unwrap();
    copy(&guarded.path("journal"), &guarded.beside("old-journal"));
    guarded.serve();
    let paid = shop.orders_in("paid")[0];
    shop.intruder()
        .execute("UPDATE orders SET total_minor = 1 WHERE id = ?1", [paid])
        .unwrap();
    guarded.incident();
    checks::record_log(&guarded);
    guarded.stop();
    guarded
}

#[test]
fn an_old_database_beside_a_newer_journal_is_refused() {
    let guarded = earlier_and_later();
    fs::copy(guarded.beside("old.db"), guarded.path("balefire.db")).unwrap();
    for name in ["balefire.db-wal", "balefire.db-shm"] {
        let _ = fs::remove_file(guarded.path(name));
    }
    let words = [
        "older copy of balefire.db was put back",
        "Restore the matching copy of both",
    ];
    guarded.says(&["serve", "--listen", "127.0.0.1:0"], 2, &words);
}

#[test]
fn an_old_journal_beside_a_newer_database_is_refused() {
    let guarded = earlier_and_later();
    fs::remove_dir_all(guarded.path("journal")).unwrap();
    copy(&guarded.beside("old-journal"), &guarded.path("journal"));
    let words = [
        "older copy of the journal was put back",
        "Restore the matching copy of both",
    ];
    guarded.says(&["serve", "--listen", "127.0.0.1:0"], 2, &words);
}
