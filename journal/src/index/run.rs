//! One sorted run: an immutable file of blocks of records, and behind them the list of blocks.
//!
//! A record: key bytes (u16), value bytes (u32, all ones for a removed key), key, value. The
//! list: blocks (u32), then of each length (u32), SHA-256, first key (u16 and bytes); records
//! (u64); words of the filter (u32) and the filter. The signed manifest holds the list's hash, so
//! every byte of the file is checked before it is believed.

use super::filter::Filter;
use crate::{Hash, JournalError, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A block is closed by the record that reaches this size; hashing it costs about 3 us.
const BLOCK_BYTES: usize = 4_096;
/// Blocks read at once when streaming.
const BLOCKS_AHEAD: usize = 64;
const REMOVED: u32 = u32::MAX;
const RECORD_HEADER: usize = 6;

/// What the manifest says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    pub number: u64,
    pub blocks_bytes: u64,
    pub list_bytes: u64,
    pub list_hash: Hash,
}

impl RunName {
    pub fn path(&self, dir: &Path) -> PathBuf {
        path(dir, self.number)
    }

    pub fn total_bytes(&self) -> u64 {
        self.blocks_bytes + self.list_bytes
    }
}

pub fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.run"))
}

struct Block {
    offset: u64,
    length: u32,
    hash: Hash,
    first_key: Box<[u8]>,
}

pub struct Run {
    pub name: RunName,
    pub path: PathBuf,
    file: File,
    blocks: Vec<Block>,
    filter: Filter,
}

impl Run {
    pub fn open(dir: &Path, name: RunName) -> Result<Run> {
        let path = name.path(dir);
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let length = file
            .metadata()
            .map_err(JournalError::io("measure", &path))?
            .len();
        if length != name.total_bytes() {
            return Err(JournalError::damaged(
                &path,
                length,
                "the run has another length",
            ));
        }
        let mut list = vec![0; name.list_bytes as usize];
        file.read_exact_at(&mut list, name.blocks_bytes)
            .map_err(JournalError::io("read", &path))?;
        let listed = hash(&list) == name.list_hash;
        let parsed = if listed { parse_list(&list) } else { None };
        let (blocks, filter) = parsed.ok_or_else(|| {
            JournalError::damaged(
                &path,
                name.blocks_bytes,
                "the run's list of blocks is not as signed",
            )
        })?;
        Ok(Run {
            name,
            path,
            file,
            blocks,
            filter,
        })
    }

    /// `Some(None)` says that the key was removed here.
    pub fn get(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>> {
        let behind = self
            .blocks
            .partition_point(|block| *block.first_key <= *key);
        if behind == 0 || !self.filter.may_hold(key) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.read(behind - 1..behind, &mut bytes)?;
        let mut at = 0;
        while let Some(record) = Record::at(&bytes, at) {
            if bytes[record.key()] == *key {
                let value = (!record.removed).then(|| bytes[record.value()].to_vec());
                return Ok(Some(value));
            }
            at = record.end;
        }
        Ok(None)
    }

    /// Reads neighbouring blocks and checks each.
    fn read(&self, blocks: std::ops::Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let blocks = &self.blocks[blocks];
        let length: usize = blocks.iter().map(|block| block.length as usize).sum();
        out.resize(length, 0);
        let start = blocks.first().map_or(0, |block| block.offset);
        self.file
            .read_exact_at(out, start)
            .map_err(JournalError::io("read", &self.path))?;
        let mut rest = out.as_slice();
        for block in blocks {
            let (bytes, behind) = rest.split_at(block.length as usize);
            rest = behind;
            if hash(bytes) != block.hash {
                let what = "a block of the run is not as signed";
                return Err(JournalError::damaged(&self.path, block.offset, what));
            }
        }
        Ok(())
    }
}

/// The places of one record within a block.
#[derive(Clone, Copy, Default)]
struct Record {
    start: usize,
    value_at: usize,
    end: usize,
    removed: bool,
}

impl Record {
    fn at(bytes: &[u8], start: usize) -> Option<Record> {
        let head = bytes.get(start..start + RECORD_HEADER)?;
        let key_bytes = usize::from(u16::from_be_bytes([head[0], head[1]]));
        let value_bytes = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        let removed = value_bytes == REMOVED;
        let value_at = start + RECORD_HEADER + key_bytes;
        let end = value_at + if removed { 0 } else { value_bytes as usize };
        (end <= bytes.len()).then_some(Record {
            start,
            value_at,
            end,
            removed,
        })
    }

    fn key(&self) -> std::ops::Range<usize> {
        self.start + RECORD_HEADER..self.value_at
    }

    fn value(&self) -> std::ops::Range<usize> {
        self.value_at..self.end
    }
}

/// Walks a run in key order, some blocks ahead at a time.
pub struct Cursor {
    run: Arc<Run>,
    next_block: usize,
    bytes: Vec<u8>,
    record: Record,
    /// What the first call of [`Self::advance`] answers: finding the start already went there.
    found: Option<bool>,
}

impl Cursor {
    /// Stands before the first key that is not less than `from`; call [`Self::advance`] first.
    pub fn new(run: Arc<Run>, from: &[u8]) -> Result<Cursor> {
        let behind = run
            .blocks
            .partition_point(|block| *block.first_key <= *from);
        let next_block = behind.saturating_sub(1);
        let record = Record::default();
        let mut cursor = Cursor {
            run,
            next_block,
            bytes: Vec::new(),
            record,
            found: None,
        };
        let mut found = cursor.advance()?;
        while found && cursor.key() < from {
            found = cursor.advance()?;
        }
        cursor.found = Some(found);
        Ok(cursor)
    }

    /// Goes to the next record; false at the end.
    pub fn advance(&mut self) -> Result<bool> {
        if let Some(found) = self.found.take() {
            return Ok(found);
        }
        if self.record.end >= self.bytes.len() {
            let end = (self.next_block + BLOCKS_AHEAD).min(self.run.blocks.len());
            if self.next_block == end {
                return Ok(false);
            }
            self.run.read(self.next_block..end, &mut self.bytes)?;
            self.next_block = end;
            self.record = Record::default();
        }
        let record = Record::at(&self.bytes, self.record.end);
        // The block's hash holds, so this would be our own mistake in writing it.
        self.record = record.ok_or_else(|| {
            JournalError::damaged(&self.run.path, 0, "a record does not fit its block")
        })?;
        Ok(true)
    }

    pub fn key(&self) -> &[u8] {
        &self.bytes[self.record.key()]
    }

    pub fn value(&self) -> Option<&[u8]> {
        (!self.record.removed).then(|| &self.bytes[self.record.value()])
    }
}

/// Writes a run; records come in key order.
pub struct RunWriter {
    number: u64,
    path: PathBuf,
    out: BufWriter<File>,
    block: Vec<u8>,
    first_key: Vec<u8>,
    blocks: u32,
    blocks_bytes: u64,
    list: Vec<u8>,
    key_hashes: Vec<u64>,
}

impl RunWriter {
    pub fn create(dir: &Path, number: u64) -> Result<RunWriter> {
        let path = path(dir, number);
        let file = File::create(&path).map_err(JournalError::io("create", &path))?;
        Ok(RunWriter {
            number,
            path,
            out: BufWriter::with_capacity(1 << 20, file),
            block: Vec::with_capacity(2 * BLOCK_BYTES),
            first_key: Vec::new(),
            blocks: 0,
            blocks_bytes: 0,
            list: vec![0; 4],
            key_hashes: Vec::new(),
        })
    }

    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        if self.block.is_empty() {
            self.first_key.clear();
            self.first_key.extend_from_slice(key);
        }
        let length = value.map_or(REMOVED, |value| value.len() as u32);
        self.block
            .extend_from_slice(&(key.len() as u16).to_be_bytes());
        self.block.extend_from_slice(&length.to_be_bytes());
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value.unwrap_or_default());
        self.key_hashes.push(Filter::hash(key));
        if self.block.len() >= BLOCK_BYTES {
            self.close_block()
        } else {
            Ok(())
        }
    }

    fn close_block(&mut self) -> Result<()> {
        self.list
            .extend_from_slice(&(self.block.len() as u32).to_be_bytes());
        self.list.extend_from_slice(&hash(&self.block));
        self.list
            .extend_from_slice(&(self.first_key.len() as u16).to_be_bytes());
        self.list.extend_from_slice(&self.first_key);
        self.out
            .write_all(&self.block)
            .map_err(JournalError::io("write", &self.path))?;
        self.blocks += 1;
        self.blocks_bytes += self.block.len() as u64;
        self.block.clear();
        Ok(())
    }

    /// Writes the list and syncs. The run counts only once a manifest names it.
    pub fn finish(mut self) -> Result<RunName> {
        if !self.block.is_empty() {
            self.close_block()?;
        }
        self.list[..4].copy_from_slice(&self.blocks.to_be_bytes());
        self.list
            .extend_from_slice(&(self.key_hashes.len() as u64).to_be_bytes());
        Filter::of(&self.key_hashes).encode(&mut self.list);
        self.out
            .write_all(&self.list)
            .map_err(JournalError::io("write", &self.path))?;
        let file = self
            .out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error);
        let file = file.map_err(JournalError::io("write", &self.path))?;
        file.sync_all()
            .map_err(JournalError::io("sync", &self.path))?;
        Ok(RunName {
            number: self.number,
            blocks_bytes: self.blocks_bytes,
            list_bytes: self.list.len() as u64,
            list_hash: hash(&self.list),
        })
    }
}

fn parse_list(list: &[u8]) -> Option<(Vec<Block>, Filter)> {
    let (count, mut rest) = list.split_first_chunk::<4>()?;
    let mut blocks = Vec::new();
    let mut offset = 0;
    for _ in 0..u32::from_be_bytes(*count) {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (hash, behind) = behind.split_first_chunk::<32>()?;
        let (key_bytes, behind) = behind.split_first_chunk::<2>()?;
        let (key, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*key_bytes)))?;
        let length = u32::from_be_bytes(*length);
        blocks.push(Block {
            offset,
            length,
            hash: *hash,
            first_key: key.into(),
        });
        offset += u64::from(length);
        rest = behind;
    }
    let (_records, rest) = rest.split_first_chunk::<8>()?;
    Some((blocks, Filter::decode(rest)?))
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
