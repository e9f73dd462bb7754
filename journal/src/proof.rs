//! C2SP tlog-proof bundles: a proof that a third party checks offline with the public key.
//!
//! Making one uses the reader; checking one uses the verifier's own code.

use crate::keys::VerifierKey;
use crate::verify::{hash, signed};
use crate::{JournalError, LogReader, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Twice the longest entry in base64, 64 hashes, a checkpoint with cosignatures.
const MAX_BUNDLE_BYTES: usize = 256 * 1024;
/// A tree of 2^64 leaves has no longer audit path.
const MAX_PROOF_HASHES: usize = 64;

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Which log.
    pub origin: String,
    pub index: u64,
    /// The size of the log at the checkpoint.
    pub size: u64,
    /// The extra data of the bundle, which no signature covers. [`open`] found it to be the entry.
    pub extra: Vec<u8>,
}

/// A bundle for the entry at `index` under the newest checkpoint; the entry rides along.
pub fn make(reader: &LogReader, index: u64) -> Result<String> {
    let entry = reader.entry(index)?;
    make_with_extra(reader, index, &entry)
}

/// A bundle with other extra data, such as the opening of sealed values.
pub fn make_with_extra(reader: &LogReader, index: u64, extra: &[u8]) -> Result<String> {
    let (size, checkpoint) = reader.sized_checkpoint();
    let mut bundle = format!("{FIRST_LINE}\n");
    if !extra.is_empty() {
        bundle.push_str(&format!("extra {}\n", STANDARD.encode(extra)));
    }
    bundle.push_str(&format!("index {index}\n"));
    for hash in reader.inclusion_proof(index, size)? {
        bundle.push_str(&STANDARD.encode(hash));
        bundle.push('\n');
    }
    bundle.push('\n');
    bundle.push_str(&checkpoint);
    Ok(bundle)
}

/// Checks that `entry` is the one that the bundle proves.
pub fn verify(bundle: &str, entry: &[u8], vkey: &VerifierKey) -> Result<Proven> {
    Bundle::parse(bundle)
        .and_then(|bundle| bundle.check(entry, vkey))
        .map_err(bad)
}

/// Checks a bundle that carries its entry.
pub fn open(bundle: &str, vkey: &VerifierKey) -> Result<Proven> {
    let bundle = Bundle::parse(bundle).map_err(bad)?;
    let entry = bundle.extra.clone();
    bundle.check(&entry, vkey).map_err(bad)
}

struct Bundle<'a> {
    extra: Vec<u8>,
    index: u64,
    hashes: Vec<[u8; 32]>,
    checkpoint: &'a str,
}

impl<'a> Bundle<'a> {
    fn parse(text: &'a str) -> Result<Bundle<'a>, &'static str> {
        if text.len() > MAX_BUNDLE_BYTES {
            return Err("the bundle is too long");
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or("it has no checkpoint")?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err("its first line is not that of a tlog-proof");
        }
        let mut line = lines.next().ok_or("it has no index line")?;
        let mut extra = Vec::new();
        if let Some(encoded) = line.strip_prefix("extra ") {
            extra = STANDARD
                .decode(encoded)
                .map_err(|_| "its extra line is not base64")?;
            line = lines.next().ok_or("it has no index line")?;
        }
        let number = line.strip_prefix("index ").ok_or("it has no index line")?;
        let index = signed::decimal(number).ok_or("its index is not a number")?;
        let mut hashes = Vec::new();
        for line in lines {
            let bytes = STANDARD
                .decode(line)
                .map_err(|_| "a hash of it is not base64")?;
            hashes.push(
                bytes
                    .try_into()
                    .map_err(|_| "a hash of it is not 32 bytes")?,
            );
            if hashes.len() > MAX_PROOF_HASHES {
                return Err("it has too many hashes");
            }
        }
        Ok(Bundle {
            extra,
            index,
            hashes,
            checkpoint,
        })
    }

    fn check(self, entry: &[u8], vkey: &VerifierKey) -> Result<Proven, &'static str> {
        let origin = self.checkpoint.split('\n').next().unwrap_or_default();
        if !vkey.covers(origin) {
            return Err("its log is not under this key's name");
        }
        let tree = signed::checkpoint(self.checkpoint.as_bytes(), origin, vkey.public_key())
            .map_err(|fault| fault.what)?;
        if self.index >= tree.size {
            return Err("its index lies outside the checkpoint's tree");
        }
        let root = hash::root_from_path(&hash::leaf(entry), self.index, tree.size, &self.hashes);
        if root.ok_or("its path has the wrong length")? != tree.root {
            return Err("the entry does not lead to the signed root");
        }
        let Bundle { extra, index, .. } = self;
        Ok(Proven {
            origin: origin.to_owned(),
            index,
            size: tree.size,
            extra,
        })
    }
}

fn bad(why: &'static str) -> JournalError {
    JournalError::BadProof { why }
}
