//! Values, transactions, and how they are told.

use super::shop::{Shop, image_of, key, shown};
use connect::source::{Feed, GuardedTable, Source};
use model::Value;
use testkit::postgres::Server;

/// A column of each kind, and what goes into it: usual, extreme and odd values.
const TYPES: &[(&str, &[&str])] = &[
    ("smallint", &["0", "-32768", "32767"]),
    ("integer", &["-2147483648", "2147483647"]),
    ("bigint", &["-9223372036854775808", "9223372036854775807"]),
    (
        "real",
        &[
            "0.1",
            "-0",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e-45",
            "3.4028235e38",
            "16777217",
        ],
    ),
    (
        "double precision",
        &[
            "0.1",
            "-0",
            "NaN",
            "Infinity",
            "-Infinity",
            "5e-324",
            "1.7976931348623157e308",
            "0.30000000000000004",
        ],
    ),
    (
        "numeric",
        &[
            "0",
            "0.000",
            "12.50",
            "-0.0001",
            "1e-20",
            "123456789012345678901234567890.12345678901234567890",
            "10000",
            "1e10",
            "99990000",
            "0.00012",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e300",
            "-1e-300",
        ],
    ),
    ("numeric(12,2)", &["12.5", "-9999999999.99", "0", "NaN"]),
    ("numeric(3,-2)", &["12345"]),
    ("boolean", &["true", "false"]),
    (
        "text",
        &[
            "",
            "NULL",
            "O''Brien \"x\" \\ \t\n",
            "\u{6c49}\u{5b57} \u{1f525}",
        ],
    ),
    ("varchar(20)", &["abc", "  "]),
    ("char(5)", &["ab", ""]),
    ("\"char\"", &["x"]),
    ("name", &["a name"]),
    ("bytea", &["\\\\x", "\\\\x00ff5c27"]),
    (
        "date",
        &[
            "2026-11-22",
            "0044-03-15 BC",
            "infinity",
            "-infinity",
            "5874897-12-31",
            "4713-01-01 BC",
            "2000-02-29",
            "1900-03-01",
        ],
    ),
    (
        "time",
        &["20:23:25.68015", "00:00:00", "24:00:00", "23:59:59.999999"],
    ),
    ("timetz", &["20:23:25.5+05:30"]),
    (
        "timestamp",
        &[
            "2026-11-22 20:23:25.68015",
            "0044-03-15 12:00:00 BC",
            "infinity",
            "-infinity",
            "294276-12-31 23:59:59.999999",
            "4713-01-01 00:00:00 BC",
            "1999-12-31 23:59:59.9",
            "10000-01-01 00:00:00",
        ],
    ),
    (
        "timestamptz",
        &[
            "2026-11-22 20:23:25.68015+05:30",
            "0044-03-15 12:00:00+00 BC",
            "infinity",
            "-infinity",
            "294276-12-31 23:59:59.999999+00",
        ],
    ),
    ("timestamp(3)", &["2026-11-22 20:23:25.68015"]),
    (
        "interval",
        &["1 year 2 mons -3 days 04:05:06.789", "-00:00:01", "0"],
    ),
    ("uuid", &["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]),
    ("json", &["{\"b\": 1,  \"a\" : [1.50, null]}", "1"]),
    ("jsonb", &["{\"b\": 1,  \"a\" : [1.50, null]}", "\"x\""]),
    ("xml", &["<?xml version=\"1.0\"?><a>b</a>", "<a/>"]),
    (
        "integer[]",
        &["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"],
    ),
    ("text[]", &["{\"a,b\",\"c\\\\\"d\",NULL,\"NULL\",\"\"}"]),
    ("boolean[]", &["{t,f}"]),
    (
        "timestamptz[]",
        &["{\"2026-11-22 20:23:25+05:30\",infinity}"],
    ),
    ("double precision[]", &["{0.1,NaN,-0}"]),
    ("numeric[]", &["{1.50,NaN}"]),
    ("mood", &["sad", "very happy"]),
    ("mood[]", &["{sad,\"very happy\"}"]),
    ("price", &["12.50"]),
    ("inner_price", &["7.0"]),
    ("mood_domain", &["sad"]),
    ("address_domain", &["10.0.0.1"]),
    ("inet", &["10.0.0.1", "10.0.0.0/8", "::1"]),
    ("cidr", &["10.0.0.0/8"]),
    ("macaddr", &["08:00:2b:01:02:03"]),
    ("int4range", &["[1,5)", "empty", "(,)"]),
    ("tstzrange", &["[\"2026-01-01 00:00:00+00\",)"]),
    ("int4multirange", &["{[1,3),[5,9)}"]),
    ("money", &["12.34", "-1234567.89"]),
    ("point", &["(0.1,-2)"]),
    ("polygon", &["((0,0),(1,1),(1,0))"]),
    ("bit(3)", &["101"]),
    ("bit varying", &["", "1011"]),
    ("tsvector", &["a fat cat"]),
    ("pair", &["(1,\"x, y\")", "(,)"]),
    ("oid", &["4294967295"]),
    ("regclass", &["pg_class"]),
    ("pg_lsn", &["16/B374D848"]),
];

const TYPES_SQL: &str = "\
    SET lc_monetary = 'C'; \
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy'); \
    CREATE DOMAIN price AS numeric(12,2) CHECK (VALUE >= 0); \
    CREATE DOMAIN inner_price AS price NOT NULL DEFAULT 0; \
    CREATE DOMAIN mood_domain AS mood; \
    CREATE DOMAIN address_domain AS inet; \
    CREATE TYPE pair AS (a int, b text);";

#[test]
fn every_value_is_the_same_in_feed_scan_and_read() {
    let mut sql = TYPES_SQL.to_owned();
    let columns: Vec<String> = TYPES
        .iter()
        .enumerate()
        .map(|(i, (name, _))| format!("\"C {i}\" {name}"))
        .collect();
    sql += &format!(
        "CREATE TABLE \"All Types\" (id bigint PRIMARY KEY, {});",
        columns.join(", ")
    );
    let shop = Shop::new(Server::shared(), &sql);
    // What the shop has set for its account must not change a byte.
    shop.db.run(&format!(
        "ALTER DATABASE {0} SET DateStyle = 'German'; ALTER DATABASE {0} SET TimeZone = 'Asia/Shanghai'; \
         ALTER DATABASE {0} SET IntervalStyle = 'iso_8601'; ALTER DATABASE {0} SET extra_float_digits = -5; \
         ALTER DATABASE {0} SET bytea_output = 'escape'; ALTER DATABASE {0} SET standard_conforming_strings = off",
        shop.db.name()
    ));
    let mut following = shop.follow(&["All Types"]);
    assert!(following.image.is_empty());
    let most = TYPES.iter().map(|(_, values)| values.len()).max().unwrap();
    for i in 0..=most {
        // The last row is all NULL, save the domain that forbids it.
        let values: Vec<String> = TYPES
            .iter()
            .map(|(kind, values)| match values.get(i) {
                Some(value) => format!("E'{}'::{kind}", value.replace('\u{0}', "")),
                None if *kind == "inner_price" => "0".to_owned(),
                None => "NULL".to_owned(),
            })
            .collect();
        shop.db.run(&format!(
            "SET DateStyle = ISO; INSERT INTO \"All Types\" VALUES ({i}, {})",
            values.join(", ")
        ));
    }
    following.catch_up();
    let tables = shop.tables(&["All Types"]);
    let scanned = image_of(&shop, &tables);
    assert_eq!(following.image.len(), most + 1);
    for (at, told) in &following.image {
        for (i, (a, b)) in told.iter().zip(&scanned[at]).enumerate() {
            assert_eq!(a, b, "column {i} of {:?}: feed and scan", at.1.values());
        }
    }
    let keys: Vec<_> = scanned.keys().map(|(_, key)| key.clone()).collect();
    let read = shop.source().read(&tables[0], &keys).unwrap();
    for (key, row) in keys.iter().zip(read) {
        assert_eq!(shown(&row.unwrap()), scanned[&(0, key.clone())], "read");
    }
    assert_eq!(following.feed.read(0, &keys).unwrap().len(), most + 1);
    spot_checks(&scanned[&(0, key(&[Value::Integer(1)]))]);
}

/// The forms that the journal relies on.
fn spot_checks(row: &[String]) {
    let of = |kind: &str| {
        let at = TYPES.iter().position(|(name, _)| *name == kind).unwrap();
        row[at + 1].as_str()
    };
    assert_eq!(of("integer"), "i2147483647");
    assert_eq!(of("numeric"), "'0.000'");
    assert_eq!(of("boolean"), "'false'");
    assert_eq!(of("bytea"), "bx'00ff5c27'");
    assert_eq!(of("date"), "'0044-03-15 BC'");
    assert_eq!(of("timestamptz"), "'0044-03-15 12:00:00+00 BC'");
    assert_eq!(of("jsonb"), "'\"x\"'");
    assert_eq!(of("inet"), "'10.0.0.0/8'");
    assert_eq!(of("mood"), "'very happy'");
    assert_eq!(of("money"), "'-$1,234,567.89'");
}

#[test]
fn keys_of_every_kind_come_in_order_and_are_found_again() {
    let shop = Shop::new(
        Server::shared(),
        &format!(
            "{TYPES_SQL} CREATE SCHEMA \"Sales Dept\"; \
             CREATE TABLE \"Sales Dept\".\"Order Line\" (\"Order\" text, n int, x text, PRIMARY KEY (\"Order\", n)); \
             CREATE TABLE by_text (k varchar(40) PRIMARY KEY, x int); \
             CREATE TABLE by_char (k char(8) PRIMARY KEY); \
             CREATE TABLE by_uuid (k uuid PRIMARY KEY); \
             CREATE TABLE by_numeric (k numeric PRIMARY KEY); \
             CREATE TABLE by_time (k timestamptz PRIMARY KEY); \
             CREATE TABLE by_enum (k mood PRIMARY KEY); \
             CREATE TABLE by_bytes (k bytea, b boolean, f double precision, r real, PRIMARY KEY (k, b, f, r)); \
             CREATE TABLE by_inet (k inet PRIMARY KEY);"
        ),
    );
    shop.db.run(
        "INSERT INTO \"Sales Dept\".\"Order Line\" SELECT chr(97 + i % 5) || repeat('z', i % 3), i, 'x' FROM generate_series(-5, 20) i; \
         INSERT INTO by_text SELECT v, 1 FROM unnest(ARRAY['a','B','b','A','','Z','\u{e4}','z z','z''\"\\{},','\u{1f525}','\u{ffee}','a-b','ab']) v; \
         INSERT INTO by_char SELECT v FROM unnest(ARRAY['a','B','b', E'b\\t', 'b!', '', 'zz']) v; \
         INSERT INTO by_uuid SELECT md5(i::text)::uuid FROM generate_series(1, 50) i; \
         INSERT INTO by_numeric SELECT i * 1.10 FROM generate_series(-20, 20) i; INSERT INTO by_numeric VALUES ('NaN'), ('Infinity'), (1e30), (1e-9); \
         INSERT INTO by_time SELECT 'epoch'::timestamptz + i * '7777777.77 s'::interval FROM generate_series(-20, 20) i; INSERT INTO by_time VALUES ('infinity'), ('0044-01-01 BC'), ('12345-01-01'); \
         INSERT INTO by_enum VALUES ('very happy'), ('ok'), ('sad'); \
         INSERT INTO by_bytes SELECT decode(lpad(to_hex(i * 37 % 256), 2, '0'), 'hex'), i % 2 = 0, i / 3.0, -i / 7.0 FROM generate_series(0, 40) i; INSERT INTO by_bytes VALUES ('', true, 'NaN', '-Infinity'), ('\\x00', true, '-Infinity', 'Infinity'), ('\\x0000', false, 1e300, 1e-40); \
         INSERT INTO by_inet VALUES ('10.0.0.1'), ('10.0.0.0/8'), ('::1'), ('9.9.9.9')",
    );
    let names = [
        "Sales Dept.Order Line",
        "by_text",
        "by_char",
        "by_uuid",
        "by_numeric",
        "by_time",
        "by_enum",
        "by_bytes",
        "by_inet",
    ];
    // The order is asserted within.
    let following = shop.follow(&names);
    let tables = shop.tables(&names);
    let mut source = shop.source();
    for (number, table) in tables.iter().enumerate() {
        let number = number as u16;
        let mine: Vec<_> = following
            .image
            .iter()
            .filter(|(at, _)| at.0 == number)
            .collect();
        let keys: Vec<_> = mine.iter().map(|(at, _)| at.1.clone()).collect();
        assert!(keys.len() > 2);
        let read = source.read(table, &keys).unwrap();
        for ((at, row), found) in mine.iter().zip(read) {
            let found =
                found.unwrap_or_else(|| panic!("{} {:?}", table.schema.name, at.1.values()));
            assert_eq!(&shown(&found), *row);
        }
        // By parts of three.
        let (mut after, mut parts) = (None, Vec::new());
        loop {
            let before = parts.len();
            source
                .scan_part(number, table, after.as_ref(), 3, &mut |n, key, row| {
                    assert_eq!(n, number);
                    parts.push((key.clone(), shown(row)));
                    Ok(())
                })
                .unwrap();
            if parts.len() == before {
                break;
            }
            after = parts.last().map(|(key, _)| key.clone());
        }
        let whole: Vec<_> = mine
            .into_iter()
            .map(|((_, key), row)| (key.clone(), row.clone()))
            .collect();
        assert_eq!(parts, whole, "{}", table.schema.name);
    }
}

#[test]
fn a_transaction_is_told_by_its_net_effect() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE orders (id int PRIMARY KEY, state text, total numeric(10,2)); \
         CREATE TABLE lines (id int PRIMARY KEY, orders_id int REFERENCES orders, n int);",
    );
    shop.db
        .run("INSERT INTO orders SELECT i, 'placed', i FROM generate_series(1, 9) i");
    let mut following = shop.follow(&["orders", "lines"]);
    assert_eq!(following.image.len(), 9);
    shop.db.run(
        "BEGIN; \
         SELECT pg_logical_emit_message(true, 'balefire.stamp', 'token-1'); \
         SELECT pg_logical_emit_message(true, 'another', 'not ours'); \
         UPDATE orders SET state = 'paid' WHERE id = 1; \
         UPDATE orders SET state = 'shipped' WHERE id = 1; \
         INSERT INTO orders VALUES (20, 'placed', 1); UPDATE orders SET total = 2 WHERE id = 20; \
         INSERT INTO orders VALUES (21, 'placed', 1); DELETE FROM orders WHERE id = 21; \
         DELETE FROM orders WHERE id = 2; INSERT INTO orders VALUES (2, 'again', 5); \
         UPDATE orders SET id = 30 WHERE id = 3; \
         DELETE FROM orders WHERE id = 4; \
         INSERT INTO lines VALUES (1, 1, 1); \
         SAVEPOINT s; DELETE FROM orders WHERE id = 5; ROLLBACK TO s; \
         SAVEPOINT t; UPDATE orders SET state = 'kept' WHERE id = 6; RELEASE t; \
         COMMIT; \
         BEGIN; DELETE FROM orders WHERE id = 7; ROLLBACK;",
    );
    let xid = shop.db.value("SELECT xmin FROM lines WHERE id = 1");
    let batches = following.catch_up();
    let [batch] = batches.as_slice() else {
        panic!("{batches:?}")
    };
    let [transaction] = batch.transactions.as_slice() else {
        panic!("{batch:?}")
    };
    assert_eq!((transaction.id.as_str(), batch.commits), (xid.as_str(), 1));
    assert_eq!(transaction.stamps, [b"token-1"]);
    assert_eq!(transaction.position, batch.position);
    let told: Vec<String> = batch
        .observed
        .iter()
        .map(|o| {
            let key = o.key.values().unwrap()[0].as_ref().to_string();
            let row = o
                .row
                .as_ref()
                .map_or("gone".to_owned(), |r| shown(r).join(" "));
            format!(
                "{}/{key} {row}{}",
                o.table,
                if o.coalesced { " *" } else { "" }
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "0/1 i1 'shipped' '1.00' *",
            "0/20 i20 'placed' '2.00' *",
            "0/2 i2 'again' '5.00' *",
            "0/3 gone",
            "0/30 i30 'placed' '3.00'",
            "0/4 gone",
            "1/1 i1 i1 i1",
            "0/6 i6 'kept' '6.00'",
        ]
    );
    assert_eq!(
        following.image,
        image_of(&shop, &shop.tables(&["orders", "lines"]))
    );
    let lag = following.feed.load().lag_s.unwrap();
    assert!((0.0..60.0).contains(&lag), "{lag}");
}

#[test]
fn a_batch_ends_before_a_row_comes_again() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE t (id int PRIMARY KEY, n int)",
    );
    shop.db
        .run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 5) i");
    let mut following = shop.follow(&["t"]);
    for n in 1..=3 {
        for id in 1..=5 {
            shop.db
                .run(&format!("UPDATE t SET n = {n} WHERE id = {id}"));
        }
    }
    let batches = following.catch_up();
    let transactions: Vec<_> = batches.iter().flat_map(|b| &b.transactions).collect();
    assert_eq!(transactions.len(), 15);
    assert!(transactions.is_sorted_by(|a, b| a.position < b.position));
    for batch in &batches {
        let numbers: Vec<u32> = batch.observed.iter().map(|o| o.transaction).collect();
        assert_eq!(
            numbers,
            (0..batch.transactions.len() as u32).collect::<Vec<_>>()
        );
    }
    assert_eq!(following.image, image_of(&shop, &shop.tables(&["t"])));
}

#[test]
fn values_kept_out_of_line_are_not_lost() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE plain (id int PRIMARY KEY, n int, note text, more text); \
         CREATE TABLE whole (id int PRIMARY KEY, n int, note text, more text); \
         ALTER TABLE whole REPLICA IDENTITY FULL; \
         ALTER TABLE plain ALTER note SET STORAGE EXTERNAL; ALTER TABLE whole ALTER note SET STORAGE EXTERNAL;",
    );
    for table in ["plain", "whole"] {
        shop.db.run(&format!(
            "INSERT INTO {table} SELECT i, 0, repeat('long ' || i, 3000), NULL FROM generate_series(1, 6) i"
        ));
    }
    let mut following = shop.follow(&["plain", "whole"]);
    for table in ["plain", "whole"] {
        shop.db.run(&format!(
            "UPDATE {table} SET n = 1 WHERE id = 1; \
             BEGIN; UPDATE {table} SET note = repeat('new', 5000) WHERE id = 2; UPDATE {table} SET n = 2 WHERE id = 2; COMMIT; \
             UPDATE {table} SET id = 13 WHERE id = 3; \
             BEGIN; UPDATE {table} SET n = 7 WHERE id = 4; UPDATE {table} SET id = 14 WHERE id = 4; COMMIT; \
             UPDATE {table} SET note = NULL WHERE id = 5; \
             BEGIN; INSERT INTO {table} VALUES (9, 0, repeat('x', 9000), 'y'); UPDATE {table} SET more = NULL WHERE id = 9; COMMIT;"
        ));
    }
    let batches = following.catch_up();
    let unsent: Vec<(u16, String, Vec<u16>)> = batches
        .iter()
        .flat_map(|b| &b.observed)
        .filter(|o| !o.unsent.is_empty())
        .map(|o| {
            (
                o.table,
                o.key.values().unwrap()[0].as_ref().to_string(),
                o.unsent.clone(),
            )
        })
        .collect();
    // Only under DEFAULT, and only where the transaction itself does not say the value.
    assert_eq!(unsent, [(0, "1".to_owned(), vec![2])]);
    assert_eq!(
        following.image,
        image_of(&shop, &shop.tables(&["plain", "whole"]))
    );
}

#[test]
fn partitions_speak_as_their_table() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE sales (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region); \
         CREATE TABLE sales_a PARTITION OF sales FOR VALUES IN ('a'); \
         CREATE TABLE sales_b (n int, region text NOT NULL, id int NOT NULL, PRIMARY KEY (id, region)); \
         ALTER TABLE sales ATTACH PARTITION sales_b FOR VALUES IN ('b');",
    );
    let names: Vec<String> = shop
        .source()
        .tables()
        .unwrap()
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert_eq!(names, ["sales"]);
    let mut following = shop.follow(&["sales"]);
    shop.db.run("INSERT INTO sales SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, i FROM generate_series(1, 20) i");
    shop.db.run("UPDATE sales SET n = -n WHERE id < 5; UPDATE sales_b SET n = 100 WHERE id = 7; DELETE FROM sales WHERE id = 20; UPDATE sales SET region = 'a' WHERE id = 9");
    following.catch_up();
    assert_eq!(following.image.len(), 19);
    assert_eq!(following.image, image_of(&shop, &shop.tables(&["sales"])));
}

#[test]
fn generated_columns_are_left_out_and_other_keys_may_be_chosen() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE g (id int PRIMARY KEY, code text NOT NULL UNIQUE, n int, twice int GENERATED ALWAYS AS (n * 2) STORED, last text); \
         CREATE TABLE full_identity (code text NOT NULL UNIQUE, n int); ALTER TABLE full_identity REPLICA IDENTITY FULL; \
         CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL, n int); CREATE UNIQUE INDEX codes ON by_index (code); \
         ALTER TABLE by_index REPLICA IDENTITY USING INDEX codes; \
         CREATE TABLE no_key (n int); CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, n int); CREATE UNLOGGED TABLE u (id int PRIMARY KEY)",
    );
    let all = shop.source().tables().unwrap();
    let by = |name: &str, key: &str| {
        let schema = all.iter().find(|t| t.name == name).unwrap().clone();
        GuardedTable::new(schema, &[key]).unwrap()
    };
    let names: Vec<&str> = all[2].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["id", "code", "n", "last"]);
    assert!(all.iter().all(|t| t.name != "u"));
    for (name, key) in [("g", "code"), ("late", "id"), ("no_key", "n")] {
        let refused = connect::source::postgres::attach(&shop.address, &[by(name, key)]);
        assert!(refused.is_err(), "{name} by {key}");
    }
    // Refused as a whole: the shop goes on writing.
    shop.db.run("INSERT INTO no_key VALUES (1); UPDATE no_key SET n = 2; INSERT INTO late VALUES (1, 1); UPDATE late SET n = 2; DELETE FROM late");
    let tables = vec![
        by("g", "id"),
        by("full_identity", "code"),
        by("by_index", "code"),
    ];
    connect::source::postgres::attach(&shop.address, &tables).unwrap();
    let mut feed =
        connect::source::postgres::PostgresFeed::open(&shop.address, tables.clone(), None).unwrap();
    feed.rescan(&mut |_| Ok(())).unwrap();
    let mut following = super::shop::Following {
        feed,
        image: Default::default(),
        batches: Vec::new(),
    };
    shop.db.run(
        "INSERT INTO g VALUES (1, 'a', 2, DEFAULT, 'z'); UPDATE g SET n = 3; \
         INSERT INTO full_identity VALUES ('x', 1), ('y', 2); UPDATE full_identity SET code = 'z' WHERE code = 'x'; DELETE FROM full_identity WHERE code = 'y'; \
         INSERT INTO by_index VALUES (1, 'p', 1), (2, 'q', 2); UPDATE by_index SET code = 'r' WHERE id = 1; DELETE FROM by_index WHERE id = 2; UPDATE by_index SET id = 5",
    );
    following.catch_up();
    assert_eq!(following.image, image_of(&shop, &tables));
    assert_eq!(following.image.len(), 3);
}

#[test]
fn a_check_reads_and_never_writes() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE SCHEMA mine; CREATE TABLE mine.t (id int PRIMARY KEY, n numeric); INSERT INTO mine.t VALUES (1, 2.50); CREATE SEQUENCE s",
    );
    shop.db.run(&format!(
        "ALTER DATABASE {} SET search_path = mine, public",
        shop.db.name()
    ));
    let mut source = shop.source();
    let found = source.check("SELECT 't', id, 'n is ' || n FROM t").unwrap();
    assert_eq!(
        (found[0].key.as_str(), found[0].detail.as_str()),
        ("1", "n is 2.50")
    );
    for sql in [
        "DELETE FROM t RETURNING 1, 2, 3",
        "WITH d AS (DELETE FROM t RETURNING *) SELECT 1, 2, 3 FROM d",
        "SELECT 1, 2, 3; SELECT 1, 2, 3",
        "COMMIT",
        "SELECT nextval('public.s'), 2, 3",
        "SET search_path = x",
        "DROP TABLE t",
    ] {
        assert!(source.check(sql).is_err(), "{sql}");
    }
    let two = source.check("SELECT 1, 2").unwrap_err().to_string();
    assert!(two.contains("2 columns"), "{two}");
    let many = source
        .check("SELECT 't', i, NULL FROM generate_series(1, 20000) i")
        .unwrap();
    assert_eq!(
        (many.len(), many[0].detail.as_str()),
        (connect::source::MAX_CHECK_ROWS, "NULL")
    );
    assert_eq!(shop.db.value("SELECT count(*) FROM mine.t"), "1");
    assert_eq!(source.check("SELECT 't', id, n FROM t").unwrap().len(), 1);
}
