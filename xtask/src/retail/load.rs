//! Reads the CSV once and writes the tables. Lines are written as they come; invoices, customers
//! and refunds, which a later line may still add to, at the end.

use super::decimal::{Minor, minor};
use super::{Counts, DDL};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

const HEADER: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];
const CURRENCY: &str = "GBP";
/// Most lines read: ten times the data; its invoices take about 100 MB of memory then.
const MOST_LINES: u32 = 5_000_000;
const LINES_PER_REPORT: u32 = 100_000;

struct Invoice {
    number: String,
    kind: &'static str,
    customer: Option<i64>,
    country: String,
    at: String,
    total_minor: i64,
}

struct Customer {
    country: String,
    first_seen: String,
}

#[derive(Default)]
struct Books {
    counts: Counts,
    invoices: Vec<Invoice>,
    /// Number -> place in `invoices`; its id is one more.
    places: HashMap<String, usize>,
    customers: BTreeMap<i64, Customer>,
}

pub(super) fn load(
    csv: impl Read,
    path: &Path,
    progress: &mut dyn FnMut(u32),
) -> Result<Counts, String> {
    let mut shop = Connection::open(path).map_err(sql)?;
    // Until it is renamed nobody relies on this file, so it needs no journal and no fsync.
    shop.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        .and_then(|()| shop.execute_batch(DDL))
        .map_err(sql)?;
    shop.pragma_update(None, "foreign_keys", false)
        .map_err(sql)?;
    let transaction = shop.transaction().map_err(sql)?;
    let mut books = Books::default();
    books.lines(csv, &transaction, progress)?;
    books.close(&transaction).map_err(sql)?;
    transaction.commit().map_err(sql)?;
    shop.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")
        .map_err(sql)?;
    shop.close().map_err(|(_, error)| sql(error))?;
    Ok(books.counts)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands in map_err, which gives the error away"
)]
fn sql(error: rusqlite::Error) -> String {
    format!("the shop cannot be written: {error}")
}

impl Books {
    fn lines(
        &mut self,
        csv: impl Read,
        shop: &Connection,
        progress: &mut dyn FnMut(u32),
    ) -> Result<(), String> {
        let mut reader = csv::Reader::from_reader(csv);
        let header = reader.headers().map_err(|error| error.to_string())?;
        if header.iter().ne(HEADER) {
            return Err(format!(
                "not the Online Retail data: its columns are {header:?}"
            ));
        }
        let mut insert = shop
            .prepare("INSERT INTO invoice_lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .map_err(sql)?;
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| error.to_string())?
        {
            if self.counts.lines == MOST_LINES {
                return Err(format!("more than {MOST_LINES} lines"));
            }
            self.counts.lines += 1;
            let id = self.counts.lines;
            let line = Line::read(&record).map_err(|fault| format!("line {id}: {fault}"))?;
            let invoice = self
                .book(&line)
                .map_err(|fault| format!("line {id}: {fault}"))?;
            let described = (!line.description.is_empty()).then_some(line.description);
            insert
                .execute(params![
                    id,
                    invoice,
                    line.stock_code,
                    described,
                    line.quantity,
                    line.price,
                    line.unit_minor,
                    line.at
                ])
                .map_err(sql)?;
            if id.is_multiple_of(LINES_PER_REPORT) {
                progress(id);
            }
        }
        Ok(())
    }

    /// Adds a line to its invoice and customer; the invoice's id.
    fn book(&mut self, line: &Line<'_>) -> Result<i64, String> {
        let place = match self.places.get(line.number) {
            Some(place) => *place,
            None => self.open(line),
        };
        let invoice = &mut self.invoices[place];
        if invoice.customer != line.customer || invoice.country != line.country {
            return Err(format!(
                "invoice {} has two customers or countries",
                line.number
            ));
        }
        let amount = line.unit_minor.unwrap_or(0).checked_mul(line.quantity);
        invoice.total_minor = amount
            .and_then(|amount| invoice.total_minor.checked_add(amount))
            .ok_or("the amount is beyond 64 bits")?;
        self.counts.lines_without_customer += u32::from(line.customer.is_none());
        self.counts.lines_without_whole_pence += u32::from(line.unit_minor.is_none());
        Ok(place as i64 + 1)
    }

    fn open(&mut self, line: &Line<'_>) -> usize {
        let place = self.invoices.len();
        self.places.insert(line.number.to_owned(), place);
        self.invoices.push(Invoice {
            number: line.number.to_owned(),
            kind: match line.number.as_bytes().first() {
                Some(b'C') => "cancellation",
                Some(b'A') => "adjustment",
                _ => "sale",
            },
            customer: line.customer,
            country: line.country.to_owned(),
            at: line.at.to_owned(),
            total_minor: 0,
        });
        if let Some(customer) = line.customer {
            self.customers.entry(customer).or_insert_with(|| Customer {
                country: line.country.to_owned(),
                first_seen: line.at.to_owned(),
            });
        }
        place
    }

    fn close(&mut self, shop: &Connection) -> Result<(), rusqlite::Error> {
        let mut insert = shop.prepare("INSERT INTO customers VALUES (?1, ?2, ?3)")?;
        for (id, customer) in &self.customers {
            insert.execute(params![id, customer.country, customer.first_seen])?;
        }
        let mut insert =
            shop.prepare("INSERT INTO invoices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        let mut refund = shop.prepare("INSERT INTO refunds VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (place, invoice) in self.invoices.iter().enumerate() {
            let id = place as i64 + 1;
            insert.execute(params![
                id,
                invoice.number,
                invoice.kind,
                invoice.customer,
                invoice.country,
                invoice.at,
                invoice.total_minor,
                CURRENCY
            ])?;
            if invoice.kind == "cancellation" {
                self.counts.refunds += 1;
                refund.execute(params![
                    self.counts.refunds,
                    id,
                    invoice.customer,
                    -invoice.total_minor,
                    CURRENCY,
                    invoice.at
                ])?;
            }
            self.counts.adjustments += u32::from(invoice.kind == "adjustment");
        }
        self.counts.customers = self.customers.len() as u32;
        self.counts.invoices = self.invoices.len() as u32;
        Ok(())
    }
}

/// One line of the file, as it is written and as it is meant.
struct Line<'a> {
    number: &'a str,
    stock_code: &'a str,
    description: &'a str,
    quantity: i64,
    at: &'a str,
    price: &'a str,
    /// `None`: no whole number of pence.
    unit_minor: Option<i64>,
    customer: Option<i64>,
    country: &'a str,
}

impl<'a> Line<'a> {
    fn read(record: &'a csv::StringRecord) -> Result<Self, String> {
        let field = |nth: usize| record.get(nth).unwrap_or_default();
        let price = field(5);
        let unit_minor = match minor(price) {
            Some(Minor::Whole(pence)) => Some(pence),
            Some(Minor::Fraction) => None,
            None => return Err(format!("the price `{price}` is no decimal number")),
        };
        // The file writes customers as `17850.0`, having been a spreadsheet once.
        let customer = match field(6) {
            "" => None,
            text => Some(
                text.strip_suffix(".0")
                    .and_then(|id| id.parse().ok())
                    .ok_or_else(|| format!("the customer `{text}` is no number"))?,
            ),
        };
        Ok(Self {
            number: field(0),
            stock_code: field(1),
            description: field(2),
            quantity: field(3)
                .parse()
                .map_err(|_| format!("the quantity `{}` is no whole number", field(3)))?,
            at: field(4),
            price,
            unit_minor,
            customer,
            country: field(7),
        })
    }
}
