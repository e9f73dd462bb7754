//! A key in memory: short ones lie in the tree's nodes, so that comparing does not go astray for
//! each of them.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Deref;

const INLINE: usize = 22;

#[derive(Clone, Debug)]
pub enum KeyBytes {
    Inline(u8, [u8; INLINE]),
    Boxed(Box<[u8]>),
}

impl From<&[u8]> for KeyBytes {
    fn from(key: &[u8]) -> Self {
        if key.len() > INLINE {
            return Self::Boxed(key.into());
        }
        let mut bytes = [0; INLINE];
        bytes[..key.len()].copy_from_slice(key);
        Self::Inline(key.len() as u8, bytes)
    }
}

impl Deref for KeyBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline(length, bytes) => &bytes[..usize::from(*length)],
            Self::Boxed(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for KeyBytes {
    fn borrow(&self) -> &[u8] {
        self
    }
}

// Equality and order are those of the bytes, as `Borrow` demands.
impl PartialEq for KeyBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
impl Eq for KeyBytes {}
impl PartialOrd for KeyBytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for KeyBytes {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyBytes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_are_their_bytes(a in proptest::collection::vec(0..3_u8, 0..40), b in proptest::collection::vec(0..3_u8, 0..40)) {
            let (x, y) = (KeyBytes::from(a.as_slice()), KeyBytes::from(b.as_slice()));
            prop_assert_eq!(&*x, a.as_slice());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x == y, a == b);
        }
    }
}
