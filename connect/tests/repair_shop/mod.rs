//! A real shop with its lawful rows, what was done to it, and the repair of that.

use connect::repair::{Applied, RepairError, RepairLimits, apply};
use connect::source::address::OnFull;
use connect::source::{GuardedTable, Location, ServerAddress, Source, TlsMode};
use model::{Dialect, Instant, Key, ProposalId, RepairProposal, Row, SourcePolicy, TablePolicy};
use recover::{
    DiscrepancyKind, ProposalLimits, ProposalRequest, Proposed, RowToRepair, SealTable,
    UndoRequest, propose_for,
};
use std::collections::BTreeMap;
use std::path::Path;

pub type Rows = BTreeMap<(u16, Key), Row>;

pub fn address(folder: &Path, url: &str) -> ServerAddress {
    ServerAddress {
        url_file: testkit::write_url_file(folder, url),
        tls: TlsMode::Off,
        ca_file: None,
        slot: "balefire".into(),
        max_retained_mib: 64,
        on_full: OnFull::LetGo,
    }
}

pub struct Shop {
    pub writer: Location,
    pub dialect: Dialect,
    pub policy: SourcePolicy,
    source: Box<dyn Source>,
    tables: Vec<GuardedTable>,
    _folder: tempfile::TempDir,
}

pub fn table(name: &str, key: &[&str]) -> TablePolicy {
    TablePolicy {
        name: name.into(),
        key: key.iter().map(|k| (*k).to_owned()).collect(),
        ..TablePolicy::default()
    }
}

impl Shop {
    /// `url`: of a server, or the path of a file.
    pub fn new(dialect: Dialect, url: &str, tables: Vec<TablePolicy>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = || address(folder.path(), url);
        let writer = match dialect {
            Dialect::Postgres => Location::Postgres(address()),
            Dialect::Mysql => Location::Mysql(address()),
            Dialect::Sqlite => Location::Sqlite { path: url.into() },
        };
        let mut source = writer.source().unwrap();
        let schemas = source.tables().unwrap();
        let guarded = tables.iter().map(|policy| {
            let schema = schemas.iter().find(|s| s.name == policy.name);
            let schema = schema.unwrap_or_else(|| panic!("{} in {schemas:?}", policy.name));
            GuardedTable::new(schema.clone(), &policy.key).unwrap()
        });
        Self {
            tables: guarded.collect(),
            writer,
            dialect,
            source,
            policy: SourcePolicy {
                source: "shop".into(),
                tables,
                checks: Vec::new(),
            },
            _folder: folder,
        }
    }

    pub fn rows(&mut self) -> Rows {
        let mut rows = Rows::new();
        let mut take = |table, key: &Key, row: &Row| {
            rows.insert((table, key.clone()), row.clone());
            Ok(())
        };
        self.source.scan_all(&self.tables, &mut take).unwrap();
        rows
    }

    /// What is not as it was.
    pub fn harm(&mut self, lawful: &Rows) -> Vec<RowToRepair> {
        let live = self.rows();
        let mut keys: Vec<_> = lawful.keys().chain(live.keys()).collect();
        keys.sort();
        keys.dedup();
        let row = |place: &&(u16, Key)| {
            let (live, lawful) = (live.get(*place).cloned(), lawful.get(*place).cloned());
            let kind = match (&live, &lawful) {
                (Some(live), Some(lawful)) if live == lawful => return None,
                (Some(_), Some(_)) => DiscrepancyKind::Altered,
                (Some(_), None) => DiscrepancyKind::Forged,
                _ => DiscrepancyKind::Deleted,
            };
            Some(RowToRepair {
                table: place.0,
                key: place.1.clone(),
                kind,
                live,
                lawful,
                position: 1,
            })
        };
        keys.iter().filter_map(row).collect()
    }

    fn schemas(&self) -> Vec<model::TableSchema> {
        self.tables.iter().map(|t| t.schema.clone()).collect()
    }

    pub fn proposed(&self, rows: &[RowToRepair]) -> Proposed {
        let schemas = self.schemas();
        let seal = self.tables.iter();
        let seal: Vec<_> = seal
            .map(|t| SealTable::new(&t.schema, &t.key.0, &[], None))
            .collect();
        let request = ProposalRequest {
            id: &ProposalId::from("p-1"),
            policy: &self.policy,
            schemas: &schemas,
            tables: &seal,
            made_at: Instant(0),
            ledger_size: 1,
            limits: ProposalLimits { max_rows: 1_000 },
        };
        propose_for(self.dialect, &request, rows).unwrap()
    }

    /// The repair of all that is not as it was; nothing of it needs a person.
    pub fn proposal(&mut self, lawful: &Rows) -> RepairProposal {
        let harm = self.harm(lawful);
        let proposed = self.proposed(&harm);
        assert_eq!(proposed.needs_person, Vec::new());
        // As it is stored between proposal and approval.
        let stored = serde_json::to_string(&proposed.proposal).unwrap();
        let read: RepairProposal = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.digest(), proposed.proposal.digest());
        read
    }

    pub fn undo(&self, applied: &RepairProposal) -> RepairProposal {
        let request = UndoRequest {
            id: &ProposalId::from("p-2"),
            policy: &self.policy,
            schemas: &self.schemas(),
            made_at: Instant(1),
            ledger_size: 2,
        };
        recover::undo(&request, applied).unwrap()
    }

    pub fn apply(&self, proposal: &RepairProposal) -> Result<Applied, RepairError> {
        self.apply_with(proposal, &RepairLimits::default())
    }

    pub fn apply_with(
        &self,
        proposal: &RepairProposal,
        limits: &RepairLimits,
    ) -> Result<Applied, RepairError> {
        apply(&self.writer, proposal, limits, false)
    }

    /// Refused, with these words; and nothing of it was written.
    #[track_caller]
    pub fn refuses(&mut self, proposal: &RepairProposal, limits: &RepairLimits, words: &str) {
        let before = self.rows();
        let error = self.apply_with(proposal, limits).unwrap_err();
        let said = told(&error);
        assert!(said.contains(words), "{said}");
        assert_eq!(self.rows(), before, "{said}");
    }
}

/// An error with its causes.
pub fn told(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}
