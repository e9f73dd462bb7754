//! A shop of two tables with its journal: what `desk` does, in small.

use journal::index::{ImageIndex, Snapshot};
use journal::keys::LogKey;
use journal::vault::{MasterKey, SubjectKeys};
use journal::{Log, LogOptions};
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::image::ImageRecord;
use model::policy::{ColumnSchema, Companion, ForeignKey};
use model::{
    Instant, Judgement, Key, Row, SourcePolicy, Standing, TablePolicy, TableSchema, ValueRef,
    Verdict,
};
use recover::audit::index_key;
use recover::{RowSealer, SealTable, advance};
use std::sync::Arc;

pub const CUSTOMERS: u16 = 0;
pub const ORDERS: u16 = 1;

pub const DDL: &str = r#"
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customers (id),
    status TEXT,
    "total ""minor""" INTEGER,
    phone TEXT
);
"#;

pub fn schemas() -> Vec<TableSchema> {
    let table = |name: &str, columns: &[(&str, &str)], foreign_keys| TableSchema {
        name: name.into(),
        columns: columns
            .iter()
            .map(|(name, declared)| ColumnSchema {
                name: (*name).into(),
                declared: (*declared).into(),
                not_null: false,
            })
            .collect(),
        primary_key: vec![0],
        foreign_keys,
    };
    let customer = ForeignKey {
        columns: vec!["customer_id".into()],
        table: "customers".into(),
        references: Vec::new(),
    };
    vec![
        table(
            "customers",
            &[("id", "INTEGER"), ("name", "TEXT")],
            Vec::new(),
        ),
        table(
            "orders",
            &[
                ("id", "INTEGER"),
                ("customer_id", "INTEGER"),
                ("status", "TEXT"),
                ("total \"minor\"", "INTEGER"),
                ("phone", "TEXT"),
            ],
            vec![customer],
        ),
    ]
}

pub fn policy() -> SourcePolicy {
    let mut orders = TablePolicy {
        name: "orders".into(),
        key: vec!["id".into()],
        subject: Some("customer_id".into()),
        state: Some("status".into()),
        void: Some("UPDATE orders SET status = 'void' WHERE id = :id".into()),
        ..TablePolicy::default()
    };
    orders
        .requires
        .insert("paid".into(), Companion::Table("payments".into()));
    let customers = TablePolicy {
        name: "customers".into(),
        ..TablePolicy::default()
    };
    SourcePolicy {
        source: "shop".into(),
        tables: vec![customers, orders],
        checks: Vec::new(),
    }
}

pub fn tables() -> Vec<SealTable> {
    let schemas = schemas();
    vec![
        SealTable::new(&schemas[0], &[0], &[1], None),
        SealTable::new(&schemas[1], &[0], &[4], Some(1)),
    ]
}

pub fn key(id: i64) -> Key {
    Key::of([ValueRef::Integer(id)]).unwrap()
}

pub fn customer(id: i64, name: &str) -> Row {
    Row::from_values([ValueRef::Integer(id), ValueRef::Text(name.as_bytes())])
}

pub fn order(id: i64, customer: i64, status: &str, total: i64, phone: &[u8]) -> Row {
    Row::from_values([
        ValueRef::Integer(id),
        ValueRef::Integer(customer),
        ValueRef::Text(status.as_bytes()),
        ValueRef::Integer(total),
        ValueRef::Text(phone),
    ])
}

pub struct World {
    pub log: Log,
    pub index: ImageIndex,
    pub keys: SubjectKeys,
    pub sealer: RowSealer,
    _folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = Arc::new(LogKey::generate("test.example/shop").unwrap());
        let at = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let options = LogOptions::default();
        let (log, _) = Log::open(
            &at("ledger"),
            "test.example/shop",
            Arc::clone(&key),
            options,
        )
        .unwrap();
        let (index, _) = ImageIndex::open(&at("index"), key).unwrap();
        let keys = SubjectKeys::open(&at("keys"), &MasterKey::generate().unwrap()).unwrap();
        let sealer = RowSealer::new(keys.reader(), [7; 32], tables());
        Self {
            log,
            index,
            keys,
            sealer,
            _folder: folder,
        }
    }

    /// Journals that the row now stands as `live` where lawfully it is `lawful`.
    pub fn record(&mut self, table: u16, key: &Key, live: Option<&Row>, lawful: Option<&Row>) {
        let standing = match (live, lawful) {
            (None, None) => Standing::Gone,
            (None, Some(_)) => Standing::Deleted,
            (Some(_), None) => Standing::Forged,
            (Some(live), Some(lawful)) if live == lawful => Standing::Clean,
            (Some(live), Some(lawful)) => Standing::Altered {
                columns: lawful.differing(live),
            },
        };
        let subject = live
            .or(lawful)
            .map(|row| self.sealer.subject_of(table, key, row));
        let subject = subject.unwrap_or_default();
        self.keys.ensure(&[&subject]).unwrap();
        let judgement = Judgement {
            verdict: Verdict::Lawful,
            hits: Vec::new(),
            standing,
        };
        let entry = LedgerEntry::Row(RowEntry {
            kind: EntryKind::Change,
            witnessed: true,
            coalesced: false,
            last_of_transaction: true,
            table,
            at: Instant(0),
            schema: 0,
            source_position: 0,
            previous: None,
            key: key.clone(),
            subject: subject.clone(),
            judgement: judgement.clone(),
            image: live.map(|row| self.sealer.seal(table, key, &subject, row).unwrap()),
        });
        let mut bytes = Vec::new();
        entry.encode(&mut bytes).unwrap();
        let at = self.log.append(&bytes).unwrap();
        let previous = self.image(table, key);
        let digest = |row: &Row| self.sealer.digest_of(table, key, row);
        let (live, lawful) = (live.map(digest), lawful.map(digest));
        match advance(previous.as_ref(), &judgement, at, live, lawful) {
            Some(next) => self
                .index
                .put(&index_key(table, key), &next.encode())
                .unwrap(),
            None => self.index.remove(&index_key(table, key)).unwrap(),
        }
    }

    pub fn image(&self, table: u16, key: &Key) -> Option<ImageRecord> {
        let bytes = self.index.get(&index_key(table, key)).unwrap()?;
        Some(ImageRecord::decode(&bytes).unwrap())
    }

    pub fn lawful(&self, table: u16, key: &Key) -> Option<Row> {
        let record = self.image(table, key)?;
        recover::lawful_image(&record, &self.log.reader(), &self.sealer).unwrap()
    }

    /// Makes everything recorded so far durable.
    pub fn seal_group(&mut self) {
        self.log.seal_group().unwrap().wait().unwrap();
    }

    pub fn snapshot(&mut self) -> Snapshot {
        self.index.snapshot()
    }
}
