//! Expected writers: a change by an account or program that nobody named is a finding by itself,
//! whatever it touched. It rests on the server's log and on nothing else.

use crate::DeskError;
use crate::config::SourceConfig;
use crate::guard::Guard;
use crate::server_log::Named;
use model::entry::LedgerEntry;
use model::{Finding, FindingKind, Instant, LoggedWriter, Risk, Verdict};
use serde::Deserialize;
use std::collections::HashSet;

const RULE: &str = "writer";
/// A writer is told again after so long; until then its changes add nothing to the finding.
const AGAIN_S: i64 = 3_600;
/// Different writers within that time; more are not told.
const MOST_TOLD: usize = 1_000;

/// `[source.writers]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WritersConfig {
    /// Accounts that write lawfully; any when empty.
    pub roles: Vec<String>,
    /// What lawful programs call themselves; anything when empty.
    pub applications: Vec<String>,
}

impl WritersConfig {
    pub(crate) fn problem(&self, log: bool) -> Option<&'static str> {
        match (log, self.roles.is_empty() && self.applications.is_empty()) {
            (false, _) => Some("needs [source.audit_log], which tells who writes"),
            (_, true) => Some("names no `roles` and no `applications`"),
            _ => None,
        }
    }

    fn expects(&self, writer: &LoggedWriter) -> bool {
        let named = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
        let application = writer.application.as_deref().unwrap_or_default();
        named(&self.roles, &writer.role) && named(&self.applications, application)
    }
}

/// The list, and whom it has told of already.
pub(crate) struct ExpectedWriters {
    config: WritersConfig,
    hour: i64,
    told: HashSet<String>,
}

impl ExpectedWriters {
    pub fn of_source(config: &SourceConfig) -> Option<Self> {
        Some(Self {
            config: config.writers.clone()?,
            hour: 0,
            told: HashSet::new(),
        })
    }

    /// What is to be said of this writer; `None`: it is expected, or was told in this hour.
    fn foreign(&mut self, writer: &LoggedWriter, now: Instant) -> Option<String> {
        if self.config.expects(writer) {
            return None;
        }
        let hour = now.0.div_euclid(AGAIN_S * 1_000_000);
        if hour != self.hour {
            self.hour = hour;
            self.told.clear();
        }
        let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".into());
        let (application, address) = (or_none(&writer.application), or_none(&writer.address));
        let host = address
            .rsplit_once(':')
            .map_or(address.as_str(), |(host, _)| host);
        let who = format!(
            "{}, {application}, {host} (server's log, not proven)",
            writer.role
        );
        let new = self.told.len() < MOST_TOLD && self.told.insert(who.clone());
        new.then_some(who)
    }
}

impl Guard {
    /// Findings of writers that nobody expects; what they wrote is marked as found.
    pub fn foreign_writers(
        &mut self,
        named: &mut [Named],
        now: Instant,
    ) -> Result<Vec<Finding>, DeskError> {
        let mut found = Vec::new();
        for named in named {
            let expected = self.expected_writers.as_mut();
            let Some(who) = expected.and_then(|e| e.foreign(&named.writer, now)) else {
                continue;
            };
            let bytes = self.intake.ledger.reader.entry(named.entry)?;
            let LedgerEntry::Row(row) = LedgerEntry::decode(&bytes)? else {
                continue;
            };
            named.found = true;
            let ledger = &self.intake.ledger.name;
            let table = self.tables.get(usize::from(row.table));
            found.push(Finding {
                id: Finding::derive_id(&self.intake.policy.digest(), ledger, named.entry, RULE),
                risk: Risk::R3,
                kind: FindingKind::CheckFailed,
                rule: RULE.to_owned(),
                source: self.source.clone(),
                table: table.map_or_else(String::new, |t| t.schema.name.clone()),
                key: row.key.to_string(),
                columns: Vec::new(),
                verdict: Verdict::Unlawful,
                log: ledger.clone(),
                position: named.entry,
                seen_at: row.at,
                stored_at: now,
                at_risk: None,
                subject: None,
                witnessed: row.witnessed,
                coalesced: row.coalesced,
                detail: who,
            });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(role: &str, application: Option<&str>) -> LoggedWriter {
        LoggedWriter {
            role: role.into(),
            application: application.map(str::to_owned),
            address: Some("10.0.0.9:4711".into()),
            session: String::new(),
            logged_at: String::new(),
        }
    }

    #[test]
    fn who_is_on_no_list_is_told_once_an_hour() {
        let mut expected = ExpectedWriters {
            config: WritersConfig {
                roles: vec!["shop".into()],
                applications: vec!["checkout".into(), "jobs".into()],
            },
            hour: 0,
            told: HashSet::new(),
        };
        let at = |s| Instant::from_secs(1_800_000_000 + s);
        let mut told = |w: &LoggedWriter, s| expected.foreign(w, at(s));
        assert_eq!(told(&writer("shop", Some("jobs")), 0), None);
        let dba = writer("dba", Some("jobs"));
        let who = told(&dba, 0).unwrap();
        assert!(who.starts_with("dba, jobs, 10.0.0.9 ("), "{who}");
        assert_eq!(told(&dba, 60), None);
        assert!(told(&dba, 2 * AGAIN_S).is_some());
        assert!(told(&writer("shop", None), 0).is_some());
    }
}
