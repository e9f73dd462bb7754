//! Receipt numbers: what a reporter comes back with, and the name under which staff know a report.
//!
//! The receipt is a secret of the reporter and is kept nowhere: it is computed from the request
//! and what was said, under a key of the folder, so that sending the same report again gives the
//! same number. What is stored, paged and journaled is the report's own name, which is computed
//! from the receipt and does not lead back to it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use model::ReceiptNo;
use sha2::Sha256;
use std::fmt;

/// Without those that are mistaken for each other (0 and O, 1 and I).
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Letters before the check letter: 55 bits, which cannot be guessed over the network.
const SECRET: usize = 11;
const GROUP: usize = 4;
/// Letters of a report's own name.
const NAME: usize = 10;
/// Letters of a receipt as it was given before it had a check letter.
const OLD: usize = 10;

/// What the reporter holds. It is shown to the reporter once and is in no log, error or store.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt(String);

impl Receipt {
    /// `7K2F-9QXM-4TCA`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt(..)")
    }
}

/// A number as somebody typed or read it out.
pub(super) enum Typed {
    Receipt(Receipt),
    /// From a folder of an earlier version: its receipt was the report's name.
    Old(ReceiptNo),
    No,
}

/// The receipt of a request and what it said.
pub(super) fn issue(key: &[u8; 32], request: &str, said: &[u8]) -> Receipt {
    let bytes = mac(key, b"receipt", &[request.as_bytes(), said]);
    let mut text = letters(&bytes, SECRET);
    text.push(check(text.as_bytes()));
    Receipt(grouped(&text, GROUP))
}

/// The name of the report that a receipt belongs to.
pub(super) fn name(key: &[u8; 32], receipt: &Receipt) -> ReceiptNo {
    let text = letters(&mac(key, b"report", &[receipt.0.as_bytes()]), NAME);
    ReceiptNo::new(format!("R-{}", grouped(&text, 5)))
}

/// Reads a number as people write it: any case, with or without hyphens and spaces.
pub(super) fn read(typed: &str) -> Typed {
    let text: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && !"-–—‐‑－_.".contains(*c))
        .take(SECRET + 2)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if !text.bytes().all(|b| LETTERS.contains(&b)) {
        return Typed::No;
    }
    match text.len() {
        OLD => Typed::Old(ReceiptNo::new(grouped(&text, 5))),
        n if n == SECRET + 1 && text.ends_with(check(&text.as_bytes()[..SECRET])) => {
            Typed::Receipt(Receipt(grouped(&text, GROUP)))
        }
        _ => Typed::No,
    }
}

fn mac(key: &[u8; 32], purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of 32 bytes");
    for part in std::iter::once(&purpose).chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn letters(bytes: &[u8], n: usize) -> String {
    let letter = |b: &u8| LETTERS[usize::from(b & 31)] as char;
    bytes.iter().take(n).map(letter).collect()
}

fn grouped(text: &str, size: usize) -> String {
    let groups: Vec<&str> = (0..text.len())
        .step_by(size)
        .map(|at| &text[at..(at + size).min(text.len())])
        .collect();
    groups.join("-")
}

/// The sum of the letters, each times a power of the generator of GF(32): one wrong letter, or
/// two that changed places, give another sum.
fn check(text: &[u8]) -> char {
    let mut sum = 0_u8;
    for letter in text {
        let value = LETTERS.iter().position(|l| l == letter).unwrap_or(0) as u8;
        sum = times_generator(sum ^ value);
    }
    LETTERS[usize::from(sum & 31)] as char
}

/// In GF(32) with x^5 + x^2 + 1.
const fn times_generator(a: u8) -> u8 {
    let shifted = a << 1;
    if shifted & 32 == 0 {
        shifted
    } else {
        (shifted ^ 0b10_0101) & 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        issue(&[7; 32], "request", b"what was said")
    }

    #[test]
    fn the_same_report_has_the_same_number_and_another_one_has_not() {
        assert_eq!(receipt(), receipt());
        for other in [
            issue(&[8; 32], "request", b"what was said"),
            issue(&[7; 32], "request2", b"what was said"),
            issue(&[7; 32], "request", b"what was said!"),
            issue(&[7; 32], "requestw", b"hat was said"),
        ] {
            assert_ne!(receipt(), other);
        }
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let receipt = receipt();
        let plain = receipt.as_str().replace('-', "");
        for typed in [
            receipt.as_str().to_owned(),
            plain.to_lowercase(),
            format!(" {} {} {}", &plain[..4], &plain[4..8], &plain[8..]),
            receipt.as_str().replace('-', "－"),
        ] {
            assert!(
                matches!(read(&typed), Typed::Receipt(r) if r == receipt),
                "{typed}"
            );
        }
        assert!(matches!(read("ABCDE-FGHJK"), Typed::Old(_)));
        for wrong in ["", "R-ABCDE-FGHJK", "1234", "ÄÖÜ", &"A".repeat(5_000)] {
            assert!(matches!(read(wrong), Typed::No), "{wrong}");
        }
    }

    #[test]
    fn every_wrong_letter_and_every_swap_is_noticed() {
        let plain = receipt().as_str().replace('-', "");
        let good = |text: &str| matches!(read(text), Typed::Receipt(_));
        assert!(good(&plain));
        for at in 0..plain.len() {
            for letter in LETTERS {
                let mut text = plain.clone().into_bytes();
                if text[at] == *letter {
                    continue;
                }
                text[at] = *letter;
                assert!(!good(std::str::from_utf8(&text).unwrap()), "{at}");
            }
            for other in at + 1..plain.len() {
                let mut text = plain.clone().into_bytes();
                if text[at] == text[other] {
                    continue;
                }
                text.swap(at, other);
                assert!(!good(std::str::from_utf8(&text).unwrap()), "{at} {other}");
            }
        }
    }

    #[test]
    fn the_name_does_not_hold_the_number() {
        let receipt = receipt();
        let name = name(&[7; 32], &receipt);
        assert!(name.as_str().starts_with("R-") && !name.as_str().contains(&receipt.0[..4]));
        assert!(matches!(read(name.as_str()), Typed::No));
        assert_eq!(format!("{receipt:?}"), "Receipt(..)");
    }
}
