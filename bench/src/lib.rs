//! What `balefire bench` measures: each rate beside the machine's own limit, taken in the same run.
//!
//! Deliberately not here: thresholds that pass or fail. Numbers are printed, people judge.

mod audit;
mod commands;
mod error;
mod history;
mod ingest;
mod limits;
mod memory;
mod processes;
mod real_shop;
mod server;
mod servers;
mod story;
pub mod table;
mod workload;

pub use error::BenchError;

use real_shop::Size;
use serde::Serialize;
use servers::Kind;
use std::path::Path;
use std::time::Duration;
use story::Story;
use workload::BATCH;

/// What can be asked for.
pub const NAMES: [&str; 12] = [
    "limits",
    "ingest",
    "verify",
    "audit",
    "commands",
    "detection",
    "pages",
    "start",
    "memory",
    "history",
    "postgres",
    "mariadb",
];

/// What to measure.
#[derive(Clone, Debug, Default)]
pub struct BenchOptions {
    /// Some of [`NAMES`]; empty: all.
    pub only: Vec<String>,
    pub quick: bool,
    /// Rows of the shops on real servers; by `quick` when absent.
    pub rows: Option<u64>,
}

impl BenchOptions {
    fn wants(&self, names: &[&str]) -> bool {
        self.only.is_empty() || self.only.iter().any(|o| names.contains(&o.as_str()))
    }
    fn size<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
    fn check(&self) -> Result<(), BenchError> {
        match self.only.iter().find(|o| !NAMES.contains(&o.as_str())) {
            Some(wanted) => Err(BenchError::Unknown {
                wanted: wanted.clone(),
                known: NAMES.join(", "),
            }),
            None => Ok(()),
        }
    }
}

/// Measures in a throwaway folder below the present one, so that its disk is the one measured.
pub fn run(options: &BenchOptions) -> Result<Vec<Measure>, BenchError> {
    options.check()?;
    let here = Path::new(".").canonicalize()?;
    if limits::lies_in_memory(&here)? {
        return Err(BenchError::InMemory);
    }
    let folder = tempfile::Builder::new()
        .prefix("balefire-bench-")
        .tempdir_in(&here)?;
    let at = |name: &str| folder.path().join(name);
    let mut measures = Vec::new();
    if options.wants(&["limits", "ingest", "verify"]) {
        measures.append(&mut journal(options, folder.path())?);
    }
    if options.wants(&["audit"]) {
        measures.append(&mut audit::run(
            &at("audit"),
            options.size(200_000, 20_000),
        )?);
    }
    if options.wants(&["commands"]) {
        measures.append(&mut commands::run(&at("commands"), options.size(150, 20))?);
    }
    if options.wants(&["detection", "pages", "start", "memory"]) {
        let story = Story::begin(&at("story"), options.size(20_000, 2_000))?;
        if options.wants(&["detection"]) {
            measures.append(&mut story.detection(options.size(200, 20))?);
        }
        if options.wants(&["pages"]) {
            measures.append(&mut story.pages(options.size(250, 25))?);
        }
        let ended = story.end(at("served"))?;
        if options.wants(&["start", "memory"]) {
            measures.append(&mut server::run(&ended, options.size(50, 5))?);
        }
    }
    // Gigabytes and minutes: only where it is asked for.
    if options.only.iter().any(|only| only == "history") {
        let size = history::Size {
            incidents: options.size(100_000, 2_000),
            findings_each: 10,
            facts_each: 50,
        };
        measures.append(&mut history::run(&at("history"), size)?);
    }
    for kind in [Kind::Postgres, Kind::Mariadb] {
        if options.wants(&[kind.name()]) {
            let size = Size {
                rows: options.rows.unwrap_or(options.size(5_000_000, 200_000)),
                backlog: options.size(300_000, 50_000),
                trade: options.size(Duration::from_secs(20), Duration::from_secs(5)),
            };
            measures.append(&mut real_shop::run(kind, &at(kind.name()), size)?);
        }
    }
    Ok(measures)
}

/// The machine's limits, the ingest beside them, and the verification of what it wrote.
fn journal(options: &BenchOptions, folder: &Path) -> Result<Vec<Measure>, BenchError> {
    let sha256 = limits::sha256_entries_per_s(options.size(2_000_000, 200_000));
    let fsync = limits::fsync_entries_per_s(folder, BATCH, options.size(100, 20))?;
    let mut measures = vec![
        Measure::new(
            "sha256",
            sha256,
            "per_s",
            "leaf and node hashes of 600-byte entries, one core",
        ),
        Measure::new(
            "fsync",
            fsync,
            "per_s",
            format!("600-byte entries written and fdatasynced by {BATCH}"),
        ),
    ];
    if options.wants(&["ingest", "verify"]) {
        let batches = options.size(64, 12);
        let (mut ingest, written) =
            ingest::run(&folder.join("ingest"), batches, sha256.min(fsync))?;
        if options.wants(&["ingest"]) {
            measures.append(&mut ingest);
        }
        if options.wants(&["verify"]) {
            measures.append(&mut ingest::verify(&written, sha256)?);
        }
    }
    Ok(measures)
}

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// For example `ingest`.
    pub name: String,
    /// `None`: it could not be measured; [`Measure::how`] says why.
    pub value: Option<f64>,
    /// `per_s`, `per_cpu_s`, `us`, `ms`, `s`, `mib`, `count`
    pub unit: &'static str,
    /// The machine's own limit for the same work, in the same unit and run.
    pub limit: Option<f64>,
    /// `value / limit`.
    pub ratio: Option<f64>,
    /// What was done, in a few words.
    pub how: String,
}

impl Measure {
    pub fn new(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        how: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            value: Some(value),
            unit,
            limit: None,
            ratio: None,
            how: how.into(),
        }
    }
    /// What was asked for and could not be measured here.
    pub fn missing(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: None,
            unit: "",
            limit: None,
            ratio: None,
            how: why.into(),
        }
    }
    /// The same with the machine's limit beside it.
    pub fn beside(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self.ratio = self.value.filter(|_| limit > 0.0).map(|v| v / limit);
        self
    }
}

/// Percentile of sorted samples by the nearest-rank method; 0 when there is none.
pub fn percentile(sorted: &[f64], p: f64) -> f64 {
    let rank = ((p / 100.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    percentile(&samples, 50.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&samples, 50.0), 50.0);
        assert_eq!(percentile(&samples, 99.0), 99.0);
        assert_eq!(percentile(&samples[..1], 99.0), 1.0);
        assert_eq!(percentile(&[], 99.0), 0.0);
    }

    #[test]
    fn an_unknown_measurement_is_refused_with_those_that_exist() {
        let options = BenchOptions {
            only: vec!["speed".into()],
            quick: true,
            rows: None,
        };
        let error = run(&options).map(drop).unwrap_err().to_string();
        assert!(
            error.contains("speed") && error.contains("ingest"),
            "{error}"
        );
    }
}
