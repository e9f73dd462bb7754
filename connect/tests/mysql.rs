//! A MariaDB shop, seen through the traits that every room uses. Each test has a database of its
//! own on a throwaway server.

#[path = "mysql/shop.rs"]
mod shop;

use connect::source::Polled;
use model::{Key, Row, TableSchema, Value, ValueRef};
use shop::Shop;
use std::collections::BTreeMap;
use testkit::mariadb::Server;

const TYPES: &str = "CREATE TABLE `Mixed Case` (
    id INT NOT NULL, `Second Key` VARCHAR(20) NOT NULL,
    t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
    i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, z INT(6) ZEROFILL,
    d DECIMAL(12,2), dz DECIMAL(8,3) ZEROFILL, dl DECIMAL(65,30), dw DECIMAL(10,0), df DECIMAL(9,9),
    f FLOAT, fr FLOAT(7,2), db DOUBLE, dr DOUBLE(10,2),
    b1 BIT(1), b9 BIT(9), b64 BIT(64), y YEAR,
    da DATE, ti TIME, t1 TIME(1), t3 TIME(3), t6 TIME(6), dt DATETIME, dt2 DATETIME(2), dt6 DATETIME(6),
    ts TIMESTAMP NULL, ts4 TIMESTAMP(4) NULL, ts6 TIMESTAMP(6) NULL,
    c CHAR(10), c4 CHAR(100) CHARACTER SET utf8mb4, v VARCHAR(300), tx TEXT, mt MEDIUMTEXT,
    l1 VARCHAR(20) CHARACTER SET latin1, g VARCHAR(20) CHARACTER SET gbk, u16 VARCHAR(20) CHARACTER SET utf16,
    ko CHAR(20) CHARACTER SET koi8r, u2 CHAR(9) CHARACTER SET ucs2, asc1 CHAR(9) CHARACTER SET ascii,
    e ENUM('placed','it''s','a,b','漢','b\\\\s') CHARACTER SET utf8mb4, eg ENUM('中','x') CHARACTER SET gbk,
    st SET('a','b c','d''e') , bi BINARY(5), vb VARBINARY(20), bl BLOB, lb LONGBLOB,
    j JSON, uu UUID, i6 INET6, i4 INET4, ge GEOMETRY,
    gen_v INT AS (i + 1) VIRTUAL, gen_s INT AS (i + 2) STORED, last INT,
    PRIMARY KEY (id, `Second Key`))";

fn insert(id: i64, values: &str) -> String {
    format!(
        "INSERT INTO `Mixed Case` (id, `Second Key`, t, tu, s, su, m, mu, i, iu, b, bu, z, d, dz, dl, dw, df, \
         f, fr, db, dr, b1, b9, b64, y, da, ti, t1, t3, t6, dt, dt2, dt6, ts, ts4, ts6, c, c4, v, tx, mt, \
         l1, g, u16, ko, u2, asc1, e, eg, st, bi, vb, bl, lb, j, uu, i6, i4, ge, last) \
         VALUES ({id}, 'Schlüssel {id}', {values});"
    )
}

fn rows_of_all_types() -> String {
    let mut sql = String::from("SET sql_mode = ''; SET time_zone = '+03:00';\n");
    sql += &insert(1, &vec!["NULL"; 59].join(", "));
    sql += &insert(
        2,
        "-128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, \
         18446744073709551615, 42, -1234567890.12, 12.5, -12345678901234567890123456789012345.123456789012345678901234567890, \
         -9999999999, -0.123456789, 0.1, 12345.67, 1.7976931348623157e308, 0.01, b'1', b'101010101', \
         b'1000000000000000000000000000000000000000000000000000000000000001', 2026, \
         '2026-11-22', '-838:59:59', '-00:00:00.1', '-00:00:01.500', '-01:02:03.000004', '2026-11-22 20:23:25', \
         '2026-11-22 20:23:25.07', '2026-11-22 20:23:25.680150', '2026-11-22 20:23:25', '2026-11-22 20:23:25.0001', \
         '2038-01-19 03:14:07.999999', 'ab  ', '漢字😀', 'x''y\\\\z', REPEAT('ä', 200), REPEAT('long ', 20000), \
         'café€', '中文abc', '漢😀', 'привет', 'ÄÖ', 'ascii', 'it''s', '中', 'a,d''e', X'0100', X'00ff00', X'', \
         REPEAT(X'00ff', 40000), '{\"b\": [1, 2.50, \"ü\"],  \"a\": null}', '123e4567-e89b-12d3-a456-426655440000', \
         '2001:db8::ff00:42:8329', '192.0.2.33', ST_GeomFromText('POINT(1 2)'), 7",
    );
    sql += &insert(
        3,
        "127, 0, 0, 0, 0, 0, 0, 0, 0, 9223372036854775808, 0, 0, 0, 0, 0, 0, -0.0, 0, -0.0, 0, b'0', b'0', b'0', 0, \
         '0000-00-00', '838:59:59', '12:34:56.7', '00:00:00.001', '00:00:00.000001', '0000-00-00 00:00:00', \
         '9999-12-31 23:59:59.99', '0000-00-00 00:00:00.000000', 0, 0, '1970-01-01 03:00:01.000001', '', '', '', '', '', \
         'ÿ', '', '', '', '', '', 'not a label', '', '', X'0000000000', X'', X'00', X'', '1', \
         '01890a5d-ac96-774b-bcce-b302099a8057', '::', '0.0.0.0', NULL, -7",
    );
    sql += &insert(
        4,
        "1, 1, 1, 1, 1, 1, 1, 1, 1, 9223372036854775807, 1, 1, 1, 1, 1, 0.5, 3.4028234e38, -1.5, 2.2250738585072014e-308, \
         -1.25, b'1', b'1', b'1', 1901, '1000-02-29', '00:00:00', '-12:34:56.7', '-838:59:58.999', '838:59:58.999999', \
         '2026-00-00 00:00:00', '2026-02-28 23:59:59.01', '0001-01-01 00:00:00.000001', '2026-03-29 02:30:00', \
         '2026-11-22 20:23:25.9999', '2001-09-09 04:46:40', ' lead', 'A', 'a', '\\0', '\\n', '', 'é', 'é', 'Я', 'z', '~', \
         'b\\\\s', 'x', 'a,b c,d''e', X'ffffffffff', X'20', X'20', X'20', '{}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', \
         '::ffff:1.2.3.4', '255.255.255.255', ST_GeomFromText('LINESTRING(0 0,1 1)'), NULL",
    );
    sql
}

#[test]
fn every_type_reads_alike_in_feed_scan_and_single_reads() {
    let shop = Shop::new(TYPES);
    let guarded = shop.guarded(&[("Mixed Case", &["id", "Second Key"])]);
    let mut feed = shop.feed(&guarded, None);
    assert!(shop::rescan(feed.as_mut()).is_empty());
    shop.database.run(&rows_of_all_types());
    let seen = shop::state_after(feed.as_mut(), BTreeMap::new());
    let scanned = shop.scan(&guarded);
    assert_eq!(scanned.len(), 4);
    for ((table, key), row) in &scanned {
        let other = &seen[&(*table, key.clone())];
        assert_same(&guarded[0].schema, other, row);
        let read = feed.read(*table, std::slice::from_ref(key)).unwrap();
        assert_same(&guarded[0].schema, read[0].as_ref().unwrap(), row);
    }
    assert_eq!(seen.len(), 4);
    let names: Vec<&str> = guarded[0]
        .schema
        .columns
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert!(
        !names.contains(&"gen_v") && !names.contains(&"gen_s"),
        "{names:?}"
    );
    let row = &scanned.values().nth(1).unwrap();
    let value = |name: &str| {
        row.get(names.iter().position(|n| *n == name).unwrap())
            .unwrap()
            .to_value()
    };
    assert_eq!(value("bu"), Value::text("18446744073709551615"));
    assert_eq!(value("d"), Value::text("-1234567890.12"));
    assert_eq!(value("ts"), Value::text("2026-11-22 17:23:25"));
    assert_eq!(value("l1"), Value::text("café€"));
    assert_eq!(value("g"), Value::text("中文abc"));
    assert_eq!(value("eg"), Value::text("中"));
    assert_eq!(value("f"), Value::Real(f64::from(0.1_f32)));
    assert_eq!(value("b9"), Value::Integer(0b1_0101_0101));
    assert_eq!(value("bi"), Value::Blob(vec![1, 0, 0, 0, 0]));
    assert_eq!(value("t1"), Value::text("-00:00:00.1"));
    let back: Vec<ValueRef<'_>> = row.iter().collect();
    assert_eq!(&Row::from_values(back), *row);
}

#[test]
fn a_transaction_is_told_whole_and_each_row_once() {
    let shop = Shop::new("CREATE TABLE o (id INT PRIMARY KEY, state VARCHAR(20), n INT)");
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    shop.database.run(
        "START TRANSACTION; INSERT INTO o VALUES (1,'placed',1),(2,'placed',1),(3,'gone',1);
         UPDATE o SET state='paid' WHERE id=1; UPDATE o SET state='shipped' WHERE id=1;
         DELETE FROM o WHERE id=3; SAVEPOINT a; DELETE FROM o; ROLLBACK TO a; COMMIT;
         START TRANSACTION; INSERT INTO o VALUES (9,'never',1); ROLLBACK;
         UPDATE o SET n = 2 WHERE id = 2; UPDATE o SET n = 3 WHERE id = 2; UPDATE o SET id = 5 WHERE id = 2;",
    );
    let batches = shop::batches(feed.as_mut());
    let first = &batches[0];
    assert_eq!(first.transactions.len(), 1, "{batches:?}");
    let keys: Vec<String> = first.observed.iter().map(|o| o.key.to_string()).collect();
    assert_eq!(keys, ["1", "2"]);
    assert!(first.observed[0].coalesced && !first.observed[1].coalesced);
    let state = first.observed[0]
        .row
        .as_ref()
        .unwrap()
        .get(1)
        .unwrap()
        .to_value();
    assert_eq!(state, Value::text("shipped"));
    assert_eq!(
        batches.len(),
        4,
        "row 2 stands in a batch once: {batches:?}"
    );
    let last = batches.last().unwrap();
    let moved: Vec<(String, bool)> = last
        .observed
        .iter()
        .map(|o| (o.key.to_string(), o.row.is_some()))
        .collect();
    assert_eq!(moved, [("2".to_owned(), false), ("5".to_owned(), true)]);
    let mut position = 0;
    for told in batches.iter().flat_map(|b| &b.transactions) {
        assert!(told.position > position);
        position = told.position;
        assert_eq!(told.id.split('-').count(), 3, "{}", told.id);
        assert!(told.committed_at.0 > 0);
    }
    assert_eq!(feed.position(), Some(position));
}

#[test]
fn reading_goes_on_exactly_where_it_ended() {
    let shop = Shop::new("CREATE TABLE o (id INT PRIMARY KEY, n INT)");
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    let mut seen = Vec::new();
    for round in 0..4 {
        shop.database.run(&format!(
            "INSERT INTO o VALUES ({round}0, 1); FLUSH BINARY LOGS; INSERT INTO o VALUES ({round}1, 1);"
        ));
        seen.extend(shop::keys(&shop::batches(feed.as_mut())));
        let position = feed.position();
        drop(feed);
        shop.database.run(&format!(
            "INSERT INTO o VALUES ({round}2, 1); FLUSH BINARY LOGS;"
        ));
        feed = shop.feed(&guarded, position);
        shop::rescan(feed.as_mut());
    }
    seen.extend(shop::keys(&shop::batches(feed.as_mut())));
    let expected: Vec<String> = (0..4)
        .flat_map(|r| (0..3).map(move |n| (r * 10 + n).to_string()))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn keys_come_in_the_order_of_their_bytes() {
    let shop = Shop::new(
        "CREATE TABLE a (k VARCHAR(20) PRIMARY KEY, n INT) COLLATE utf8mb4_bin; CREATE TABLE b (k BIGINT UNSIGNED PRIMARY KEY);
         CREATE TABLE c (e ENUM('z','a') NOT NULL, d DECIMAL(8,2) NOT NULL, l VARCHAR(9) CHARACTER SET latin1 NOT NULL,
         PRIMARY KEY (e, d, l));
         INSERT INTO a VALUES ('b',1),('A',1),('ä',1),('Z',1),('',1),('😀',1),('zz',1),('Ab',2);
         INSERT INTO b VALUES (1),(9223372036854775807),(9223372036854775808),(18446744073709551615),(0),(10000000000000000000);
         INSERT INTO c VALUES ('z',1,'€'),('z',10,'ÿ'),('z',9.5,'a'),('a',-1,''),('z',10,'€');",
    );
    let guarded = shop.guarded(&[("a", &["k"]), ("b", &["k"]), ("c", &["e", "d", "l"])]);
    let whole = shop.scan(&guarded);
    assert_eq!(whole.len(), 19);
    let mut source = shop.source();
    for (number, table) in guarded.iter().enumerate() {
        let number = number as u16;
        let all: Vec<&Key> = whole
            .keys()
            .filter(|(t, _)| *t == number)
            .map(|(_, k)| k)
            .collect();
        let (mut parts, mut after) = (Vec::new(), None::<Key>);
        loop {
            let before = parts.len();
            let mut each = |t: u16, key: &Key, _: &Row| {
                assert_eq!(t, number);
                parts.push(key.clone());
                Ok(())
            };
            source
                .scan_part(number, table, after.as_ref(), 2, &mut each)
                .unwrap();
            if parts.len() == before {
                break;
            }
            after = parts.last().cloned();
        }
        assert_eq!(parts.iter().collect::<Vec<_>>(), all);
        let mut keys = parts.clone();
        keys.push(Key::of([ValueRef::Integer(77)]).unwrap());
        let read = source.read(table, &keys).unwrap();
        for (key, row) in keys.iter().zip(&read) {
            assert_eq!(row.as_ref(), whole.get(&(number, key.clone())));
        }
    }
    let absent = Key::of([ValueRef::Text(b"a")]).unwrap();
    assert_eq!(
        source.read(&guarded[0], &[absent]).unwrap(),
        [None],
        "'A' is another key"
    );
}

#[test]
fn statements_that_rows_do_not_tell_of_are_said() {
    // What one database logs as a statement may concern any other.
    let server = Server::start();
    let shop = Shop::on(
        &server,
        "CREATE TABLE o (id INT PRIMARY KEY, n INT); CREATE TABLE other (id INT)",
    );
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    for (sql, expected) in [
        ("TRUNCATE TABLE o", "the table o was emptied by TRUNCATE"),
        ("ALTER TABLE o ADD INDEX (n)", "the table changed"),
        (
            "SET SESSION binlog_format = STATEMENT; UPDATE o SET n = n + 1",
            "logged as a statement",
        ),
        ("RENAME TABLE o TO p, p TO o", "the table changed"),
    ] {
        shop::rescan(feed.as_mut());
        shop.database.run("INSERT INTO o VALUES (1, 1); CREATE TABLE copy SELECT * FROM o; DROP TABLE copy; TRUNCATE TABLE other; CREATE INDEX i ON other (id); DROP INDEX i ON other;");
        shop.database.run(sql);
        assert_eq!(
            shop::keys(&[shop::next_batch(feed.as_mut())]),
            ["1"],
            "{sql}"
        );
        for _ in 0..2 {
            match shop::poll_until_told(feed.as_mut()) {
                Polled::Lost { reason } => {
                    assert!(reason.to_string().contains(expected), "{sql}: {reason}")
                }
                Polled::SchemaChanged { tables } => {
                    assert_eq!(
                        (tables, expected),
                        (vec!["o".to_owned()], "the table changed")
                    )
                }
                other => panic!("{sql}: {other:?}"),
            }
        }
        shop::rescan(feed.as_mut());
        shop.database.run("DELETE FROM o");
        shop::batches(feed.as_mut());
    }
    let position = feed.position();
    shop.database
        .run("ALTER TABLE o ADD COLUMN added INT DEFAULT 5; INSERT INTO o VALUES (2, 1, 1)");
    let changed = Polled::SchemaChanged {
        tables: vec!["o".to_owned()],
    };
    assert_eq!(shop::poll_until_told(feed.as_mut()), changed);
    // Opened anew with the new columns, it comes to the statement once more and passes over it:
    // every row was looked at behind it.
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, position);
    assert_eq!(shop::rescan(feed.as_mut()).len(), 1);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["2"]);
    shop.database.run("INSERT INTO o VALUES (3, 1, 1)");
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["3"]);
    shop.database.run("DROP TABLE o");
    assert_eq!(shop::poll_until_told(feed.as_mut()), changed);
}

fn assert_same(schema: &TableSchema, seen: &Row, scanned: &Row) {
    for (i, column) in schema.columns.iter().enumerate() {
        let (seen, scanned) = (seen.get(i), scanned.get(i));
        let text = |v: Option<model::ValueRef<'_>>| v.map(|v| v.to_string());
        assert_eq!(
            text(seen),
            text(scanned),
            "{} {}",
            column.name,
            column.declared
        );
        assert_eq!(seen, scanned, "{} {}", column.name, column.declared);
    }
    assert_eq!(seen, scanned);
}
