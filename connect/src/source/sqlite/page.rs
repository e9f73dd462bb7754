//! Pages of a table's b-tree, as far as the feed needs them: which rowids stand on a leaf, which
//! pages hang under an interior page, where long rows spill over.
//!
//! Source of the layout: the SQLite file format, sections 1.6 and 1.7 (sqlite.org/fileformat2.html).
//! Values are not read here; SQL does that.

/// A row whose payload does not fit on its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spill {
    pub(super) rowid: i64,
    pub(super) first: u32,
    /// Number of overflow pages.
    pub(super) pages: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// First and last rowid, unless empty.
    Leaf {
        extent: Option<(i64, i64)>,
        spills: Vec<Spill>,
    },
    Interior {
        children: Vec<u32>,
    },
}

const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// `usable`: the page size without the reserved bytes at its end. `None`: not a page of a table.
pub(super) fn parse(page: &[u8], usable: u32) -> Option<Page> {
    let cells = usize::from(be16(page, 3)?);
    match *page.first()? {
        INTERIOR => {
            let mut children = Vec::with_capacity(cells + 1);
            for cell in 0..cells {
                children.push(be32(page, usize::from(be16(page, 12 + 2 * cell)?))?);
            }
            children.push(be32(page, 8)?);
            Some(Page::Interior { children })
        }
        LEAF => {
            let mut extent = None;
            let mut spills = Vec::new();
            for cell in 0..cells {
                let at = usize::from(be16(page, 8 + 2 * cell)?);
                let (payload, length) = varint(page, at)?;
                let (rowid, rowid_length) = varint(page, at + length)?;
                let rowid = rowid as i64;
                extent = Some((extent.map_or(rowid, |(first, _)| first), rowid));
                if let Some((local, pages)) = spilled(payload, u64::from(usable)) {
                    let first = be32(page, at + length + rowid_length + local)?;
                    spills.push(Spill {
                        rowid,
                        first,
                        pages,
                    });
                }
            }
            Some(Page::Leaf { extent, spills })
        }
        _ => None,
    }
}

/// The page that follows an overflow page in its chain; 0 at the end.
pub(super) fn next_overflow(page: &[u8]) -> Option<u32> {
    be32(page, 0)
}

/// For a payload that does not fit: how many bytes of it stand on the leaf, and on how many
/// overflow pages the rest.
fn spilled(payload: u64, usable: u64) -> Option<(usize, u32)> {
    let most = usable.checked_sub(35)?;
    if payload <= most {
        return None;
    }
    let least = ((usable - 12) * 32 / 255).saturating_sub(23);
    let fitting = least + (payload - least) % (usable - 4);
    let local = if fitting <= most { fitting } else { least };
    let pages = (payload - local).div_ceil(usable - 4);
    Some((usize::try_from(local).ok()?, u32::try_from(pages).ok()?))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// SQLite's variable-length integer: 1 to 9 bytes, big-endian, 7 bits each and 8 in the ninth.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for i in 0..8 {
        let byte = *bytes.get(at + i)?;
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    Some((value << 8 | u64::from(*bytes.get(at + 8)?), 9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn varints_of_the_format_description() {
        assert_eq!(varint(&[0x7f], 0), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00], 0), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9], 0), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0x81], 0), None);
    }

    #[test]
    fn payloads_spill_as_the_format_description_says() {
        assert_eq!(spilled(4061, 4096), None);
        // K = 489 + (4062 - 489) % 4092 = 4062 > 4061, so only M = 489 bytes stay.
        assert_eq!(spilled(4062, 4096), Some((489, 1)));
        assert_eq!(spilled(10_000, 4096), Some((1816, 2)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0..3_usize) {
            if let Some(first) = bytes.first_mut() {
                *first = [INTERIOR, LEAF, *first][kind];
            }
            let _ = parse(&bytes, 512);
            let _ = parse(&bytes, 3);
        }
    }
}
