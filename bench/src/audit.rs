//! Rows a second of the desk's audit, beside a plain `SELECT *` of the same tables.

use crate::{BenchError, Measure, median};
use demo::shop::{self, ShopOptions};
use desk::config::Config;
use desk::{DataFolder, Desk};
use model::SourceName;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Instant;

/// Each way is taken in turn so many times; the median counts.
const ROUNDS: usize = 5;

/// Measures on a demo shop of `orders` orders in `folder`, which is new.
pub fn run(folder: &Path, orders: u32) -> Result<Vec<Measure>, BenchError> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("shop.db");
    let options = ShopOptions {
        orders,
        ..ShopOptions::default()
    };
    shop::create(&file, &options, &mut |_| {})?;
    std::fs::write(folder.join("balefire.toml"), shop::policy_toml())?;
    let config = Config::load(&folder.join("balefire.toml"))?;
    let tables: Vec<String> = config
        .source
        .iter()
        .flat_map(|s| &s.table)
        .map(|t| t.name.clone())
        .collect();
    let desk = Desk::open(DataFolder::new(folder), config)?;
    let source = SourceName::new("shop");
    let start = Instant::now();
    let baseline = desk.baseline(&source, false, &mut |_, _| {})?;
    let baseline_rate = baseline.rows as f64 / start.elapsed().as_secs_f64();
    desk.start_guards()?;
    let (mut audits, mut selects) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        selects.push(select(&file, &tables)?);
        let start = Instant::now();
        let report = desk.audit_source(&source)?;
        audits.push(report.rows as f64 / start.elapsed().as_secs_f64());
        if report.rows != baseline.rows || !report.discrepancies.is_empty() {
            return Err(BenchError::Unsound(
                "the audit of an untouched shop is not clean".into(),
            ));
        }
    }
    desk.stop();
    let rows = baseline.rows;
    Ok(vec![
        Measure::new(
            "audit",
            median(audits),
            "per_s",
            format!(
                "{rows} rows of six tables against their lawful images; machine: SELECT * of them"
            ),
        )
        .beside(median(selects)),
        Measure::new(
            "baseline",
            baseline_rate,
            "per_s",
            "first images of the same rows, journaled, with the feed's own index",
        ),
    ])
}

/// Rows a second of reading every column of every table, doing nothing with it.
fn select(file: &Path, tables: &[String]) -> Result<f64, BenchError> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (start, mut count, mut bytes) = (Instant::now(), 0_u64, 0_usize);
    for table in tables {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                bytes += row
                    .get_ref(column)?
                    .as_bytes_or_null()
                    .ok()
                    .flatten()
                    .map_or(8, <[u8]>::len);
            }
            count += 1;
        }
    }
    std::hint::black_box(bytes);
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
