//! Opening a source: its policy held against its schema, its ledger with index and sealer, its feed.

use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::resume::Resumed;
use crate::server_log::ServerLog;
use crate::stamps::Stamps;
use crate::{Desk, DeskError};
use connect::source::{Feed, GuardedTable};
use detect::policy::CompiledPolicy;
use journal::index::ImageIndex;
use model::entry::LedgerEntry;
use model::policy::Sees;
use model::{SourceName, SourcePolicy, TableSchema};
use recover::seal::{RowSealer, SealTable};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Arc, PoisonError};

pub(crate) struct Opened {
    pub intake: Intake,
    pub feed: Box<dyn Feed>,
    pub resumed: Resumed,
    pub tables: Arc<Vec<GuardedTable>>,
    pub stamps: Stamps,
    pub log: Option<ServerLog>,
    /// Ledger entries that the index covers.
    pub covered: u64,
}

/// Which schema the shop may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The columns that the images were taken with.
    OfBaseline,
    /// Whatever there is: the images are about to be taken anew.
    Any,
}

/// What a schema entry of the ledger says: how to read the rows that point to it.
#[derive(Serialize, Deserialize)]
struct SchemaEntry {
    source: SourceName,
    tables: Vec<TableSchema>,
    policy: SourcePolicy,
}

fn mark_schema(source: &SourceName) -> String {
    format!("schema/{source}")
}
impl Desk {
    pub(crate) fn open_source(
        &self,
        name: &SourceName,
        allowed: Schema,
    ) -> Result<Opened, DeskError> {
        let config = self.source_config(name)?;
        let policy = config.policy();
        let location = config.location();
        let schemas = location.source()?.tables()?;
        let compiled = compile(name, &policy, &schemas, config.sees())?;
        let tables = guarded(&policy, &schemas)?;
        let stamps = Stamps::of_source(config)?;
        let log = ServerLog::of_source(config)?;
        let (mut ledger, covered) = self.open_ledger(name, sealer(self, &tables, &compiled))?;
        let mut open_feed = || {
            ledger.schema_entry =
                self.schema_entry(name, &mut ledger, &policy, &tables, allowed)?;
            let resumed = match (config.sees(), allowed) {
                (Sees::Transactions, Schema::OfBaseline) => self.resumed(name, &ledger)?,
                _ => Resumed::default(),
            };
            Ok((location.feed(tables.clone(), resumed.position)?, resumed))
        };
        match open_feed() {
            Ok((feed, resumed)) => Ok(Opened {
                intake: Intake::new(ledger, compiled),
                feed,
                resumed,
                tables: Arc::new(tables),
                stamps,
                log,
                covered,
            }),
            // The next attempt finds the log where this one has taken it from.
            Err(error) => self.give_back(name, ledger).and(Err(error)),
        }
    }

    /// The source's log with its index; how many entries the index covers.
    fn open_ledger(
        &self,
        name: &SourceName,
        sealer: RowSealer,
    ) -> Result<(Ledger, u64), DeskError> {
        let number = self.source_number(name)?;
        let log = self
            .inner
            .ledgers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
        let log = log.ok_or_else(|| {
            DeskError::GuardStopped(format!(
                "the ledger of `{name}` is in use; start Balefire again"
            ))
        })?;
        let folder = self
            .folder()
            .journal()
            .join("index")
            .join(number.to_string());
        let (index, covered) = open_index(&folder, self, log.size())?;
        let keys = Arc::clone(&self.inner.subject_keys);
        let name = format!("ledger/{number}");
        Ok((
            Ledger::new(name, log, index, Arc::new(sealer), keys),
            covered,
        ))
    }

    /// The schema entry in force: the one marked if it still holds, else a new one.
    fn schema_entry(
        &self,
        name: &SourceName,
        ledger: &mut Ledger,
        policy: &SourcePolicy,
        tables: &[GuardedTable],
        allowed: Schema,
    ) -> Result<u64, DeskError> {
        let entry = SchemaEntry {
            source: name.clone(),
            tables: tables.iter().map(|t| t.schema.clone()).collect(),
            policy: policy.clone(),
        };
        let json = serde_json::to_vec(&entry)?;
        let marked = self.store().mark(&mark_schema(name))?;
        if let Some(at) = marked.filter(|at| *at < ledger.reader.size())
            && let LedgerEntry::Schema(known) = LedgerEntry::decode(&ledger.reader.entry(at)?)?
        {
            if known == json {
                return Ok(at);
            }
            if allowed == Schema::OfBaseline {
                same_columns(&serde_json::from_slice(&known)?, &entry)?;
            }
        }
        let at = ledger.push(&LedgerEntry::Schema(json))?;
        ledger.settle()?;
        self.store_mark(&mark_schema(name), at)?;
        Ok(at)
    }
}

/// The policy's tables as the shop has them, in the policy's order.
pub(crate) fn guarded(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
) -> Result<Vec<GuardedTable>, DeskError> {
    let mut tables = Vec::with_capacity(policy.tables.len());
    for table in &policy.tables {
        let schema = schemas.iter().find(|s| s.name == table.name);
        let schema = schema.ok_or_else(|| connect::ConnectError::TableMissing {
            table: table.name.clone(),
        })?;
        tables.push(GuardedTable::new(schema.clone(), &table.key)?);
    }
    Ok(tables)
}

/// A damaged index, or one ahead of its ledger, is made again from the ledger.
fn open_index(folder: &Path, desk: &Desk, size: u64) -> Result<(ImageIndex, u64), DeskError> {
    std::fs::create_dir_all(folder).map_err(|e| DeskError::file(folder, e))?;
    match ImageIndex::open(folder, Arc::clone(&desk.inner.key)) {
        Ok((index, covered)) if covered <= size => Ok((index, covered)),
        Ok(_) | Err(_) => {
            tracing::warn!(folder = %folder.display(), "the image index is made again from the ledger");
            Ok((ImageIndex::reset(folder, Arc::clone(&desk.inner.key))?, 0))
        }
    }
}

fn sealer(desk: &Desk, tables: &[GuardedTable], policy: &CompiledPolicy) -> RowSealer {
    let seal_tables = tables
        .iter()
        .zip(policy.tables())
        .map(|(guarded, compiled)| {
            SealTable::new(
                &guarded.schema,
                compiled.key(),
                compiled.personal(),
                compiled.subject(),
            )
        });
    let keys = desk
        .inner
        .subject_keys
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    RowSealer::new(keys.reader(), desk.inner.index_key, seal_tables.collect())
}

fn compile(
    name: &SourceName,
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    sees: Sees,
) -> Result<Arc<CompiledPolicy>, DeskError> {
    detect::policy::compile_for(policy, schemas, sees).map_err(|problems| DeskError::Policy {
        source_name: name.to_string(),
        problems: problems
            .iter()
            .map(|p| format!("  {p}"))
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

/// A guarded table whose columns changed cannot be compared with its images.
fn same_columns(known: &SchemaEntry, present: &SchemaEntry) -> Result<(), DeskError> {
    // Images are kept under the tables' numbers.
    for (i, table) in known.tables.iter().enumerate() {
        if present.tables.get(i).is_none_or(|t| t.name != table.name) {
            return Err(DeskError::SchemaChanged {
                table: table.name.clone(),
                detail: "keep the tables of a source in their order and add new ones at the end"
                    .into(),
            });
        }
    }
    for table in &present.tables {
        let before = known.tables.iter().find(|t| t.name == table.name);
        if let Some(before) = before.filter(|b| b.columns != table.columns) {
            let names = |t: &TableSchema| {
                t.columns
                    .iter()
                    .map(|c| c.name.clone())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            return Err(DeskError::SchemaChanged {
                table: table.name.clone(),
                detail: format!("it had {}; it has {}", names(before), names(table)),
            });
        }
    }
    Ok(())
}
