//! The first look at every row, and the audit of them all with faults among them.

use super::guarded::Guarded;
use super::session::Session;
use super::{Shop, shop_name, sql};
use crate::{BenchError, Measure, median};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Plain read and audit take turns so many times; the medians count.
const ROUNDS: usize = 3;

/// Attaches and takes the first images, in this process.
pub fn baseline(shop: &Shop) -> Result<Vec<Measure>, BenchError> {
    let desk = shop.desk()?;
    desk.attach(&shop_name())?;
    shop.plain_read()?;
    let (plain, _) = shop.plain_read()?;
    let start = Instant::now();
    let done = desk.baseline(&shop_name(), false, &mut |_, _| {})?;
    let seconds = start.elapsed().as_secs_f64();
    desk.stop();
    if done.rows != shop.rows {
        let why = format!("the baseline took {} of {} rows", done.rows, shop.rows);
        return Err(BenchError::Unsound(why));
    }
    let rows = shop.rows as f64;
    let how = format!(
        "first images of {} rows of ten columns, judged, sealed, journaled, durable; machine: {}",
        shop.rows,
        shop.plain()
    );
    Ok(vec![
        Measure::new(shop.name("baseline"), rows / seconds, "per_s", how).beside(rows / plain),
    ])
}

/// Tampers, then audits and reads plainly in turn.
pub fn run(shop: &Shop, guarded: &Guarded) -> Result<Vec<Measure>, BenchError> {
    let faults = sql::faults(shop.rows);
    Session::open(&shop.server)?.run(&sql::tamper_all(shop.rows))?;
    let ids: BTreeSet<String> = faults.iter().map(|(id, _)| id.to_string()).collect();
    guarded.await_findings(&ids)?;
    let idle = guarded.memory()?.0;
    guarded.forget_peak()?;
    let mut plain = Samples::default();
    let mut audit = Samples::default();
    let mut ours = Vec::new();
    let mut named = Vec::new();
    for _ in 0..ROUNDS {
        let (wall, cpu) = shop.plain_read()?;
        plain.add(wall, cpu);
        let (began, cpu, own) = (Instant::now(), shop.server.cpu_s(), guarded.cpu_s());
        let report = guarded.audit()?;
        audit.add(began.elapsed().as_secs_f64(), shop.server.cpu_s() - cpu);
        ours.push(guarded.cpu_s() - own);
        named.push(well_named(&report, &faults, shop.rows)? as f64);
    }
    let memory = (idle, guarded.memory()?.1);
    let mut measures = compared(shop, plain.medians(), audit.medians());
    measures.push(
        Measure::new(
            shop.name("audit faults"),
            median(named),
            "count",
            "faults found with exactly the tampered column; machine: faults made",
        )
        .beside(sql::FAULTS as f64),
    );
    measures.push(Measure::new(
        shop.name("audit own CPU"),
        median(ours) * 1e6 / shop.rows as f64,
        "us",
        "CPU of the auditing process for a row",
    ));
    measures.push(Measure::new(
        shop.name("audit memory"),
        memory.1,
        "mib",
        format!(
            "most resident while it audits; {:.0} MiB of it before",
            memory.0
        ),
    ));
    Ok(measures)
}

/// Wall and server's CPU seconds of the audit beside those of the plain read.
fn compared(shop: &Shop, plain: (f64, f64), audit: (f64, f64)) -> Vec<Measure> {
    let rows = shop.rows as f64;
    let us = |seconds: f64| seconds * 1e6 / rows;
    vec![
        Measure::new(
            shop.name("audit"),
            audit.0,
            "s",
            format!(
                "{} rows against their lawful images, {} faults; machine: {}",
                shop.rows,
                sql::FAULTS,
                shop.plain()
            ),
        )
        .beside(plain.0),
        Measure::new(
            shop.name("audit rows"),
            rows / audit.0,
            "per_s",
            "the same as a rate",
        )
        .beside(rows / plain.0),
        Measure::new(
            shop.name("audit server CPU"),
            us(audit.1),
            "us",
            "CPU of the shop's server for a row; machine: of the plain read",
        )
        .beside(us(plain.1)),
    ]
}

/// Wall and CPU seconds of several rounds.
#[derive(Default)]
struct Samples {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Samples {
    fn add(&mut self, wall: f64, cpu: f64) {
        self.wall.push(wall);
        self.cpu.push(cpu);
    }
    fn medians(self) -> (f64, f64) {
        (median(self.wall), median(self.cpu))
    }
}

/// How many faults the report names with exactly their column. Anything else that it names is an
/// error: then the audit did something else.
fn well_named(report: &Value, faults: &[(u64, &str)], rows: u64) -> Result<usize, BenchError> {
    if report["rows"].as_u64() != Some(rows) {
        let why = format!("the audit looked at {} of {rows} rows", report["rows"]);
        return Err(BenchError::Unsound(why));
    }
    let expected: BTreeMap<String, &str> = faults
        .iter()
        .map(|(id, column)| (id.to_string(), *column))
        .collect();
    let mut right = 0;
    for found in report["discrepancies"].as_array().into_iter().flatten() {
        let key = found["key"].as_str().unwrap_or_default();
        let Some(column) = expected.get(key) else {
            let why = format!("the audit named a row that nobody tampered with: {key}");
            return Err(BenchError::Unsound(why));
        };
        let columns = found["columns"].as_array().into_iter().flatten();
        let columns: Vec<&str> = columns.filter_map(|c| c["name"].as_str()).collect();
        right += usize::from(columns == [*column]);
    }
    Ok(right)
}

#[cfg(test)]
mod tests {
    use super::well_named;
    use serde_json::json;

    #[test]
    fn a_fault_counts_with_its_own_column_only() {
        let faults = [(7, "total"), (8, "status")];
        let report = |columns: serde_json::Value, key: &str| {
            json!({ "rows": 10, "discrepancies": [
                { "key": "7", "columns": [{ "name": "total" }] }, { "key": key, "columns": columns },
            ] })
        };
        let status = json!([{ "name": "status" }]);
        let both = json!([{ "name": "status" }, { "name": "total" }]);
        assert_eq!(
            well_named(&report(status.clone(), "8"), &faults, 10).unwrap(),
            2
        );
        assert_eq!(well_named(&report(both, "8"), &faults, 10).unwrap(), 1);
        assert!(well_named(&report(status.clone(), "9"), &faults, 10).is_err());
        assert!(well_named(&report(status, "8"), &faults, 11).is_err());
    }
}
