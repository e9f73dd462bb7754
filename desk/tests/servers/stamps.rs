//! Write tokens on real servers: what the shop stamped is quiet, every other write is a finding,
//! and what a stamp does not prove.

use crate::shop::{World, config, fill, fill_mariadb, shop_name, told};
use desk::config::StampConfig;
use desk::{DataFolder, Desk};
use detect::stamp::{MAX_LIFE_S, StampKey};
use model::{Clock as _, SourceName, SystemClock};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use testkit::{TempFolder, mariadb, postgres};

/// What the shop's tables have beside what the policy names.
const MORE: &str = "ALTER TABLE customers ADD COLUMN shoe_size int";

/// A database client whose session stays open, as the shop's does: the transaction's id is asked
/// for before the token is made.
struct Session {
    client: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Session {
    fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = piped.spawn().unwrap();
        let (to, from) = (client.stdin.take(), client.stdout.take().unwrap());
        Self {
            client,
            to,
            from: BufReader::new(from),
        }
    }

    fn postgres(server: &postgres::Server, database: &postgres::Database) -> Self {
        let mut psql = Command::new(server.programs().join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "-A",
            "-t",
        ])
        .args(["--host=127.0.0.1", "--username=postgres"])
        .args(["--port", &server.port().to_string(), database.name()]);
        Self::start(&mut psql)
    }

    /// A driver as a shop has it: one that keeps comments.
    fn mariadb(database: &mariadb::Database) -> Self {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "--batch", "--skip-column-names"])
            .args(["--unbuffered", "--comments", "--protocol=tcp"])
            .args(["--host=127.0.0.1", "--user=root"])
            .args(["--port", &database.port().to_string(), database.name()]);
        Self::start(&mut client)
    }

    fn say(&mut self, sql: &str) {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{sql}").unwrap();
        to.flush().unwrap();
    }

    /// The only row of the answer.
    fn ask(&mut self, sql: &str) -> String {
        self.say(sql);
        let mut line = String::new();
        let read = self.from.read_line(&mut line).unwrap();
        assert!(read > 0, "the client ended at {sql}");
        line.trim_end().to_owned()
    }

    /// Everything said so far is carried out.
    fn settle(&mut self) {
        assert_eq!(self.ask("SELECT 'settled';"), "settled");
    }

    /// A transaction of a PostgreSQL shop; `token` is told its id.
    fn stamped(&mut self, token: impl FnOnce(&str) -> String, sql: &str) -> String {
        self.say("BEGIN;");
        let id = self.ask("SELECT pg_current_xact_id()::text::bigint % 4294967296;");
        let token = token(&id);
        let stamp =
            format!("SELECT 1 FROM pg_logical_emit_message(true, 'balefire.stamp', '{token}');");
        assert_eq!(self.ask(&stamp), "1");
        self.say(&format!("{sql}; COMMIT;"));
        self.settle();
        token
    }

    /// A transaction of a MariaDB shop, as docs/mysql-feed.md says; `write` is told its number.
    fn numbered(&mut self, write: impl FnOnce(&str) -> String) {
        self.say("START TRANSACTION;");
        let answer = self.ask(
            "SELECT QUERY_ID, EXISTS(SELECT 1 FROM orders) FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID();",
        );
        let number = answer.split('\t').next().unwrap();
        let sql = write(number);
        self.say(&format!("{sql}; COMMIT;"));
        self.settle();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.to = None;
        // Fails only when it has ended by itself.
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn key(byte: u8) -> StampKey {
    StampKey::from_bytes(&[byte; 32]).unwrap()
}

fn key_file(folder: &Path, byte: u8) -> PathBuf {
    let path = folder.join(format!("stamp-{byte}.key"));
    std::fs::write(&path, format!("{}\n", format!("{byte:02x}").repeat(32))).unwrap();
    path
}

/// The shop's own token, good for a minute.
fn good(id: &str) -> String {
    token(7, "shop", id, 60)
}

fn token(byte: u8, source: &str, id: &str, valid_s: i64) -> String {
    let expires = SystemClock.now().plus_s(valid_s);
    let source = SourceName::new(source);
    key(byte).token(&source, id, "checkout", expires).unwrap()
}

fn guarded(kind: &str, url: &str) -> World {
    let folder = TempFolder::new();
    let mut config = config(&folder, kind, url);
    config.source[0].stamp = Some(StampConfig {
        key_files: vec![key_file(folder.path(), 7)],
    });
    let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
    desk.attach(&shop_name()).unwrap();
    desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    World {
        desk,
        folder,
        config,
    }
}

/// All findings, after everything that was committed is judged.
fn judged(world: &World) -> Vec<String> {
    world.audited();
    told(&world.all())
}

fn postgres_shop() -> (postgres::Database, World, Session) {
    let server = postgres::Server::shared();
    let database = server.database();
    fill(&database, 30);
    database.run(MORE);
    let world = guarded("postgres", &database.url());
    let session = Session::postgres(server, &database);
    (database, world, session)
}

#[test]
fn postgres_every_write_without_the_shops_token_is_a_finding() {
    let (database, world, mut shop) = postgres_shop();
    let phone = |id: u32| format!("UPDATE customers SET phone = '139' WHERE id = {id}");
    shop.stamped(good, &phone(1));
    shop.stamped(
        good,
        "UPDATE customers SET shoe_size = 43 WHERE id = 1;
         INSERT INTO customers VALUES (100, 'new', '138', 'CN100');
         UPDATE orders SET note = 'called' WHERE id = 1",
    );
    // Within savepoints the id is still the transaction's.
    shop.say("BEGIN; SAVEPOINT a;");
    let id = shop.ask("SELECT pg_current_xact_id()::text::bigint % 4294967296;");
    let stamp = format!(
        "SELECT 1 FROM pg_logical_emit_message(true, 'balefire.stamp', '{}');",
        good(&id)
    );
    assert_eq!(shop.ask(&stamp), "1");
    shop.say(&format!("RELEASE a; {}; COMMIT;", phone(2)));
    shop.settle();
    assert_eq!(judged(&world), Vec::<String>::new());

    database.run(&phone(3));
    // A column that no policy names, a new row, and a change that each rule of the policy allows.
    database.run(
        "UPDATE customers SET shoe_size = 43 WHERE id = 4;
         INSERT INTO customers VALUES (101, 'new', '138', 'CN101');
         UPDATE orders SET status = 'shipped', updated_at = clock_timestamp() WHERE id = 5;
         UPDATE customers SET phone = phone WHERE id = 6;",
    );
    assert_eq!(
        judged(&world),
        [
            "customers 101 forged unstamped []",
            "customers 3 altered unstamped [phone]",
            "customers 4 altered unstamped [shoe_size]",
            "orders 5 altered unstamped [status,updated_at]",
        ]
    );
    assert!(world.all().iter().all(|f| f.witnessed));
}

#[test]
fn postgres_a_token_is_good_for_its_own_transaction_and_time() {
    let (database, world, mut shop) = postgres_shop();
    let phone = |id: u32| format!("UPDATE customers SET phone = '139' WHERE id = {id}");
    let seen = shop.stamped(good, &phone(1));
    assert_eq!(judged(&world), Vec::<String>::new());
    // Copied into another transaction, of the same session and of another one.
    shop.stamped(|_| seen.clone(), &phone(2));
    database.run(&format!(
        "BEGIN; SELECT pg_logical_emit_message(true, 'balefire.stamp', '{seen}'); {}; COMMIT;",
        phone(3)
    ));
    // Expired, of a year to come, of another shop, with another key, no token at all.
    shop.stamped(|id| token(7, "shop", id, -2), &phone(4));
    shop.stamped(|id| token(7, "shop", id, MAX_LIFE_S + 60), &phone(5));
    shop.stamped(|id| token(7, "shop2", id, 60), &phone(6));
    shop.stamped(|id| token(8, "shop", id, 60), &phone(7));
    shop.stamped(|_| "v1.checkout.2000000000.00".to_owned(), &phone(8));
    // Told outside of the transaction, and told in a part of it that was taken back.
    shop.say("BEGIN;");
    let id = shop.ask("SELECT pg_current_xact_id()::text::bigint % 4294967296;");
    let told = shop.ask(&format!(
        "SELECT 1 FROM pg_logical_emit_message(false, 'balefire.stamp', '{}');",
        good(&id)
    ));
    assert_eq!(told, "1");
    shop.say(&format!("{}; COMMIT; BEGIN;", phone(9)));
    let id = shop.ask("SELECT pg_current_xact_id()::text::bigint % 4294967296;");
    shop.say("SAVEPOINT a;");
    let told = shop.ask(&format!(
        "SELECT 1 FROM pg_logical_emit_message(true, 'balefire.stamp', '{}');",
        good(&id)
    ));
    assert_eq!(told, "1");
    shop.say(&format!("ROLLBACK TO a; {}; COMMIT;", phone(10)));
    shop.settle();
    let expected: Vec<String> = (2..=10)
        .map(|id| format!("customers {id} altered unstamped [phone]"))
        .collect();
    let mut found = judged(&world);
    found.sort_by_key(|line| {
        line.split(' ')
            .nth(1)
            .and_then(|key| key.parse::<u32>().ok())
    });
    assert_eq!(found, expected);
}

#[test]
fn postgres_what_is_smuggled_into_a_stamped_transaction_is_stamped_with_it() {
    let (_, world, mut shop) = postgres_shop();
    // SQL injected into the shop runs in the shop's transaction: the token says nothing of it.
    // What the policy forbids is found all the same.
    shop.stamped(
        good,
        "UPDATE customers SET phone = '139' WHERE id = 1;
         UPDATE customers SET phone = 'evil' WHERE id = 2;
         UPDATE customers SET \"bankAccount\" = 'EVIL' WHERE id = 3",
    );
    assert_eq!(judged(&world), ["customers 3 altered frozen [bankAccount]"]);
}

#[test]
fn postgres_keys_change_while_the_shop_goes_on_and_the_guard_may_be_away() {
    let (database, world, mut shop) = postgres_shop();
    let phone = |id: u32| format!("UPDATE customers SET phone = '139' WHERE id = {id}");
    let mut stopped = world.stop();
    // Both keys count while the shop changes from one to the other; a token that expired before
    // the guard came back was good when its transaction was committed.
    let folder = stopped.folder.path().to_owned();
    stopped.config.source[0].stamp = Some(StampConfig {
        key_files: vec![key_file(&folder, 7), key_file(&folder, 8)],
    });
    shop.stamped(|id| token(7, "shop", id, 1), &phone(1));
    shop.stamped(|id| token(8, "shop", id, 1), &phone(2));
    database.run(&phone(3));
    let world = stopped.start();
    assert_eq!(judged(&world), ["customers 3 altered unstamped [phone]"]);
    let mut stopped = world.stop();
    stopped.config.source[0].stamp = Some(StampConfig {
        key_files: vec![key_file(&folder, 8)],
    });
    let world = stopped.start();
    shop.stamped(|id| token(8, "shop", id, 60), &phone(4));
    shop.stamped(|id| token(7, "shop", id, 60), &phone(5));
    assert_eq!(
        judged(&world),
        [
            "customers 3 altered unstamped [phone]",
            "customers 5 altered unstamped [phone]",
        ]
    );
}

fn mariadb_shop() -> (mariadb::Database, World, Session) {
    let database = mariadb::Server::shared().database();
    fill_mariadb(&database, 30);
    database.run(MORE);
    let world = guarded("mysql", &database.url());
    let session = Session::mariadb(&database);
    (database, world, session)
}

#[test]
fn mariadb_every_write_without_the_shops_token_is_a_finding() {
    let (database, world, mut shop) = mariadb_shop();
    let phone = |id: u32| format!("UPDATE customers SET phone = '139' WHERE id = {id}");
    // At the beginning of a statement, and at the end of one; once is enough.
    shop.numbered(|id| {
        let token = good(id);
        format!("/*balefire:{token}*/ {}; {}", phone(1), phone(2))
    });
    shop.numbered(|id| {
        let token = good(id);
        format!(
            "UPDATE customers SET shoe_size = 43 WHERE id = 1; {} /*balefire:{token}*/",
            "INSERT INTO customers VALUES (100, 'new', '138', 'CN100', NULL)"
        )
    });
    assert_eq!(judged(&world), Vec::<String>::new());

    database.run(&phone(3));
    database.run(
        "UPDATE customers SET shoe_size = 43 WHERE id = 4;
         INSERT INTO customers VALUES (101, 'new', '138', 'CN101', NULL);
         UPDATE orders SET status = 'shipped', updated_at = NOW(6) WHERE id = 5;
         UPDATE customers SET phone = phone WHERE id = 6;",
    );
    assert_eq!(
        judged(&world),
        [
            "customers 101 forged unstamped []",
            "customers 3 altered unstamped [phone]",
            "customers 4 altered unstamped [shoe_size]",
            "orders 5 altered unstamped [status,updated_at]",
        ]
    );
}

#[test]
fn mariadb_a_token_is_good_for_its_own_transaction_and_time() {
    let (database, world, mut shop) = mariadb_shop();
    let phone = |id: u32| format!("UPDATE customers SET phone = '139' WHERE id = {id}");
    let mut seen = String::new();
    shop.numbered(|id| {
        seen = good(id);
        format!("/*balefire:{seen}*/ {}", phone(1))
    });
    assert_eq!(judged(&world), Vec::<String>::new());
    // Replayed: in the same connection, and in another one.
    shop.numbered(|_| format!("/*balefire:{seen}*/ {}", phone(2)));
    Session::mariadb(&database).numbered(|_| format!("/*balefire:{seen}*/ {}", phone(3)));
    let stamped = |token: String, id| format!("/*balefire:{token}*/ {}", phone(id));
    // The server's clock tells whole seconds.
    shop.numbered(|id| stamped(token(7, "shop", id, -3), 4));
    shop.numbered(|id| stamped(token(7, "shop2", id, 60), 5));
    shop.numbered(|id| stamped(token(8, "shop", id, 60), 6));
    // A good token where a customer's text may stand is no stamp.
    shop.numbered(|id| {
        let token = good(id);
        format!("UPDATE customers SET phone = '/*balefire:{token}*/' WHERE id = 7")
    });
    // The number of a statement that touched no table is not the transaction's.
    shop.say("START TRANSACTION;");
    let number =
        shop.ask("SELECT QUERY_ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID();");
    shop.say(&format!("{}; COMMIT;", stamped(good(&number), 8)));
    shop.settle();
    // A client that drops comments, as `mariadb` does unless told otherwise.
    database.run(&stamped(good("1"), 9));
    let expected: Vec<String> = (2..=9)
        .map(|id| format!("customers {id} altered unstamped [phone]"))
        .collect();
    assert_eq!(judged(&world), expected);
}

#[test]
fn mariadb_what_is_smuggled_into_a_stamped_transaction_is_stamped_with_it() {
    let (_, world, mut shop) = mariadb_shop();
    shop.numbered(|id| {
        let token = good(id);
        format!(
            "/*balefire:{token}*/ UPDATE customers SET phone = '139' WHERE id = 1;
             UPDATE customers SET phone = 'evil' WHERE id = 2;
             UPDATE customers SET bankAccount = 'EVIL' WHERE id = 3"
        )
    });
    assert_eq!(judged(&world), ["customers 3 altered frozen [bankAccount]"]);
}
