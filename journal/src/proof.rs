//! C2SP tlog-proof bundles: a proof that a third party checks offline with the public key.

use crate::keys::VerifierKey;
use crate::{LogReader, Result};

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub origin: String,
    pub index: u64,
    /// The size of the log at the checkpoint.
    pub size: u64,
    /// The extra data, which no signature covers; [`open`] found it to be the entry itself.
    pub extra: Vec<u8>,
}

/// A bundle for the entry at `index` under the newest checkpoint; the entry rides along.
pub fn make(reader: &LogReader, index: u64) -> Result<String> {
    todo!("{} {index}", reader.origin())
}

/// A bundle with other extra data, such as the opening of sealed values.
pub fn make_with_extra(reader: &LogReader, index: u64, extra: &[u8]) -> Result<String> {
    todo!("{} {index} {extra:?}", reader.origin())
}

/// Checks that `entry` is the one that the bundle proves.
pub fn verify(bundle: &str, entry: &[u8], vkey: &VerifierKey) -> Result<Proven> {
    todo!("{bundle} {entry:?} {vkey}")
}

/// Checks a bundle that carries its entry.
pub fn open(bundle: &str, vkey: &VerifierKey) -> Result<Proven> {
    todo!("{bundle} {vkey}")
}
