//! A few lines that have everything odd in them, and the real data when it is there.

use super::*;
use rusqlite::Connection;
use std::path::PathBuf;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
const LINES: &str = "\
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,\"LANTERN, METAL \",6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536544,21773,,1,2010-12-01 14:32:00,0.0,,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527.0,United Kingdom
536365,22752,SET 7 BABUSHKA NESTING BOXES,2,2010-12-01 08:27:00,7.65,17850.0,United Kingdom
A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom
550193,PADS,PADS TO MATCH ALL CUSHIONS,1,2011-04-15 09:27:00,0.001,13952.0,United Kingdom
";

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(folder: &Folder, text: &str) -> Result<(Counts, Connection), String> {
    let path = folder.0.join("shop.db");
    let _ = std::fs::remove_file(&path);
    let counts = load::load(text.as_bytes(), &path, &mut |_| ())?;
    Ok((counts, Connection::open(path).expect("a shop")))
}

fn texts(shop: &Connection, sql: &str) -> Vec<String> {
    let mut statement = shop.prepare(sql).expect(sql);
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let text = (0..columns).map(|c| {
            Ok(match row.get_ref(c)? {
                rusqlite::types::ValueRef::Null => "-".to_owned(),
                rusqlite::types::ValueRef::Integer(i) => i.to_string(),
                rusqlite::types::ValueRef::Text(t) => String::from_utf8_lossy(t).into_owned(),
                other => format!("{other:?}"),
            })
        });
        Ok(text.collect::<Result<Vec<_>, rusqlite::Error>>()?.join("|"))
    });
    rows.expect(sql).collect::<Result<_, _>>().expect(sql)
}

#[test]
fn the_documentation_prints_the_schema() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/online-retail.md");
    let page = std::fs::read_to_string(page).expect("docs/online-retail.md");
    assert!(
        page.contains(DDL),
        "docs/online-retail.md differs from:\n{DDL}"
    );
}

#[test]
fn lines_become_rows_exactly() {
    let folder = Folder::new("lines");
    let (counts, shop) = load(&folder, &format!("{HEADER}{LINES}")).expect("a shop");
    let expected = Counts {
        customers: 3,
        invoices: 5,
        lines: 8,
        refunds: 1,
        adjustments: 1,
        lines_without_customer: 2,
        lines_without_whole_pence: 1,
    };
    assert_eq!(counts, expected);
    let invoices =
        "SELECT invoice_no, kind, customer_id, invoiced_at, total_minor FROM invoices ORDER BY id";
    assert_eq!(
        texts(&shop, invoices),
        [
            "536365|sale|17850|2010-12-01 08:26:00|6624",
            "536544|sale|-|2010-12-01 14:32:00|0",
            "C536379|cancellation|14527|2010-12-01 09:41:00|-2750",
            "A563186|adjustment|-|2011-08-12 14:51:00|-1106206",
            "550193|sale|13952|2011-04-15 09:27:00|0",
        ]
    );
    let lines = "SELECT id, invoice_id, stock_code, description, quantity, unit_price, unit_minor, invoiced_at
        FROM invoice_lines WHERE id IN (2, 4, 6, 8)";
    assert_eq!(
        texts(&shop, lines),
        [
            "2|1|71053|LANTERN, METAL |6|3.39|339|2010-12-01 08:26:00",
            "4|2|21773|-|1|0.0|0|2010-12-01 14:32:00",
            "6|1|22752|SET 7 BABUSHKA NESTING BOXES|2|7.65|765|2010-12-01 08:27:00",
            "8|5|PADS|PADS TO MATCH ALL CUSHIONS|1|0.001|-|2011-04-15 09:27:00",
        ]
    );
    assert_eq!(
        texts(
            &shop,
            "SELECT invoice_id, customer_id, amount_minor, currency FROM refunds"
        ),
        ["3|14527|2750|GBP"]
    );
    assert_eq!(
        texts(&shop, "SELECT * FROM pragma_foreign_key_check"),
        [""; 0]
    );
}

#[test]
fn lines_that_cannot_be_kept_exactly_are_refused_by_their_number() {
    let folder = Folder::new("refused");
    for (line, fault) in [
        (
            "1,A,B,1.5,2010-12-01 08:26:00,1.00,1.0,UK",
            "line 1: the quantity `1.5`",
        ),
        (
            "1,A,B,1,2010-12-01 08:26:00,1e3,1.0,UK",
            "line 1: the price `1e3`",
        ),
        (
            "1,A,B,1,2010-12-01 08:26:00,1.00,x,UK",
            "line 1: the customer `x`",
        ),
        (
            "1,A,B,9223372036854775807,2010-12-01 08:26:00,1.00,1.0,UK",
            "line 1: the amount",
        ),
        (
            "1,A,B,1,t,1.00,1.0,UK\n1,A,B,1,t,1.00,2.0,UK",
            "line 2: invoice 1 has two",
        ),
        ("1,A,B", "found record with 3 fields"),
    ] {
        let error = load(&folder, &format!("{HEADER}{line}\n")).expect_err(line);
        assert!(error.contains(fault), "{error}");
    }
    let error = load(&folder, "a,b\n1,2\n").expect_err("other data");
    assert!(error.contains("not the Online Retail data"), "{error}");
}

#[test]
fn a_shop_and_its_policy_are_made_and_never_overwritten() {
    use std::io::Write;
    let folder = Folder::new("made");
    let sample = folder.0.join("sample.csv.gz");
    let file = File::create(&sample).expect("a file");
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(format!("{HEADER}{LINES}").as_bytes())
        .expect("written");
    gzip.finish().expect("written");
    let path = folder.0.join("a \"retail\" shop.db");
    let counts = make(&sample, &path, &mut |_| ()).expect("a shop");
    assert_eq!(counts.lines, 8);
    let policy = std::fs::read_to_string(folder.0.join("a \"retail\" shop.db.toml"));
    let policy: toml::Table = policy.expect("a policy").parse().expect("TOML");
    let source = &policy["source"][0];
    let named = source["path"].as_str().expect("a path");
    assert_eq!(Path::new(named), path.canonicalize().expect("there"));
    let shop = Connection::open(named).expect("a shop");
    for table in source["table"].as_array().expect("tables") {
        let name = table["name"].as_str().expect("a name");
        for column in table["frozen"]["columns"].as_array().expect("columns") {
            let sql = format!(
                "SELECT {} FROM {name} LIMIT 1",
                column.as_str().expect("text")
            );
            shop.prepare(&sql).expect(&sql);
        }
    }
    let check = source["check"][0]["sql"].as_str().expect("SQL");
    assert_eq!(texts(&shop, check), [""; 0]);
    shop.execute_batch("UPDATE refunds SET amount_minor = 1")
        .expect("altered");
    assert_eq!(
        texts(&shop, check),
        ["refunds|1|invoice C536379: refunded 1, cancelled 2750"]
    );
    let again = make(&sample, &path, &mut |_| ()).expect_err("there already");
    assert!(again.contains("already there"), "{again}");
}

#[test]
fn the_real_data_is_kept_to_the_last_letter() {
    let named = std::env::var_os("BALEFIRE_SAMPLES").map(PathBuf::from);
    let Some(sample) = named
        .map(|folder| folder.join(SAMPLE))
        .filter(|s| s.exists())
    else {
        assert!(
            std::env::var_os("CI").is_none(),
            "BALEFIRE_SAMPLES is not set, or holds no {SAMPLE}"
        );
        eprintln!("did not run: BALEFIRE_SAMPLES is not set, or holds no {SAMPLE}");
        return;
    };
    let folder = Folder::new("real");
    let path = folder.0.join("shop.db");
    let counts = make(&sample, &path, &mut |_| ()).expect("a shop");
    let expected = Counts {
        customers: 4_372,
        invoices: 25_900,
        lines: 541_909,
        refunds: 3_836,
        adjustments: 3,
        lines_without_customer: 135_080,
        lines_without_whole_pence: 4,
    };
    assert_eq!(counts, expected);
    let shop = Connection::open(&path).expect("a shop");
    let mut statement = shop
        .prepare(
            "SELECT i.invoice_no, l.stock_code, coalesce(l.description, ''), CAST(l.quantity AS TEXT),
                 l.invoiced_at, l.unit_price, coalesce(i.customer_id || '.0', ''), i.country
             FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id ORDER BY l.id",
        )
        .expect("SQL");
    let mut rows = statement.query([]).expect("rows");
    let file = File::open(&sample).expect("a sample");
    let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(BufReader::new(file)));
    for record in reader.records() {
        let record = record.expect("a line");
        let row = rows.next().expect("a row").expect("as many rows as lines");
        for (column, field) in record.iter().enumerate() {
            let stored = row.get_ref(column).expect("a column");
            assert_eq!(stored.as_str().expect("text"), field, "{record:?}");
        }
    }
    assert!(rows.next().expect("rows").is_none());
    // The sum over all lines, computed apart from the loader with a decimal library.
    let total = "SELECT sum(total_minor) FROM invoices";
    assert_eq!(texts(&shop, total), ["974774793"]);
}
