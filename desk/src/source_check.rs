//! `source check`: connects, lists the tables with their policies, says all that is wrong at once.

use crate::DeskError;
use crate::config::Config;
use crate::open_source;
use connect::source::{Advice, GuardedTable, Source};
use detect::policy::Severity;
use model::{SourceName, SourcePolicy, TablePolicy, TableSchema};
use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub struct SourceReport {
    /// Product and version, as the server says it.
    pub server: String,
    /// Statements that give the watching account the least rights it needs.
    pub grants: Vec<String>,
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
    let mut source = settings.location().source()?;
    let schemas = source.tables()?;
    let policy = settings.policy();
    let mut report = SourceReport::default();
    examine(source.as_mut(), &policy, &schemas, &mut report)?;
    let logs = settings.audit_log.iter();
    (report.warnings).extend(logs.flat_map(|log| log.warnings()));
    let compiled = match detect::policy::compile_for(&policy, &schemas, settings.sees()) {
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
            rows: rows(source.as_mut(), schema, place.map(|(_, t)| t)),
            key: place.map(|(_, t)| t.key.clone()).unwrap_or_default(),
            personal,
        });
    }
    Ok(report)
}

/// What the server's settings and the account's rights say of the tables that can be guarded.
fn examine(
    source: &mut dyn Source,
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    report: &mut SourceReport,
) -> Result<(), DeskError> {
    // A table that the shop does not have is a problem of the policy, and is said there.
    let known = SourcePolicy {
        tables: (policy.tables.iter())
            .filter(|t| schemas.iter().any(|s| s.name == t.name))
            .cloned()
            .collect(),
        ..policy.clone()
    };
    let tables = open_source::guarded(&known, schemas).unwrap_or_default();
    let found = source.examine(&tables)?;
    let words = |advice: &Advice| format!("{}; {}", advice.what, advice.mend);
    report.server = found.server;
    report.grants = found.grants;
    report.problems.extend(found.problems.iter().map(words));
    report.warnings.extend(found.warnings.iter().map(words));
    Ok(())
}

/// Rows of a guarded table; 0 for others.
fn rows(source: &mut dyn Source, schema: &TableSchema, policy: Option<&TablePolicy>) -> u64 {
    let table = policy.and_then(|p| GuardedTable::new(schema.clone(), &p.key).ok());
    table.map_or(0, |table| source.estimate(&table).unwrap_or(0))
}
