//! Files that strangers send: kept by their SHA-256, bounded, never opened, unpacked or run.
//!
//! A file is written beside its place, hashed on the way, and takes its place when it is whole. It
//! stays only once a report names it; what no report names is removed at once, or at the next
//! start. Deliberately not here: who may read one (room `web`), and evidence (`evidence`).

use super::sniff::{self, FileKind};
use crate::{DeskError, Told};
use model::{Digest, Instant};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Bytes of one file. A photograph of a phone takes 2 to 8 MiB.
pub const MAX_FILE_BYTES: u64 = 10 << 20;
/// Files sent at once.
pub const MAX_FILES_AT_ONCE: usize = 5;
/// Bytes of all files sent at once.
pub const MAX_BYTES_AT_ONCE: u64 = 25 << 20;
/// Files of one report, with what was added later.
pub const MAX_FILES: usize = 20;
/// Bytes that all reports of one day (UTC) may bring.
pub const MAX_BYTES_A_DAY: u64 = 2 << 30;
/// Bytes of the whole folder; beyond it reports come without files.
pub const MAX_BYTES_KEPT: u64 = 20 << 30;
/// Files of the whole folder.
pub const MAX_FILES_KEPT: usize = 20_000;
/// Characters of a file's name that are kept.
const MAX_NAME: usize = 120;
const DAY_US: i64 = 86_400_000_000;

#[derive(Debug, Error)]
pub enum UploadError {
    #[error("the file is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    FileTooLarge,
    #[error(
        "more than {MAX_FILES_AT_ONCE} files, or more than {} MiB, at once",
        MAX_BYTES_AT_ONCE >> 20
    )]
    TooMuchAtOnce,
    #[error("no more files are taken today; send the report without them")]
    DayFull,
    #[error("the folder of received files is full; an administrator must make room")]
    StoreFull,
    #[error("a file could not be written")]
    Disk(#[source] io::Error),
}

/// A file as a report names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// As the sender called it, cleaned for the eye; never a path.
    pub name: String,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub kind: FileKind,
    pub received_at: Instant,
}

/// A received file that no report names yet; dropped without one, it is removed.
#[derive(Debug)]
pub struct KeptFile {
    pub attachment: Attachment,
    uploads: Uploads,
}

/// The folder of received files. Cheap to clone; any thread.
#[derive(Clone, Debug)]
pub struct Uploads {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    day: i64,
    day_bytes: u64,
    kept_bytes: u64,
    kept_files: usize,
    /// Files that requests in progress rest on.
    held: HashMap<Digest, Held>,
    temporary: u64,
}

#[derive(Debug)]
struct Held {
    requests: u32,
    /// A report names it.
    named: bool,
    size_bytes: u64,
}

impl Uploads {
    /// Opens the folder (0700), removes what was left half written and what `named` does not know.
    pub(crate) fn open(
        folder: PathBuf,
        named: impl Fn(&str) -> Result<bool, DeskError>,
    ) -> Result<Self, DeskError> {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        let failed = |e| DeskError::file(&folder, e);
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.map_err(failed)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))
            .map_err(failed)?;
        let mut state = State::default();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if named(&name)? {
                let size = entry.metadata().map_err(failed)?.len();
                state.kept_bytes = state.kept_bytes.saturating_add(size);
                state.kept_files += 1;
            } else {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(Self {
            inner: Arc::new(Inner {
                folder,
                state: Mutex::new(state),
            }),
        })
    }

    /// Begins to receive a file. `name` is what the sender calls it.
    pub fn begin(&self, name: &str, now: Instant) -> Result<Upload, UploadError> {
        let number = {
            let mut state = self.state();
            let day = now.0.div_euclid(DAY_US);
            if state.day != day {
                (state.day, state.day_bytes) = (day, 0);
            }
            if state.kept_files >= MAX_FILES_KEPT {
                return Err(UploadError::StoreFull);
            }
            state.temporary += 1;
            state.temporary
        };
        let path = self.inner.folder.join(format!("part-{number}"));
        let file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(UploadError::Disk)?;
        Ok(Upload {
            uploads: self.clone(),
            name: shown_name(name),
            path,
            file,
            hash: Sha256::new(),
            head: Vec::with_capacity(sniff::HEAD),
            size: 0,
            now,
        })
    }

    /// A file that is at hand whole, such as an attachment of a mail.
    pub fn keep(&self, name: &str, bytes: &[u8], now: Instant) -> Result<KeptFile, UploadError> {
        let mut upload = self.begin(name, now)?;
        upload.write(bytes)?;
        upload.finish()
    }

    /// The bytes of a file, checked against its hash.
    pub(crate) fn read(&self, sha256: &Digest) -> Result<Vec<u8>, DeskError> {
        let path = self.place(sha256);
        let failed = |e| DeskError::file(&path, e);
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(failed)?;
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if Digest::of(&bytes) == *sha256 {
            return Ok(bytes);
        }
        Err(DeskError::Refused(
            Told::new("file-changed").with("digest", sha256.short()),
        ))
    }

    /// Reports name these files now: they stay.
    pub(super) fn named(&self, files: &[KeptFile]) {
        let mut state = self.state();
        for file in files {
            if let Some(held) = state.held.get_mut(&file.attachment.sha256) {
                held.named = true;
            }
        }
    }

    fn place(&self, sha256: &Digest) -> PathBuf {
        self.inner.folder.join(sha256.to_string())
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
    fn reserve(&self, n: u64) -> Result<(), UploadError> {
        let mut state = self.state();
        if state.day_bytes.saturating_add(n) > MAX_BYTES_A_DAY {
            return Err(UploadError::DayFull);
        }
        if state.kept_bytes.saturating_add(n) > MAX_BYTES_KEPT {
            return Err(UploadError::StoreFull);
        }
        state.day_bytes += n;
        state.kept_bytes += n;
        Ok(())
    }
    /// What was not kept does not count towards the folder; it does towards the day.
    fn release(&self, n: u64) {
        let mut state = self.state();
        state.kept_bytes = state.kept_bytes.saturating_sub(n);
    }
}

/// A file that is being received; dropped before its end, it is removed.
#[derive(Debug)]
pub struct Upload {
    uploads: Uploads,
    name: String,
    path: PathBuf,
    file: File,
    hash: Sha256,
    head: Vec<u8>,
    size: u64,
    now: Instant,
}

impl Upload {
    /// The next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        let more = bytes.len() as u64;
        if self.size + more > MAX_FILE_BYTES {
            return Err(UploadError::FileTooLarge);
        }
        self.uploads.reserve(more)?;
        self.size += more;
        fail::fail_point!("upload-write", |_| Err(UploadError::Disk(io::Error::from(
            io::ErrorKind::StorageFull
        ))));
        self.file.write_all(bytes).map_err(UploadError::Disk)?;
        self.hash.update(bytes);
        let wanted = sniff::HEAD - self.head.len();
        self.head
            .extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        Ok(())
    }
    pub fn size_bytes(&self) -> u64 {
        self.size
    }

    /// The file is whole: on disk under its hash.
    pub fn finish(self) -> Result<KeptFile, UploadError> {
        self.file.sync_all().map_err(UploadError::Disk)?;
        let sha256 = Digest(self.hash.clone().finalize().into());
        let place = self.uploads.place(&sha256);
        {
            let mut state = self.uploads.state();
            let there = place.exists();
            if !there {
                std::fs::rename(&self.path, &place).map_err(UploadError::Disk)?;
                state.kept_files += 1;
            }
            let held = state.held.entry(sha256).or_insert(Held {
                requests: 0,
                // What lies there and belongs to no request in progress is a report's.
                named: there,
                size_bytes: self.size,
            });
            held.requests += 1;
        }
        let kept = KeptFile {
            attachment: Attachment {
                name: self.name.clone(),
                sha256,
                size_bytes: self.size,
                kind: sniff::kind(&self.head),
                received_at: self.now,
            },
            uploads: self.uploads.clone(),
        };
        // The name of a new file is durable only with its folder.
        File::open(&self.uploads.inner.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(UploadError::Disk)?;
        Ok(kept)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Gone where it took its place; what remains is a part, or a copy of what was there.
        if std::fs::remove_file(&self.path).is_ok() {
            self.uploads.release(self.size);
        }
    }
}

impl Drop for KeptFile {
    fn drop(&mut self) {
        let sha256 = self.attachment.sha256;
        let mut state = self.uploads.state();
        let Some(held) = state.held.get_mut(&sha256) else {
            return;
        };
        held.requests = held.requests.saturating_sub(1);
        if held.requests > 0 {
            return;
        }
        let (named, size) = (held.named, held.size_bytes);
        state.held.remove(&sha256);
        if named {
            return;
        }
        state.kept_bytes = state.kept_bytes.saturating_sub(size);
        state.kept_files = state.kept_files.saturating_sub(1);
        if let Err(error) = remove(&self.uploads.place(&sha256)) {
            tracing::warn!(%error, "a received file that no report names is removed at the next start");
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A sender's name of a file as text for the eye: one line, no control characters, nothing that
/// turns the direction of writing, no folders.
pub(crate) fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{061c}');
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !turns(*c))
        .map(|c| if "\"<>|:*?".contains(c) { '_' } else { c })
        .take(MAX_NAME)
        .collect();
    let clean = clean.trim().trim_matches('.').trim();
    if clean.is_empty() {
        "file".to_owned()
    } else {
        clean.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Uploads {
        Uploads::open(folder.join("uploads"), |_| Ok(true)).unwrap()
    }
    fn there(folder: &Path) -> usize {
        std::fs::read_dir(folder.join("uploads")).unwrap().count()
    }

    #[test]
    fn what_no_report_names_goes_and_what_one_names_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let uploads = open(folder.path());
        let lost = uploads.keep("a.txt", b"not named", Instant(0)).unwrap();
        assert_eq!(there(folder.path()), 1);
        drop(lost);
        assert_eq!(there(folder.path()), 0);
        let first = uploads.keep("b.txt", b"named", Instant(0)).unwrap();
        let twin = uploads.keep("c.txt", b"named", Instant(0)).unwrap();
        drop(twin);
        let place = uploads.place(&first.attachment.sha256);
        let mode = std::fs::metadata(&place).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        uploads.named(std::slice::from_ref(&first));
        let sha256 = first.attachment.sha256;
        drop(first);
        assert_eq!(uploads.read(&sha256).unwrap(), b"named");
        drop(uploads.keep("again", b"named", Instant(0)).unwrap());
        assert_eq!(uploads.read(&sha256).unwrap(), b"named");
        std::fs::write(&place, b"changed").unwrap();
        assert!(uploads.read(&sha256).is_err());
    }

    #[test]
    fn a_part_is_removed_and_bounds_hold() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = open(folder.path());
        let mut part = uploads.begin("x", Instant(0)).unwrap();
        part.write(b"half").unwrap();
        let big = vec![0; MAX_FILE_BYTES as usize];
        assert!(matches!(part.write(&big), Err(UploadError::FileTooLarge)));
        drop(part);
        assert_eq!(there(folder.path()), 0);
        uploads.state().day_bytes = MAX_BYTES_A_DAY;
        let mut full = uploads.begin("x", Instant(0)).unwrap();
        assert!(matches!(full.write(b"1"), Err(UploadError::DayFull)));
        let mut next_day = uploads.begin("x", Instant(DAY_US)).unwrap();
        next_day.write(b"1").unwrap();
        assert_eq!(uploads.state().kept_bytes, 1);
        drop((full, next_day));
        assert_eq!(uploads.state().kept_bytes, 0);
    }

    #[test]
    fn the_start_sweeps_what_nobody_names() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = open(folder.path());
        let kept = uploads.keep("x", b"1", Instant(0)).unwrap();
        std::fs::write(folder.path().join("uploads/part-9"), b"half").unwrap();
        uploads.named(std::slice::from_ref(&kept));
        let name = kept.attachment.sha256.to_string();
        drop((kept, uploads));
        Uploads::open(folder.path().join("uploads"), |n| Ok(n == name)).unwrap();
        assert_eq!(there(folder.path()), 1);
    }

    #[test]
    fn names_are_text_and_never_paths() {
        for (given, shown) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.png", "a.png"),
            ("photo\u{202e}gnp.exe", "photognp.exe"),
            ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1"),
            ("nul\0.txt", "nul.txt"),
            ("\"><script>.png", "___script_.png"),
            ("...", "file"),
            ("", "file"),
            ("截图 2026.png", "截图 2026.png"),
        ] {
            assert_eq!(shown_name(given), shown, "{given:?}");
        }
        assert_eq!(shown_name(&"长".repeat(5_000)).chars().count(), MAX_NAME);
    }
}
