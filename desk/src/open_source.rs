//! Opening a source: its policy held against its schema, its ledger with index and sealer, its feed.

pub(crate) mod reshape;

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
use reshape::{History, Reshape, mark_settled};
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
    /// The tables have changed since every row was looked at.
    pub reshape: Option<Reshape>,
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
    /// By table: whether any of its columns is sealed.
    #[serde(default)]
    personal: Vec<bool>,
    /// The schema entry that was in force before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

impl SchemaEntry {
    fn new(
        source: &SourceName,
        policy: SourcePolicy,
        tables: &[GuardedTable],
        compiled: &CompiledPolicy,
    ) -> Self {
        let sealed = |table| !compiled.personal_columns(table).is_empty();
        Self {
            source: source.clone(),
            personal: (0..tables.len() as u16).map(sealed).collect(),
            tables: tables.iter().map(|t| t.schema.clone()).collect(),
            policy,
            before: None,
        }
    }

    /// Says the same of the tables and the policy.
    fn is_as(&self, other: &Self) -> bool {
        (&self.source, &self.tables, &self.policy, &self.personal)
            == (&other.source, &other.tables, &other.policy, &other.personal)
    }
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
        let location = config.location();
        let schemas = location.source()?.tables()?;
        let history = self.history(name)?;
        // A feed of states stops at every change of its tables.
        let goes_on = config.sees() == Sees::Transactions && allowed == Schema::OfBaseline;
        let policy = match goes_on {
            true => history.without_gone(config.policy(), &schemas),
            false => config.policy(),
        };
        let compiled = compile(name, &policy, &schemas, config.sees())?;
        let tables = guarded(&policy, &schemas)?;
        let stamps = Stamps::of_source(config)?;
        let log = ServerLog::of_source(config)?;
        let present = SchemaEntry::new(name, policy, &tables, &compiled);
        if let Some(known) = history.newest().filter(|_| allowed == Schema::OfBaseline) {
            may_go_on(known, &present, &tables, goes_on)?;
        }
        let settled = self.settled(name)?;
        let reshape = history.since(settled, &present).filter(|_| goes_on);
        let sealer = sealer(self, &tables, &compiled).with_older(history.older(&present.tables));
        // Digests of another shape are worth nothing: the ledger tells what they are in this one.
        let anew = reshape.as_ref().is_some_and(|r| r.images_read_otherwise);
        let (mut ledger, covered) = self.open_ledger(name, sealer, anew)?;
        let mut present = Some(present);
        let mut open_feed = || {
            if let Some(present) = present.take() {
                ledger.schema_entry = self.schema_entry(name, &mut ledger, present, settled)?;
            }
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
                reshape,
            }),
            // The next attempt finds the log where this one has taken it from.
            Err(error) => self.give_back(name, ledger).and(Err(error)),
        }
    }

    /// Whether a guard would go on with the tables as the shop has them now, and what became of them.
    pub(crate) fn can_go_on(&self, name: &SourceName) -> Result<Option<Reshape>, DeskError> {
        let config = self.source_config(name)?;
        let schemas = config.location().source()?.tables()?;
        let history = self.history(name)?;
        let policy = history.without_gone(config.policy(), &schemas);
        let compiled = compile(name, &policy, &schemas, config.sees())?;
        let tables = guarded(&policy, &schemas)?;
        let present = SchemaEntry::new(name, policy, &tables, &compiled);
        if let Some(known) = history.newest() {
            may_go_on(known, &present, &tables, true)?;
        }
        Ok(history.since(self.settled(name)?, &present))
    }

    /// The schema entries that the source's ledger holds.
    fn history(&self, name: &SourceName) -> Result<History, DeskError> {
        let marked = self.store().mark(&mark_schema(name))?;
        let log = format!("ledger/{}", self.source_number(name)?);
        match self.log_reader(&log) {
            Some(reader) => History::read(&reader, marked),
            None => Ok(History::default()),
        }
    }

    /// The schema entry in whose shape every row was looked at.
    fn settled(&self, name: &SourceName) -> Result<Option<u64>, DeskError> {
        let settled = self.store().mark(&mark_settled(name))?;
        Ok(settled.or(self.store().mark(&mark_schema(name))?))
    }

    /// The source's log with its index; how many entries the index covers.
    fn open_ledger(
        &self,
        name: &SourceName,
        sealer: RowSealer,
        anew: bool,
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
        let (index, covered) = open_index(&folder, self, log.size(), anew)?;
        let keys = Arc::clone(&self.inner.subject_keys);
        let name = format!("ledger/{number}");
        Ok((
            Ledger::new(name, log, index, Arc::new(sealer), keys),
            covered,
        ))
    }

    /// The schema entry in force: the one marked if it still holds, else a new one. `settled` goes
    /// on standing until every row was looked at in the new one's shape.
    fn schema_entry(
        &self,
        name: &SourceName,
        ledger: &mut Ledger,
        mut present: SchemaEntry,
        settled: Option<u64>,
    ) -> Result<u64, DeskError> {
        let marked = self.store().mark(&mark_schema(name))?;
        if let Some(at) = marked.filter(|at| *at < ledger.reader.size())
            && let LedgerEntry::Schema(known) = LedgerEntry::decode(&ledger.reader.entry(at)?)?
        {
            if serde_json::from_slice::<SchemaEntry>(&known)?.is_as(&present) {
                return Ok(at);
            }
            present.before = Some(at);
        }
        let at = ledger.push(&LedgerEntry::Schema(serde_json::to_vec(&present)?))?;
        ledger.settle()?;
        let mut marks = vec![(mark_schema(name), at)];
        marks.extend(settled.map(|settled| (mark_settled(name), settled)));
        self.store_marks(marks)?;
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
fn open_index(
    folder: &Path,
    desk: &Desk,
    size: u64,
    anew: bool,
) -> Result<(ImageIndex, u64), DeskError> {
    std::fs::create_dir_all(folder).map_err(|e| DeskError::file(folder, e))?;
    if anew {
        tracing::info!(folder = %folder.display(), "the tables changed: the image index is made again from the ledger");
        return Ok((ImageIndex::reset(folder, Arc::clone(&desk.inner.key))?, 0));
    }
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

/// Refuses tables that cannot be compared with their images. `goes_on`: other columns can.
fn may_go_on(
    known: &SchemaEntry,
    present: &SchemaEntry,
    tables: &[GuardedTable],
    goes_on: bool,
) -> Result<(), DeskError> {
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
    if goes_on {
        return reshape::can_go_on(known, tables);
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
