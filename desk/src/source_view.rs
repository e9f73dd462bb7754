//! What the Sources page shows of a source: how it is set, how far it was read, and the changes
//! that nobody witnessed. Not here: the days (`daybook`), audits (`audit_turns`), windows.

use crate::config::SourceKind;
use crate::view::{FindingFilter, SourceStatus};
use crate::{Desk, DeskError, resume};
use connect::source::address::OnFull;
use model::{Finding, FindingId, FindingKind, SourceName};
use serde::Serialize;

/// Findings looked through for one page of unwitnessed ones.
const LOOKED_THROUGH: u32 = 1_000;

/// A source as it is set and as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceView {
    pub name: SourceName,
    pub status: SourceStatus,
    /// Findings are stored and listed, but nobody is called.
    pub shadow: bool,
    /// The shop stamps its transactions; `None`: a file carries no stamps.
    pub stamps: Option<bool>,
    pub tables: Vec<String>,
    /// Where in the source's log everything before is durable here, as the server's people write it.
    pub position: Option<String>,
    /// Log that the server may keep for a guard that is behind; where the source bounds it.
    pub most_retained_bytes: Option<u64>,
    /// Beyond the bound the log is kept and warned of, instead of let go.
    pub keeps_when_full: bool,
}

/// A page of changes that keep to the policy but happened while nobody looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnwitnessedPage {
    /// Oldest first.
    pub findings: Vec<Finding>,
    /// Where the next page goes on.
    pub next: Option<FindingId>,
}

impl Desk {
    /// All sources, in the order of the configuration.
    pub fn source_views(&self) -> Result<Vec<SourceView>, DeskError> {
        let states = self.sources();
        let all = self.config().source.iter().zip(states);
        all.map(|(config, status)| {
            let [(mark, _), _] = resume::marks(&config.name, 0, 0);
            let server = config.kind != SourceKind::Sqlite;
            let position = self.store().mark(&mark)?;
            Ok(SourceView {
                position: position.and_then(|p| position_text(config.kind, p)),
                shadow: config.shadow,
                stamps: server.then_some(config.stamp.is_some()),
                tables: config.table.iter().map(|t| t.name.clone()).collect(),
                // Only a slot of PostgreSQL holds log back; a binlog goes by the server's own clock.
                most_retained_bytes: (config.kind == SourceKind::Postgres)
                    .then_some(config.max_retained_mib.saturating_mul(1 << 20)),
                keeps_when_full: config.on_full == OnFull::Keep,
                name: config.name.clone(),
                status,
            })
        })
        .collect()
    }

    /// Changes of a source that nobody witnessed; a page has as many as stand among the next
    /// thousand findings.
    pub fn unwitnessed(&self, source: &SourceName, after: Option<FindingId>) -> UnwitnessedPage {
        let filter = FindingFilter {
            source: Some(source.clone()),
            after,
            limit: LOOKED_THROUGH,
            ..FindingFilter::default()
        };
        let mut findings = self.findings(&filter);
        let full = findings.len() >= LOOKED_THROUGH as usize;
        let next = findings.last().filter(|_| full).map(|f| f.id.clone());
        findings.retain(|f| f.kind == FindingKind::Unwitnessed);
        UnwitnessedPage { findings, next }
    }
}

/// A position packs two numbers of 32 bits: PostgreSQL's LSN, MySQL's binlog file and offset.
fn position_text(kind: SourceKind, position: u64) -> Option<String> {
    let (high, low) = (position >> 32, position & u64::from(u32::MAX));
    match kind {
        SourceKind::Postgres => Some(format!("{high:X}/{low:X}")),
        SourceKind::Mysql => Some(format!("{high:06}:{low}")),
        SourceKind::Sqlite => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_written_as_the_server_writes_it() {
        let position = 0x0000_0001_016B_3748;
        let text = |kind| position_text(kind, position);
        assert_eq!(text(SourceKind::Postgres).as_deref(), Some("1/16B3748"));
        assert_eq!(text(SourceKind::Mysql).as_deref(), Some("000001:23803720"));
        assert_eq!(text(SourceKind::Sqlite), None);
    }
}
