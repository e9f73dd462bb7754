//! Write tokens: how a shop stamps its own transactions, and how a stamp is verified.
//!
//! A shop that holds the key writes one token into each of its transactions. In PostgreSQL it is
//! a transactional logical message, which touches no table:
//! `SELECT pg_logical_emit_message(true, 'balefire.stamp', $token)`. In MySQL it is a comment at
//! an end of a statement that the binlog shows: `/*balefire:$token*/`.
//!
//! A token is ASCII, `v1.<writer>.<expiry>.<mac>`: the writer's name (letters, digits, `_` and
//! `-`), the expiry in seconds since the Unix epoch, and in lower-case hex the HMAC-SHA256 of
//! five lines with a line feed between them and none at the end:
//! ```text
//! balefire-stamp-v1
//! <name of the source>
//! <id of the transaction>
//! <expiry>
//! <writer>
//! ```
//! The id is the one that the change stream tells ([`SourceTransaction::id`]). PostgreSQL's
//! stream tells 32 bits of it, so a shop there takes
//! `(pg_current_xact_id()::text::bigint % 4294967296)::text`. MySQL names a transaction only when
//! it commits; there the id is the connection's, `CONNECTION_ID()`.
//!
//! **What a valid stamp proves:** somebody who holds the key wanted this very transaction. A token
//! that is copied into another transaction, another source or another year is
//! [`Stamp::Wrong`]; a transaction without one is [`Stamp::Missing`], whatever account and
//! program wrote it.
//!
//! Bound to a connection (MySQL) it proves less: who reads the token can use it in the same
//! connection until it expires, so let it live for seconds.
//!
//! **What it does not prove:** that the shop was in its right mind. Who has stolen the key, or
//! runs code in the shop's process, or smuggles SQL into a transaction of the shop, is stamped
//! with it. Nor does it prove who the writer's user was: `writer` is what the key's holder said.
//! Nor does it say what was written: the token is made before the rows are, and binds none.

use hmac::{Hmac, KeyInit, Mac};
use model::digest::{hex, unhex};
use model::{Instant, SourceName, SourceTransaction, Stamp};
use sha2::Sha256;
use std::fmt;
use thiserror::Error;

/// Fewest bytes of a key: as many as the hash gives (RFC 2104, section 3).
pub const KEY_BYTES: usize = 32;

/// A token lives no longer than this after its commit: transaction ids come again, PostgreSQL's
/// after four thousand million transactions.
pub const MAX_LIFE_S: i64 = 24 * 60 * 60;

/// Longest writer's name.
pub const MAX_WRITER: usize = 64;

/// Stamps of one transaction that are looked at; a shop needs one. Of more, the first count.
pub const MAX_STAMPS: usize = 8;

/// `v1`, writer, 20 digits, 64 hex digits and three dots.
const MAX_TOKEN: usize = 2 + MAX_WRITER + 20 + 64 + 3;

const CONTEXT: &str = "balefire-stamp-v1";

/// The key that a shop stamps with. Holds the keyed hash, not the key's own bytes.
#[derive(Clone)]
pub struct StampKey(Hmac<Sha256>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StampError {
    #[error(
        "a stamp key has {KEY_BYTES} bytes or more, this one has {0}; make one with `head -c 32 /dev/urandom`"
    )]
    ShortKey(usize),
    #[error(
        "a writer's name is 1 to {MAX_WRITER} letters, digits, `_` or `-`; give it another name"
    )]
    Writer,
}

impl StampKey {
    /// Takes at least [`KEY_BYTES`] random bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StampError> {
        if bytes.len() < KEY_BYTES {
            return Err(StampError::ShortKey(bytes.len()));
        }
        Hmac::new_from_slice(bytes)
            .map(Self)
            .map_err(|_| StampError::ShortKey(bytes.len()))
    }

    /// The token for one transaction. `expires` counts in whole seconds; rounded down.
    pub fn token(
        &self,
        source: &SourceName,
        transaction_id: &str,
        writer: &str,
        expires: Instant,
    ) -> Result<String, StampError> {
        if !is_writer(writer) {
            return Err(StampError::Writer);
        }
        let expiry = expires.0.div_euclid(1_000_000).to_string();
        let mac = self.mac(source, transaction_id, &expiry, writer);
        let mac = hex(&mac.finalize().into_bytes());
        Ok(format!("v1.{writer}.{expiry}.{mac}"))
    }

    fn mac(&self, source: &SourceName, id: &str, expiry: &str, writer: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for (i, line) in [CONTEXT, source.as_str(), id, expiry, writer]
            .into_iter()
            .enumerate()
        {
            if i > 0 {
                mac.update(b"\n");
            }
            mac.update(line.as_bytes());
        }
        mac
    }
}

impl fmt::Debug for StampKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StampKey(..)")
    }
}

/// [`StampKey::token`], for those who call by name.
pub fn token(
    key: &StampKey,
    source: &SourceName,
    transaction_id: &str,
    writer: &str,
    expires: Instant,
) -> Result<String, StampError> {
    key.token(source, transaction_id, writer, expires)
}

/// Whether a transaction carries a stamp of one of `keys` (several, while a key is replaced).
///
/// One good stamp is enough. The expiry is held against the moment of the commit, so that a guard
/// that was away for a night finds yesterday's stamps good; a commit that claims to lie in the
/// future, or tells no time, counts as `now`. The macs are compared in constant time.
pub fn verify(
    source: &SourceName,
    transaction: &SourceTransaction,
    keys: &[StampKey],
    now: Instant,
) -> Stamp {
    if transaction.stamps.is_empty() {
        return Stamp::Missing;
    }
    let committed = match transaction.committed_at {
        Instant(0) => now,
        told => told.min(now),
    };
    let good = |token: &Vec<u8>| is_good(token, source, &transaction.id, keys, committed);
    if transaction.stamps.iter().take(MAX_STAMPS).any(good) {
        Stamp::Valid
    } else {
        Stamp::Wrong
    }
}

/// Who says to have written it, for people: the writers of the stamps as they stand there.
/// Only of worth where [`verify`] says [`Stamp::Valid`].
pub fn writers(transaction: &SourceTransaction) -> Vec<&str> {
    let stamps = transaction.stamps.iter().take(MAX_STAMPS);
    stamps
        .filter_map(|token| Some(parts(token)?.writer))
        .collect()
}

struct Parts<'a> {
    writer: &'a str,
    expiry: &'a str,
    mac: Vec<u8>,
}

fn parts(token: &[u8]) -> Option<Parts<'_>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let text = std::str::from_utf8(token).ok()?;
    let mut fields = text.split('.');
    let (version, writer, expiry, mac) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    if fields.next().is_some() || version != "v1" || !is_writer(writer) {
        return None;
    }
    let mac = unhex(mac)?;
    Some(Parts {
        writer,
        expiry,
        mac,
    })
}

fn is_good(
    token: &[u8],
    source: &SourceName,
    id: &str,
    keys: &[StampKey],
    committed: Instant,
) -> bool {
    let Some(Parts {
        writer,
        expiry,
        mac,
    }) = parts(token)
    else {
        return false;
    };
    let Ok(expires) = expiry.parse::<i64>() else {
        return false;
    };
    let committed = committed.0.div_euclid(1_000_000);
    if !(committed..=committed.saturating_add(MAX_LIFE_S)).contains(&expires) {
        return false;
    }
    // The expiry is hashed as it was written, so that `+5` and `05` are no second spellings.
    keys.iter().any(|key| {
        key.mac(source, id, expiry, writer)
            .verify_slice(&mac)
            .is_ok()
    })
}

fn is_writer(name: &str) -> bool {
    (1..=MAX_WRITER).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_secs(1_800_000_000);

    fn key(byte: u8) -> StampKey {
        StampKey::from_bytes(&[byte; KEY_BYTES]).unwrap()
    }

    fn shop() -> SourceName {
        SourceName::from("shop")
    }

    fn transaction(id: &str, stamps: &[String]) -> SourceTransaction {
        SourceTransaction {
            id: id.into(),
            committed_at: NOW,
            stamps: stamps.iter().map(|s| s.clone().into_bytes()).collect(),
            ..SourceTransaction::default()
        }
    }

    fn good() -> String {
        let expires = NOW.plus_s(60);
        key(7).token(&shop(), "771", "checkout", expires).unwrap()
    }

    #[test]
    fn a_token_is_the_mac_of_its_five_lines() {
        // Made with: printf 'balefire-stamp-v1\nshop\n771\n1800000060\ncheckout' |
        //   openssl dgst -sha256 -mac HMAC -macopt hexkey:0707..07
        expect_test::expect!["v1.checkout.1800000060.c3e521a7a6c35d3ab97a52de73f0265bda6931552feeedd170a410eb4c30228b"].assert_eq(&good());
        assert_eq!(
            verify(&shop(), &transaction("771", &[good()]), &[key(7)], NOW),
            Stamp::Valid
        );
        assert_eq!(writers(&transaction("771", &[good()])), ["checkout"]);
    }

    #[test]
    fn what_is_not_the_shops_is_wrong() {
        let check = |transaction: &SourceTransaction, keys: &[StampKey], now, expected| {
            assert_eq!(
                verify(&shop(), transaction, keys, now),
                expected,
                "{transaction:?}"
            );
        };
        let keys = &[key(7)];
        check(&transaction("771", &[]), keys, NOW, Stamp::Missing);
        // Replayed in another transaction, or in another source.
        check(&transaction("772", &[good()]), keys, NOW, Stamp::Wrong);
        let other = SourceName::from("shop2");
        let told = transaction("771", &[good()]);
        assert_eq!(verify(&other, &told, keys, NOW), Stamp::Wrong);
        // Another key, no key; a new key beside the old one.
        check(&told, &[key(8)], NOW, Stamp::Wrong);
        check(&told, &[], NOW, Stamp::Wrong);
        check(&told, &[key(8), key(7)], NOW, Stamp::Valid);
        // One good stamp is enough, but not behind a heap of bad ones.
        check(
            &transaction("771", &["x".into(), good()]),
            keys,
            NOW,
            Stamp::Valid,
        );
        let mut heap = vec!["x".to_owned(); MAX_STAMPS];
        heap.push(good());
        check(&transaction("771", &heap), keys, NOW, Stamp::Wrong);
    }

    #[test]
    fn a_token_expires_by_the_commit_and_not_by_our_arrival() {
        let at = |committed_at, now| {
            let told = SourceTransaction {
                committed_at,
                ..transaction("771", &[good()])
            };
            verify(&shop(), &told, &[key(7)], now)
        };
        assert_eq!(at(NOW, NOW.plus_s(86_400 * 3)), Stamp::Valid);
        assert_eq!(at(NOW.plus_s(60), NOW.plus_s(60)), Stamp::Valid);
        assert_eq!(at(NOW.plus_s(61), NOW.plus_s(61)), Stamp::Wrong);
        // No time told: now. A commit from the future is no excuse.
        assert_eq!(at(Instant(0), NOW.plus_s(61)), Stamp::Wrong);
        assert_eq!(at(NOW.plus_s(30), NOW), Stamp::Valid);
        // A token for ever is none.
        assert_eq!(at(NOW.plus_s(-MAX_LIFE_S), NOW), Stamp::Wrong);
    }

    #[test]
    fn a_bent_token_is_wrong() {
        let token = good();
        let bent: Vec<String> = vec![
            token.replace("checkout", "refunds"),
            token.replace("1800000060", "1800000061"),
            token.replace("1800000060", "+1800000060"),
            token.replace("1800000060", "01800000060"),
            token.replace("v1", "v2"),
            format!("{token}.x"),
            token[..token.len() - 2].to_owned(),
            format!("{token}00"),
            token.replace("checkout", ""),
            String::new(),
            "v1...".into(),
            "x".repeat(4096),
        ];
        for bent in bent {
            let told = transaction("771", std::slice::from_ref(&bent));
            assert_eq!(
                verify(&shop(), &told, &[key(7)], NOW),
                Stamp::Wrong,
                "{bent}"
            );
        }
    }

    #[test]
    fn a_key_is_never_shown_and_never_short() {
        assert_eq!(format!("{:?}", key(7)), "StampKey(..)");
        assert_eq!(
            StampKey::from_bytes(&[7; 31]).map(|_| ()),
            Err(StampError::ShortKey(31))
        );
        for name in ["", "a.b", "a\nb", "名"] {
            let made = key(7).token(&shop(), "1", name, NOW);
            assert_eq!(made, Err(StampError::Writer), "{name}");
        }
    }
}
