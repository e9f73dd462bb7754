//! The record that the image index keeps of each row: digests to compare by, and where
//! in the ledger the lawful value of each column stands.
//!
//! Layout, big-endian: flags `u8` (1 live digest follows, 2 lawful digest follows), digests of
//! 16 bytes each, `u64` base, standing, `u16` number of exceptions, each `u16` column and `u64` index.

use crate::Standing;
use crate::entry::{EntryError, Reader, decode_standing, encode_standing};

/// First 16 bytes of a keyed digest of a row (see `desk::seal`).
pub type RowDigest = [u8; 16];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// Digest of the image seen last; `None` when the row is not there.
    pub live: Option<RowDigest>,
    /// Digest of the lawful image; `None` when lawfully there is no row.
    pub lawful: Option<RowDigest>,
    /// Entry seen last for this row; for clean, altered and forged rows its image is the live one.
    pub last: u64,
    /// Entry whose image holds the lawful values, but for `exceptions`.
    /// Meaningless for forged rows.
    pub base: u64,
    pub standing: Standing,
    /// (column, entry): the lawful value of that column stands in that entry's image.
    pub exceptions: Vec<(u16, u64)>,
}

impl ImageRecord {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(52);
        out.push(u8::from(self.live.is_some()) | u8::from(self.lawful.is_some()) << 1);
        for digest in [self.live, self.lawful].into_iter().flatten() {
            out.extend_from_slice(&digest);
        }
        out.extend_from_slice(&self.last.to_be_bytes());
        out.extend_from_slice(&self.base.to_be_bytes());
        encode_standing(&mut out, &self.standing);
        out.extend_from_slice(&(self.exceptions.len() as u16).to_be_bytes());
        for (column, entry) in &self.exceptions {
            out.extend_from_slice(&column.to_be_bytes());
            out.extend_from_slice(&entry.to_be_bytes());
        }
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut r = Reader(bytes);
        let flags = r.u8()?;
        let mut digest = |on: bool| -> Result<Option<RowDigest>, EntryError> {
            if !on {
                return Ok(None);
            }
            r.take(16)?
                .try_into()
                .map(Some)
                .map_err(|_| EntryError::Short)
        };
        let (live, lawful) = (digest(flags & 1 != 0)?, digest(flags & 2 != 0)?);
        let (last, base) = (r.u64()?, r.u64()?);
        let standing = decode_standing(&mut r)?;
        let count = r.u16()?;
        let exceptions = (0..count)
            .map(|_| Ok((r.u16()?, r.u64()?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            live,
            lawful,
            last,
            base,
            standing,
            exceptions,
        })
    }

    /// The lawful digest straight from encoded bytes, for the audit's inner loop.
    /// `Err` when the bytes are no record.
    pub fn lawful_digest(bytes: &[u8]) -> Result<Option<&RowDigest>, EntryError> {
        let (&flags, rest) = bytes.split_first().ok_or(EntryError::Short)?;
        if flags & 2 == 0 {
            return Ok(None);
        }
        let at = if flags & 1 != 0 { 16 } else { 0 };
        rest.get(at..at + 16)
            .and_then(|b| b.try_into().ok())
            .map(Some)
            .ok_or(EntryError::Short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back() {
        for (live, lawful) in [
            (None, Some([2; 16])),
            (Some([1; 16]), None),
            (Some([1; 16]), Some([2; 16])),
        ] {
            let record = ImageRecord {
                live,
                lawful,
                last: 9,
                base: 4,
                standing: Standing::Altered { columns: vec![3] },
                exceptions: vec![(3, 1)],
            };
            let bytes = record.encode();
            assert_eq!(ImageRecord::decode(&bytes).unwrap(), record);
            assert_eq!(ImageRecord::lawful_digest(&bytes).unwrap().copied(), lawful);
        }
    }
}
