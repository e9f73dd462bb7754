//! Reads a packet or an event from its front; little-endian, as the protocol mostly is.
//!
//! Whatever does not fit gives `None`; what that means is for the caller to say.

#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[b]| b)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    /// An unsigned number of up to 8 bytes, the lowest first.
    pub(super) fn le(&mut self, bytes: usize) -> Option<u64> {
        let bytes = self.take(bytes)?;
        Some(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
    /// An unsigned number of up to 8 bytes, the highest first.
    pub(super) fn be(&mut self, bytes: usize) -> Option<u64> {
        let bytes = self.take(bytes)?;
        Some(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }
    /// A number in one to nine bytes; `None` also for the mark of NULL.
    pub(super) fn length(&mut self) -> Option<u64> {
        match self.u8()? {
            small @ 0..=0xfa => Some(small.into()),
            0xfc => self.le(2),
            0xfd => self.le(3),
            0xfe => self.u64(),
            _ => None,
        }
    }
    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.length()?).ok()
    }
    /// Bytes behind their length.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let size = self.size()?;
        self.take(size)
    }
    /// Bytes up to the next zero, which is taken too.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = self.take(end)?;
        self.u8()?;
        Some(text)
    }
}
