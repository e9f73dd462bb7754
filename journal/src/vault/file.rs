//! The file of wrapped subject keys: batches, each sealed as a whole under the master key.
//!
//! A batch: `BFK1`, state (1), body bytes (u32), nonce (12), body, tag (16). The body is the
//! records: length of the subject (u16), subject, 1 and the key or 0 for a destroyed one. Header
//! fields but the state are bound into the tag, and so is the batch's place in the file.
//!
//! The state is 0 when written and set to 1 after the fsync, itself unsynced. A batch that does
//! not open is a crash's torn tail only while its state is 0: then nobody was told of its keys.

use super::{Key, MAX_SUBJECT_BYTES, NONCE_BYTES, TAG_BYTES, random};
use crate::{JournalError, Result, files};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 4] = *b"BFK1";
const STATE_AT: usize = 4;
const HEADER_BYTES: usize = 4 + 1 + 4 + NONCE_BYTES;
/// Records of a batch: about 4 MiB of usual ones.
const MAX_BATCH_RECORDS: usize = 32_768;
const MAX_BODY_BYTES: usize = MAX_BATCH_RECORDS * (2 + MAX_SUBJECT_BYTES + 1 + 32);

/// A subject's key, or that it was destroyed.
#[derive(Clone)]
pub struct Record {
    pub subject: Box<[u8]>,
    pub key: Option<Key>,
}

pub struct KeyFile {
    path: PathBuf,
    cipher: Aes256Gcm,
    file: File,
    length: u64,
    /// After a failed write or fsync nothing more is taken.
    stopped: bool,
}

impl KeyFile {
    pub fn open(path: &Path, master: &Key) -> Result<(KeyFile, Vec<Record>)> {
        if let Some(dir) = path.parent() {
            files::create_dir(dir)?;
        }
        let existed = path.exists();
        let file = open_file(path)?;
        if !existed && let Some(dir) = path.parent() {
            files::sync_dir(dir)?;
        }
        let cipher = Aes256Gcm::new(&(*master).into());
        let bytes = std::fs::read(path).map_err(JournalError::io("read", path))?;
        let mut key_file = KeyFile {
            path: path.to_owned(),
            cipher,
            file,
            length: 0,
            stopped: false,
        };
        let mut records = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match key_file.batch(&bytes[at..], at as u64, &mut records) {
                Ok(length) => {
                    // A crash between the fsync and the mark: what is whole and synced now counts.
                    if bytes[at + STATE_AT] == 0 {
                        key_file.settle(at as u64)?;
                    }
                    at += length;
                }
                Err(what) => {
                    key_file.drop_torn(&bytes, at, what)?;
                    break;
                }
            }
        }
        key_file.length = at as u64;
        Ok((key_file, records))
    }

    fn settle(&self, place: u64) -> Result<()> {
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.path))?;
        let marked = self.file.write_all_at(&[1], place + STATE_AT as u64);
        marked.map_err(JournalError::io("write", &self.path))
    }

    /// Appends the records and syncs: when it returns, the keys survive a crash.
    pub fn append(&mut self, records: &[Record]) -> Result<()> {
        if self.stopped {
            let reason = "an earlier write of the subjects' keys failed".to_owned();
            return Err(JournalError::Stopped { reason });
        }
        self.stopped = true;
        let (bytes, starts) = self.encode(records, self.length)?;
        let (file, path) = (&self.file, &self.path);
        file.write_all_at(&bytes, self.length)
            .map_err(JournalError::io("write", path))?;
        // A crash before this sync leaves a torn batch of which nobody was told.
        fail::fail_point!("journal-vault-append", |_| Err(JournalError::io(
            "sync", path
        )(
            std::io::Error::other("a failpoint")
        )));
        file.sync_data().map_err(JournalError::io("sync", path))?;
        for start in starts {
            let at = self.length + (start + STATE_AT) as u64;
            file.write_all_at(&[1], at)
                .map_err(JournalError::io("write", path))?;
        }
        self.length += bytes.len() as u64;
        self.stopped = false;
        Ok(())
    }

    /// Replaces the whole file and wipes the old one's bytes.
    pub fn rewrite(&mut self, records: &[Record]) -> Result<()> {
        let (mut bytes, starts) = self.encode(records, 0)?;
        for start in starts {
            bytes[start + STATE_AT] = 1;
        }
        // A crash before the rename keeps the key, and the caller was told nothing; a crash
        // after it keeps the old bytes only in freed blocks, which the wipe would have cleared.
        files::replace(&self.path, &bytes, 0o600)?;
        let old = std::mem::replace(&mut self.file, open_file(&self.path)?);
        let zeroes = vec![0; self.length as usize];
        old.write_all_at(&zeroes, 0)
            .map_err(JournalError::io("wipe", &self.path))?;
        old.sync_data()
            .map_err(JournalError::io("wipe", &self.path))?;
        self.length = bytes.len() as u64;
        self.stopped = false;
        Ok(())
    }

    /// The batches' bytes, and where each begins.
    fn encode(&self, records: &[Record], place: u64) -> Result<(Vec<u8>, Vec<usize>)> {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for batch in records.chunks(MAX_BATCH_RECORDS) {
            let start = bytes.len();
            starts.push(start);
            let nonce: [u8; NONCE_BYTES] = random()?;
            bytes.extend_from_slice(&MAGIC);
            bytes.extend_from_slice(&[0; 5]);
            bytes.extend_from_slice(&nonce);
            for record in batch {
                bytes.extend_from_slice(&(record.subject.len() as u16).to_be_bytes());
                bytes.extend_from_slice(&record.subject);
                bytes.push(u8::from(record.key.is_some()));
                bytes.extend_from_slice(&record.key.unwrap_or_default());
            }
            let body_at = start + HEADER_BYTES;
            let length = (bytes.len() - body_at) as u32;
            bytes[start + 5..start + 9].copy_from_slice(&length.to_be_bytes());
            let bound = bound_data(place + start as u64, length);
            let body = (&mut bytes[body_at..]).into();
            let tag = self
                .cipher
                .encrypt_inout_detached(&Nonce::from(nonce), &bound, body);
            let too_long = |_| JournalError::Unsealable {
                why: "a batch is too long",
            };
            bytes.extend_from_slice(&tag.map_err(too_long)?);
        }
        Ok((bytes, starts))
    }

    /// Reads one batch and gives its length.
    fn batch(
        &self,
        bytes: &[u8],
        place: u64,
        records: &mut Vec<Record>,
    ) -> Result<usize, &'static str> {
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or("a batch is cut off")?;
        if header[..4] != MAGIC || header[STATE_AT] > 1 {
            return Err("this is not the beginning of a batch of keys");
        }
        let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        let end = length as usize;
        let sealed = rest
            .get(..end + TAG_BYTES)
            .filter(|_| end <= MAX_BODY_BYTES);
        let (body, tag) = sealed.ok_or("a batch is cut off")?.split_at(end);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&header[9..]);
        let tag: [u8; TAG_BYTES] = tag.try_into().map_err(|_| "a batch is cut off")?;
        let mut body = body.to_vec();
        let bound = bound_data(place, length);
        self.cipher
            .decrypt_inout_detached(
                &Nonce::from(nonce),
                &bound,
                body.as_mut_slice().into(),
                &Tag::from(tag),
            )
            .map_err(|_| "a batch of keys does not open under the master key")?;
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let (record, behind) = take_record(rest).ok_or("a record does not fit its batch")?;
            records.push(record);
            rest = behind;
        }
        Ok(HEADER_BYTES + end + TAG_BYTES)
    }

    fn drop_torn(&self, bytes: &[u8], at: usize, what: &'static str) -> Result<()> {
        let tail = &bytes[at..];
        let begun = tail.get(STATE_AT).is_none_or(|state| *state == 0);
        let followed = (1..tail.len()).any(|from| {
            tail[from..].starts_with(&MAGIC)
                && self
                    .batch(&tail[from..], (at + from) as u64, &mut Vec::new())
                    .is_ok()
        });
        if !begun || followed {
            return Err(JournalError::damaged(&self.path, at as u64, what));
        }
        tracing::warn!(
            bytes = tail.len(),
            "dropped a batch of subject keys never acknowledged"
        );
        self.file
            .set_len(at as u64)
            .map_err(JournalError::io("cut", &self.path))?;
        self.file
            .sync_all()
            .map_err(JournalError::io("sync", &self.path))
    }
}

fn open_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    options.open(path).map_err(JournalError::io("open", path))
}

fn bound_data(place: u64, length: u32) -> [u8; 16] {
    let mut bound = [0; 16];
    bound[..4].copy_from_slice(&MAGIC);
    bound[4..12].copy_from_slice(&place.to_be_bytes());
    bound[12..].copy_from_slice(&length.to_be_bytes());
    bound
}

fn take_record(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let (subject, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (held, rest) = rest.split_first()?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    let key = (*held == 1).then_some(*key);
    Some((
        Record {
            subject: subject.into(),
            key,
        },
        rest,
    ))
}
