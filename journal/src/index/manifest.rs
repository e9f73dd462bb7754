//! The signed list of an index's runs: origin, how much of the ledger they cover, one line a run,
//! oldest first. It is replaced as a whole; what it does not name does not count.

use super::run::RunName;
use crate::keys::LogKey;
use crate::{JournalError, Result, files, note};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};

/// Far more runs than compaction leaves.
const MAX_RUNS: usize = 1_024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Ledger entries below this are in the runs.
    pub covered: u64,
    pub runs: Vec<RunName>,
}

pub fn path(dir: &Path) -> PathBuf {
    dir.join("manifest")
}

/// `NAME/index/P` for the index in a folder `P`.
pub fn origin(dir: &Path, key: &LogKey) -> String {
    let partition = dir.file_name().unwrap_or_default().to_string_lossy();
    format!("{}/index/{partition}", key.name())
}

impl Manifest {
    /// `None` when there is no index yet.
    pub fn read(dir: &Path, key: &LogKey) -> Result<Option<Manifest>> {
        let path = path(dir);
        let Some(bytes) = files::read_if_exists(&path)? else {
            return Ok(None);
        };
        let origin = origin(dir, key);
        let text = std::str::from_utf8(&bytes).ok();
        let text = text.and_then(|text| note::open(text, &origin, &key.vkey()));
        let manifest = text.and_then(|text| Self::parse(text, &origin));
        manifest.map(Some).ok_or_else(|| {
            JournalError::damaged(&path, 0, "the index's manifest is not as it was signed")
        })
    }

    pub fn write(&self, dir: &Path, key: &LogKey) -> Result<()> {
        let origin = origin(dir, key);
        let mut text = format!("{origin}\ncovered {}\n", self.covered);
        for run in &self.runs {
            let RunName {
                number,
                blocks_bytes,
                list_bytes,
                list_hash,
            } = run;
            let hash = STANDARD.encode(list_hash);
            text.push_str(&format!(
                "run {number} {blocks_bytes} {list_bytes} {hash}\n"
            ));
        }
        // Readers other than the owner, such as the verifier, may read the journal's files.
        files::replace(
            &path(dir),
            note::sign(&text, &origin, key).as_bytes(),
            0o644,
        )
    }

    fn parse(text: &str, origin: &str) -> Option<Manifest> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(origin) {
            return None;
        }
        let covered = lines.next()?.strip_prefix("covered ")?.parse().ok()?;
        let runs = lines.take(MAX_RUNS).map(parse_run).collect::<Option<_>>()?;
        Some(Manifest { covered, runs })
    }
}

fn parse_run(line: &str) -> Option<RunName> {
    let mut words = line.strip_prefix("run ")?.split(' ');
    let number = words.next()?.parse().ok()?;
    let blocks_bytes = words.next()?.parse().ok()?;
    let list_bytes = words.next()?.parse().ok()?;
    let list_hash = STANDARD.decode(words.next()?).ok()?.try_into().ok()?;
    Some(RunName {
        number,
        blocks_bytes,
        list_bytes,
        list_hash,
    })
}
