//! How a group lies in a segment: a fixed header, the entries each behind its 16-bit length, and
//! the signed checkpoint that ends it. The body is byte for byte what an entry bundle carries.

/// `BFG1`, then big-endian: body bytes (u32), entries (u32), note bytes (u32), first index (u64).
pub const HEADER_BYTES: usize = 24;
const MAGIC: [u8; 4] = *b"BFG1";

/// The open group is sealed by itself at these bounds; one entry more still fits in 32 bits.
pub const MAX_GROUP_BYTES: usize = 32 << 20;
pub const MAX_GROUP_ENTRIES: usize = 65_536;
/// A body may end one longest entry behind the bound at which it is sealed.
const MAX_BODY_BYTES: usize = MAX_GROUP_BYTES + 2 + crate::MAX_ENTRY_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub body_bytes: u32,
    pub entries: u32,
    pub note_bytes: u32,
    pub first: u64,
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.body_bytes.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.entries.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.note_bytes.to_be_bytes());
        bytes[16..].copy_from_slice(&self.first.to_be_bytes());
        bytes
    }

    /// `None` when these bytes cannot be a header.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let header = Header {
            body_bytes: word(4),
            entries: word(8),
            note_bytes: word(12),
            first: (u64::from(word(16)) << 32) | u64::from(word(20)),
        };
        let plausible = bytes[..4] == MAGIC
            && header.body_bytes as usize <= MAX_BODY_BYTES
            && (1..=MAX_GROUP_ENTRIES).contains(&(header.entries as usize))
            && header.note_bytes as usize <= crate::note::MAX_NOTE_BYTES;
        plausible.then_some(header)
    }

    pub fn total_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes) + u64::from(self.note_bytes)
    }
}

/// The entries of a body with the position of each one's length; `None` where lengths and body
/// do not agree.
pub fn entries(body: &[u8], count: u32) -> Option<Vec<(u32, &[u8])>> {
    let mut found = Vec::with_capacity(count as usize);
    let mut at = 0;
    for _ in 0..count {
        let length = body.get(at..at + 2)?;
        let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        found.push((at as u32, body.get(at + 2..end)?));
        at = end;
    }
    (at == body.len()).then_some(found)
}
