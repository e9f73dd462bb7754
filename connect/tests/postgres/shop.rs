//! A throwaway database with a source that points to it.

use connect::source::address::OnFull;
use connect::source::postgres::{PostgresFeed, PostgresSource, attach};
use connect::source::{
    Feed, FeedBatch, GuardedTable, LostReason, Polled, ServerAddress, Source, TlsMode,
};
use model::{Key, Observed, Row, Value, ValueRef};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::TempFolder;
use testkit::postgres::{Database, Server};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Shop {
    pub db: Database,
    pub address: ServerAddress,
    /// Holds the file with the address.
    folder: TempFolder,
}

/// Rows by table and key, as text that people read.
pub type Image = BTreeMap<(u16, Key), Vec<String>>;

impl Shop {
    /// A fresh database of this server, with this schema.
    pub fn new(server: &Server, sql: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let db = server.database();
        db.run(sql);
        let folder = TempFolder::new();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let address = ServerAddress {
            url_file: folder.join("url"),
            tls: TlsMode::Off,
            ca_file: None,
            slot: format!("guard_{}_{count}", std::process::id()),
            max_retained_mib: 1_024,
            on_full: OnFull::LetGo,
        };
        let shop = Self {
            db,
            address,
            folder,
        };
        shop.url(&shop.db.url());
        shop
    }

    pub fn url(&self, url: &str) {
        std::fs::write(&self.address.url_file, url).unwrap();
    }

    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.join(name)
    }

    pub fn source(&self) -> PostgresSource {
        PostgresSource::open(&self.address).unwrap()
    }

    /// These tables by their primary keys.
    pub fn tables(&self, names: &[&str]) -> Vec<GuardedTable> {
        let all = self.source().tables().unwrap();
        let find = |name: &&str| {
            let schema = all.iter().find(|t| t.name == **name);
            let schema = schema.unwrap_or_else(|| panic!("no table {name}")).clone();
            let key: Vec<String> = schema
                .primary_key
                .iter()
                .map(|c| schema.name_of(*c).to_owned())
                .collect();
            GuardedTable::new(schema, &key).unwrap()
        };
        names.iter().map(find).collect()
    }

    /// Attached and scanned.
    pub fn follow(&self, names: &[&str]) -> Following {
        let tables = self.tables(names);
        attach(&self.address, &tables).unwrap();
        self.resume(names, None)
    }

    pub fn resume(&self, names: &[&str], from: Option<u64>) -> Following {
        let feed = PostgresFeed::open(&self.address, self.tables(names), from).unwrap();
        let mut following = Following {
            feed,
            image: Image::new(),
            batches: Vec::new(),
        };
        following.rescan();
        following
    }
}

pub struct Following {
    pub feed: PostgresFeed,
    /// What the feed has told so far.
    pub image: Image,
    pub batches: Vec<FeedBatch>,
}

impl Following {
    pub fn rescan(&mut self) {
        let image = &mut self.image;
        image.clear();
        let mut last = None;
        self.feed
            .rescan(&mut |observed: Observed| {
                let at = (observed.table, observed.key);
                assert!(last.as_ref().is_none_or(|l| *l < at), "order of the scan");
                last = Some(at.clone());
                image.insert(at, shown(&observed.row.unwrap()));
                Ok(())
            })
            .unwrap();
    }

    /// Polls until all that is committed now is here.
    pub fn catch_up(&mut self) -> Vec<FeedBatch> {
        self.feed.request_catch_up().unwrap();
        let (before, began) = (self.batches.len(), Instant::now());
        while !self.feed.caught_up() {
            assert!(began.elapsed() < PATIENCE, "the feed does not catch up");
            match self.feed.poll(Duration::from_millis(200)).unwrap() {
                Polled::Quiet => {}
                Polled::Changes(batch) => self.apply(batch),
                other => panic!("{other:?}"),
            }
        }
        self.batches[before..].to_vec()
    }

    pub fn apply(&mut self, batch: FeedBatch) {
        let mut seen = std::collections::HashSet::new();
        for observed in &batch.observed {
            let at = (observed.table, observed.key.clone());
            assert!(seen.insert(at.clone()), "a row stands twice in a batch");
            match &observed.row {
                Some(row) => {
                    let mut row = shown(row);
                    for column in &observed.unsent {
                        let column = usize::from(*column);
                        assert_eq!(row[column], "NULL");
                        row[column] = self.image[&at][column].clone();
                    }
                    self.image.insert(at, row);
                }
                None => {
                    self.image.remove(&at);
                }
            }
        }
        self.batches.push(batch);
    }

    /// Polls until something other than changes is said.
    pub fn verdict(&mut self) -> Polled {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "nothing is said");
            match self.feed.poll(Duration::from_millis(200)).unwrap() {
                Polled::Quiet => {}
                Polled::Changes(batch) => self.apply(batch),
                other => return other,
            }
        }
    }

    /// Does something to the server while the guard goes on polling, as it does in earnest.
    pub fn while_polling(&mut self, work: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            let work = scope.spawn(work);
            while !work.is_finished() {
                match self.feed.poll(Duration::from_millis(20)) {
                    Ok(Polled::Quiet) => {}
                    Ok(Polled::Changes(batch)) => self.apply(batch),
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => assert!(error.may_pass(), "{error}"),
                }
            }
        });
    }

    pub fn lost(&mut self) -> LostReason {
        match self.verdict() {
            Polled::Lost { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    pub fn acknowledge_all(&mut self) -> u64 {
        let position = self.batches.last().map_or(0, |batch| batch.position);
        self.feed.acknowledge(position).unwrap();
        position
    }
}

/// What the tables hold now.
pub fn image_of(shop: &Shop, tables: &[GuardedTable]) -> Image {
    let mut image = Image::new();
    shop.source()
        .scan_all(tables, &mut |number, key, row| {
            image.insert((number, key.clone()), shown(row));
            Ok(())
        })
        .unwrap();
    image
}

/// Kind and value, so that 1 and '1' differ, and -0 and NaN are seen.
pub fn shown(row: &Row) -> Vec<String> {
    row.iter()
        .map(|value| match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(i) => format!("i{i}"),
            ValueRef::Real(r) => format!("r{r}:{:x}", r.to_bits()),
            ValueRef::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
            other => format!("b{other}"),
        })
        .collect()
}

pub fn key(values: &[Value]) -> Key {
    Key::of(values.iter().map(Value::as_ref)).unwrap()
}

pub fn ids(batches: &[FeedBatch]) -> Vec<i64> {
    let rows = batches.iter().flat_map(|b| &b.observed);
    rows.map(|o| match o.key.values().unwrap()[0] {
        Value::Integer(i) => i,
        ref other => panic!("{other:?}"),
    })
    .collect()
}
