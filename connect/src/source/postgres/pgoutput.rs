//! What `pgoutput` says, protocol version 1 with logical messages (PostgreSQL documentation,
//! "Logical Replication Message Formats"). Bytes in, borrowed meaning out.
//!
//! Deliberately not here: memory of what was said before. No bytes make it panic, and it takes no
//! memory beyond a list of borrowed columns.

use super::wire::Reader;

/// A table has at most 1,600 columns.
const MAX_COLUMNS: u16 = 1_600;
/// Tables that one TRUNCATE can name in a message.
const MAX_TRUNCATED: u32 = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Begin {
        /// Where the commit record begins.
        commit: u64,
        /// Since 2000-01-01.
        committed_us: i64,
        xid: u32,
    },
    Commit {
        /// End of the commit record: where the next one may begin.
        end: u64,
    },
    Origin {
        name: &'a [u8],
    },
    Relation(Relation<'a>),
    Type,
    Insert {
        relation: u32,
        new: Tuple<'a>,
    },
    Update {
        relation: u32,
        old: Option<Old<'a>>,
        new: Tuple<'a>,
    },
    Delete {
        relation: u32,
        old: Old<'a>,
    },
    Truncate {
        relations: Vec<u32>,
    },
    Message {
        transactional: bool,
        prefix: &'a [u8],
        content: &'a [u8],
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation<'a> {
    pub(super) oid: u32,
    pub(super) namespace: &'a [u8],
    pub(super) name: &'a [u8],
    /// Name and type of each column.
    pub(super) columns: Vec<(&'a [u8], u32)>,
    /// For each column: it is in the replica identity, and so told of changed and deleted rows.
    pub(super) identity: Vec<bool>,
}

/// An old row, as far as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Old<'a> {
    /// The columns of the replica identity; NULL in the others means that they were not sent.
    Key(Tuple<'a>),
    /// All columns (REPLICA IDENTITY FULL).
    Full(Tuple<'a>),
}

pub(super) type Tuple<'a> = Vec<Cell<'a>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Null,
    /// Kept out of line and not changed, so not in the log.
    Unchanged,
    Text(&'a [u8]),
}

/// `None` when the bytes are no message that we know.
pub(super) fn parse(bytes: &[u8]) -> Option<Said<'_>> {
    let mut r = Reader(bytes);
    let kind = r.u8()?;
    let said = match kind {
        b'B' => Said::Begin {
            commit: r.u64()?,
            committed_us: r.i64()?,
            xid: r.u32()?,
        },
        b'C' => {
            let (_flags, _commit) = (r.u8()?, r.u64()?);
            let (end, _committed_us) = (r.u64()?, r.i64()?);
            Said::Commit { end }
        }
        b'O' => {
            let _commit = r.u64()?;
            Said::Origin { name: r.text()? }
        }
        b'R' => Said::Relation(relation(&mut r)?),
        b'Y' => {
            let (_oid, _namespace, _name) = (r.u32()?, r.text()?, r.text()?);
            Said::Type
        }
        b'I' | b'U' | b'D' => change(kind, &mut r)?,
        b'T' => {
            let (count, _options) = (r.u32()?, r.u8()?);
            if count > MAX_TRUNCATED {
                return None;
            }
            let relations: Option<Vec<u32>> = (0..count).map(|_| r.u32()).collect();
            Said::Truncate {
                relations: relations?,
            }
        }
        b'M' => {
            let (flags, _position, prefix) = (r.u8()?, r.u64()?, r.text()?);
            let length = usize::try_from(r.u32()?).ok()?;
            Said::Message {
                transactional: flags & 1 == 1,
                prefix,
                content: r.take(length)?,
            }
        }
        _ => return None,
    };
    r.0.is_empty().then_some(said)
}

fn relation<'a>(r: &mut Reader<'a>) -> Option<Relation<'a>> {
    let (oid, namespace, name, _identity) = (r.u32()?, r.text()?, r.text()?, r.u8()?);
    let count = r.u16().filter(|count| *count <= MAX_COLUMNS)?;
    let (mut columns, mut identity) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (flags, name, kind, _modifier) = (r.u8()?, r.text()?, r.u32()?, r.i32()?);
        columns.push((name, kind));
        identity.push(flags & 1 == 1);
    }
    Some(Relation {
        oid,
        // The system's own schema is told as an empty name.
        namespace: if namespace.is_empty() {
            b"pg_catalog"
        } else {
            namespace
        },
        name,
        columns,
        identity,
    })
}

/// A row that was inserted, updated or deleted.
fn change<'a>(kind: u8, r: &mut Reader<'a>) -> Option<Said<'a>> {
    let relation = r.u32()?;
    let mut part = r.u8()?;
    let mut before = None;
    if part != b'N' {
        before = Some(old(part, r)?);
        if kind == b'D' {
            return Some(Said::Delete {
                relation,
                old: before?,
            });
        }
        part = r.u8()?;
    }
    if part != b'N' {
        return None;
    }
    let new = tuple(r)?;
    match (kind, before) {
        (b'I', None) => Some(Said::Insert { relation, new }),
        (b'U', old) => Some(Said::Update { relation, old, new }),
        _ => None,
    }
}

fn old<'a>(kind: u8, r: &mut Reader<'a>) -> Option<Old<'a>> {
    match kind {
        b'K' => Some(Old::Key(tuple(r)?)),
        b'O' => Some(Old::Full(tuple(r)?)),
        _ => None,
    }
}

fn tuple<'a>(r: &mut Reader<'a>) -> Option<Tuple<'a>> {
    let count = r.u16().filter(|count| *count <= MAX_COLUMNS)?;
    let mut cells = Vec::with_capacity(usize::from(count).min(r.0.len()));
    for _ in 0..count {
        cells.push(match r.u8()? {
            b'n' => Cell::Null,
            b'u' => Cell::Unchanged,
            b't' => {
                let length = usize::try_from(r.u32()?).ok()?;
                Cell::Text(r.take(length)?)
            }
            _ => return None,
        });
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An update with old key, one unchanged and one NULL column.
    fn update() -> Vec<u8> {
        let mut bytes = vec![b'U', 0, 0, 0, 7, b'K', 0, 1, b't', 0, 0, 0, 1, b'1'];
        bytes.extend_from_slice(&[b'N', 0, 3, b't', 0, 0, 0, 1, b'2', b'u', b'n']);
        bytes
    }

    #[test]
    fn an_update_is_read() {
        let said = Said::Update {
            relation: 7,
            old: Some(Old::Key(vec![Cell::Text(b"1")])),
            new: vec![Cell::Text(b"2"), Cell::Unchanged, Cell::Null],
        };
        assert_eq!(parse(&update()), Some(said));
    }

    #[test]
    fn no_cut_message_passes_for_a_whole_one() {
        let whole = update();
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), None, "cut at {length}");
        }
        let mut long = whole;
        long.push(0);
        assert_eq!(parse(&long), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(tag in prop::sample::select(b"BCORYIUDTM?".to_vec()),
                                    bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut all = vec![tag];
            all.extend(bytes);
            parse(&all);
        }

        #[test]
        fn changed_bytes_do_not_either(at in 0..25_usize, byte in any::<u8>()) {
            let mut bytes = update();
            let at = at % bytes.len();
            bytes[at] = byte;
            parse(&bytes);
        }
    }
}
