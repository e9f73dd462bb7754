//! What `balefire bench` measures: each rate beside the machine's own limit, taken in the same run.
//!
//! Deliberately not here: thresholds that pass or fail. Numbers are printed, people judge.

pub mod limits;
pub mod memory;
pub mod table;

use serde::Serialize;

/// What to measure.
#[derive(Clone, Debug, Default)]
pub struct BenchOptions {
    /// Names of measurements; empty: all.
    pub only: Vec<String>,
    pub quick: bool,
}

pub fn run(_options: &BenchOptions) -> Result<Vec<Measure>, std::io::Error> {
    Ok(Vec::new())
}

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// For example `ingest`.
    pub name: &'static str,
    pub value: f64,
    /// `per_s`, `ms`, `mb`, `s`, `per_cpu_s`
    pub unit: &'static str,
    /// The machine's own limit for the same work, in the same unit and run.
    pub limit: Option<f64>,
    /// `value / limit` (or its inverse for times).
    pub ratio: Option<f64>,
    /// What was done, in a few words.
    pub how: String,
}

impl Measure {
    pub fn new(name: &'static str, value: f64, unit: &'static str, how: impl Into<String>) -> Self {
        Self { name, value, unit, limit: None, ratio: None, how: how.into() }
    }
    /// The same with the machine's limit beside it.
    pub fn beside(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self.ratio = (limit > 0.0).then(|| self.value / limit);
        self
    }
}

/// Percentile of sorted samples by the nearest-rank method; 0 when there is none.
pub fn percentile(sorted: &[f64], p: f64) -> f64 {
    let rank = ((p / 100.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
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
}
