//! `source check`: connects, lists the tables with their policies, says all that is wrong at once.

use crate::DeskError;
use crate::config::Config;
use connect::source::sqlite::{GuardedTable, SqliteSource};
use detect::policy::Severity;
use model::{SourceName, TableSchema};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct SourceReport {
    pub tables: Vec<TableReport>,
    /// With these the source cannot be guarded.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct TableReport {
    pub name: String,
    pub guarded: bool,
    pub rows: u64,
    pub key: Vec<String>,
    /// Columns that count as personal, declared or not.
    pub personal: Vec<String>,
}

pub fn check(config: &Config, name: &SourceName) -> Result<SourceReport, DeskError> {
    let settings = config
        .source
        .iter()
        .find(|s| s.name == *name)
        .ok_or_else(|| DeskError::UnknownSource(name.to_string()))?;
    let source = SqliteSource::open(&settings.path)?;
    let schemas = source.tables()?;
    let policy = settings.policy();
    let mut report = SourceReport {
        tables: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    if !source.is_wal()? {
        report.warnings.push(
            "the file is not in WAL mode: changes are found by comparing whole tables; `PRAGMA journal_mode=WAL` in the shop makes it cheap".into(),
        );
    }
    let compiled = match detect::policy::compile(&policy, &schemas) {
        Ok(compiled) => {
            report
                .warnings
                .extend(compiled.warnings().iter().map(ToString::to_string));
            Some(compiled)
        }
        Err(problems) => {
            for problem in problems {
                let into = match problem.severity() {
                    Severity::Problem => &mut report.problems,
                    Severity::Warning => &mut report.warnings,
                };
                into.push(problem.to_string());
            }
            None
        }
    };
    for check in &settings.check {
        if let Err(error) = source.check(&check.sql) {
            report.problems.push(format!(
                "check `{}`: {}",
                check.name,
                crate::error::chain(&error)
            ));
        }
    }
    for schema in &schemas {
        let place = policy.table(&schema.name);
        let personal =
            place
                .zip(compiled.as_ref())
                .map_or_else(Vec::new, |((number, _), compiled)| {
                    compiled
                        .personal_columns(number)
                        .iter()
                        .map(|c| schema.name_of(*c).to_owned())
                        .collect()
                });
        report.tables.push(TableReport {
            name: schema.name.clone(),
            guarded: place.is_some(),
            rows: rows(&source, schema, place.map(|(_, t)| t.key.as_slice())),
            key: place.map(|(_, t)| t.key.clone()).unwrap_or_default(),
            personal,
        });
    }
    Ok(report)
}

/// Rows of a guarded table that can be read; 0 for others.
fn rows(source: &SqliteSource, schema: &TableSchema, key: Option<&[String]>) -> u64 {
    let Some(table) = key.and_then(|key| GuardedTable::new(schema.clone(), key).ok()) else {
        return 0;
    };
    source
        .scan_borrowed(0, &table, &mut |_, _| Ok(()))
        .map_or(0, |report| report.rows)
}
