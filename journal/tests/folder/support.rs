//! A throwaway journal folder with one ledger.

use journal::keys::LogKey;
use journal::verify::{Fault, VerifyOptions, verify_dir};
use journal::{Log, LogOptions, Recovery, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub const BASE: &str = "shop.example/journal";

pub struct Folder {
    dir: tempfile::TempDir,
    key: Arc<LogKey>,
}

pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index} {}", "x".repeat(index as usize % 5)).into_bytes()
}

pub fn verify(dir: &Path, folder: &Folder, checkpoint: Option<String>) -> Vec<Fault> {
    let options = VerifyOptions {
        checkpoint,
        live: false,
    };
    verify_dir(dir, &folder.key.vkey(), &options, &mut |_| ()).faults
}

impl Folder {
    pub fn new() -> Folder {
        let key = Arc::new(LogKey::from_seed(BASE, &[7; 32]).unwrap());
        let folder = Folder {
            dir: tempfile::tempdir().unwrap(),
            key,
        };
        // The verifier wants a root log.
        fs::create_dir_all(folder.path().join("root")).unwrap();
        folder
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn key(&self) -> Arc<LogKey> {
        Arc::clone(&self.key)
    }

    pub fn ledger(&self) -> PathBuf {
        self.path().join("ledger/0")
    }

    pub fn open_ledger(&self) -> Result<(Log, Recovery)> {
        self.open_ledger_with(LogOptions::default())
    }

    pub fn open_ledger_with(&self, options: LogOptions) -> Result<(Log, Recovery)> {
        Log::open(
            &self.ledger(),
            &format!("{BASE}/ledger/0"),
            self.key(),
            options,
        )
    }

    /// Opens the ledger, appends a group of each size and closes it.
    pub fn write_groups(&self, sizes: &[u64]) -> String {
        let (mut log, _) = self.open_ledger().unwrap();
        for size in sizes {
            for _ in 0..*size {
                let next = log.size();
                log.append(&entry(next)).unwrap();
            }
            log.seal_group().unwrap().wait().unwrap();
        }
        log.reader().checkpoint()
    }

    fn segment(&self) -> PathBuf {
        self.ledger().join(format!("{:020}.seg", 0))
    }

    pub fn read_segment(&self) -> Vec<u8> {
        fs::read(self.segment()).unwrap()
    }

    pub fn put_segment(&self, bytes: &[u8]) {
        fs::write(self.segment(), bytes).unwrap();
    }

    pub fn read_derived(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.ledger())
            .unwrap()
            .map(|file| file.unwrap());
        let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
        let derived = named.filter(|(name, _)| !name.ends_with(".seg"));
        derived
            .map(|(name, path)| (name, fs::read(path).unwrap()))
            .collect()
    }

    pub fn put_derived(&self, derived: &BTreeMap<String, Vec<u8>>) {
        for (name, bytes) in derived {
            fs::write(self.ledger().join(name), bytes).unwrap();
        }
    }

    pub fn verify_ledger(&self) -> Vec<Fault> {
        verify(self.path(), self, None)
    }
}
