//! The password under the server's public key, as `caching_sha2_password` wants it where there is
//! no TLS: RSA with OAEP (RFC 8017) over SHA-1.
//!
//! Nobody vouches for that key, so this is for servers on the same machine only, which are the only
//! ones that are spoken to without TLS.

use super::reader::Reader;
use num_bigint::BigUint;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use sha1::{Digest, Sha1};

const HASH_BYTES: usize = 20;
/// 16,384 bits: longer keys are nobody's.
const MAX_KEY_BYTES: usize = 2_048;
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 3;
const INTEGER: u8 = 2;

/// `None` when the key is none, or too short for the password.
pub(super) fn sealed(password: &str, nonce: &[u8], pem: &[u8]) -> Option<Vec<u8>> {
    let (modulus, exponent, length) = key(pem)?;
    let mut said = password.as_bytes().to_vec();
    said.push(0);
    if nonce.is_empty() {
        return None;
    }
    let mask = nonce.iter().cycle();
    said.iter_mut().zip(mask).for_each(|(b, n)| *b ^= n);
    let mut seed = [0; HASH_BYTES];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut seed).ok()?;
    let padded = padded(&said, &seed, length)?;
    let sealed = BigUint::from_bytes_be(&padded).modpow(&exponent, &modulus);
    let sealed = sealed.to_bytes_be();
    let mut out = vec![0; length.checked_sub(sealed.len())?];
    out.extend_from_slice(&sealed);
    Some(out)
}

/// Modulus, exponent, and the modulus' bytes.
fn key(pem: &[u8]) -> Option<(BigUint, BigUint, usize)> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
    let mut whole = Reader(part(&mut Reader(der.as_ref()), SEQUENCE)?);
    part(&mut whole, SEQUENCE)?;
    let bits = part(&mut whole, BIT_STRING)?;
    let mut numbers = Reader(part(&mut Reader(bits.get(1..)?), SEQUENCE)?);
    let modulus = BigUint::from_bytes_be(part(&mut numbers, INTEGER)?);
    let exponent = BigUint::from_bytes_be(part(&mut numbers, INTEGER)?);
    let length = usize::try_from(modulus.bits().div_ceil(8)).ok()?;
    let fits = (2 * HASH_BYTES + 2..=MAX_KEY_BYTES).contains(&length);
    (fits && exponent.bits() <= 64 && exponent > BigUint::from(1_u8))
        .then_some((modulus, exponent, length))
}

/// The content of the next part of DER, which must be of this kind.
fn part<'a>(reader: &mut Reader<'a>, kind: u8) -> Option<&'a [u8]> {
    if reader.u8()? != kind {
        return None;
    }
    let length = match reader.u8()? {
        short @ 0..=0x7f => usize::from(short),
        long @ 0x81..=0x84 => usize::try_from(reader.be(usize::from(long & 0x7f))?).ok()?,
        _ => return None,
    };
    reader.take(length)
}

fn padded(message: &[u8], seed: &[u8; HASH_BYTES], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(message.len() + 2 * HASH_BYTES + 2)?;
    let mut block = Sha1::digest(b"").to_vec();
    block.resize(block.len() + zeros, 0);
    block.push(1);
    block.extend_from_slice(message);
    masked(&mut block, seed);
    let mut seed = seed.to_vec();
    masked(&mut seed, &block);
    let mut out = vec![0];
    out.extend_from_slice(&seed);
    out.extend_from_slice(&block);
    Some(out)
}

fn masked(bytes: &mut [u8], from: &[u8]) {
    for (number, chunk) in (0_u32..).zip(bytes.chunks_mut(HASH_BYTES)) {
        let mut hash = Sha1::new();
        hash.update(from);
        hash.update(number.to_be_bytes());
        let mask = hash.finalize();
        chunk.iter_mut().zip(mask.iter()).for_each(|(b, m)| *b ^= m);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_is_as_long_as_the_key() {
        let block = padded(b"word", &[7; HASH_BYTES], 256).unwrap();
        assert_eq!((block.len(), block[0]), (256, 0));
        assert!(padded(&[1; 215], &[7; HASH_BYTES], 256).is_none());
        assert!(sealed("word", b"nonce", b"no key").is_none());
    }

    proptest! {
        #[test]
        fn no_key_panics(der in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(part(&mut Reader(&der), SEQUENCE).is_none_or(|p| p.len() <= der.len()));
            drop(key(&der));
        }
    }
}
