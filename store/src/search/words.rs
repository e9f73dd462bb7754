//! From text to the words that are stored and asked for: one function for both databases.
//!
//! Latin and other alphabets give words and numbers; Chinese, Japanese and Korean text, which has
//! no spaces, gives overlapping pairs of characters, so that any part of a sentence is found and
//! no dictionary decides what a word is. docs/search.md says why.
//! Deliberately not here: SQL, and which text is searched.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Characters of one word; a longer run is cut into several.
const MAX_WORD_CHARS: usize = 40;
/// Characters that a word must have to be taken for a beginning; with fewer, an order prefix such
/// as `so` would be looked up in every order number.
const LEAST_BEGINNING: usize = 3;

/// A run of text that belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Run {
    Word(String),
    /// Characters of a script without spaces.
    Pairs(Vec<char>),
}

/// The stream that is stored: words in order, separated by single spaces. A run of characters
/// `abcd` gives `ab bc cd d`: its last character stands alone, so that each one begins a word.
/// At most `limit` words.
pub(crate) fn stored(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut left = limit;
    let mut add = |word: &mut dyn Iterator<Item = char>| {
        if left == 0 {
            return false;
        }
        left -= 1;
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word);
        true
    };
    for run in runs(text) {
        match run {
            Run::Word(word) => {
                if !add(&mut word.chars()) {
                    break;
                }
            }
            Run::Pairs(chars) => {
                let pairs = chars.windows(2).map(<[char]>::to_vec);
                let last = chars.last().map(|c| vec![*c]);
                if !pairs.chain(last).all(|w| add(&mut w.into_iter())) {
                    break;
                }
            }
        }
    }
    out
}

/// One thing asked for: its words stand side by side in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub words: Vec<String>,
    /// The last word may go on.
    pub open: bool,
}

/// What a person typed: every phrase must be found. Spaces separate phrases, quotation marks
/// keep one together. The last Latin word, of three characters or more, is taken for a beginning.
/// At most `limit` phrases.
pub(crate) fn asked(typed: &str, limit: usize) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    // The parts between quotation marks, by turns outside and inside.
    for (i, part) in typed.split(['"', '“', '”', '「', '」']).enumerate() {
        if i % 2 == 1 {
            phrases.extend(phrase(part));
        } else {
            phrases.extend(part.split_whitespace().filter_map(phrase));
        }
    }
    phrases.truncate(limit);
    let ends_in_word = typed.chars().last().is_some_and(char::is_alphanumeric);
    if let Some(last) = phrases.last_mut().filter(|_| ends_in_word)
        && let Some(word) = last.words.last()
        && word.chars().count() >= LEAST_BEGINNING
        && !word.chars().any(is_unspaced)
    {
        last.open = true;
    }
    phrases
}

fn phrase(text: &str) -> Option<Phrase> {
    let runs: Vec<Run> = runs(text).collect();
    let mut words = Vec::new();
    let mut open = false;
    for (i, run) in runs.iter().enumerate() {
        let at_end = i + 1 == runs.len();
        match run {
            Run::Word(word) => words.push(word.clone()),
            Run::Pairs(chars) => {
                words.extend(chars.windows(2).map(|pair| pair.iter().collect::<String>()));
                // In the text the run may go on; where something follows it does not.
                if chars.len() == 1 || !at_end {
                    words.extend(chars.last().map(char::to_string));
                }
                open = at_end && chars.len() == 1;
            }
        }
    }
    (!words.is_empty()).then_some(Phrase { words, open })
}

/// NFKD without combining marks, then NFC, in lower case: `Ｃａｆé` and `cafe` are one word.
fn runs(text: &str) -> impl Iterator<Item = Run> {
    let mut chars = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .nfc()
        .flat_map(char::to_lowercase)
        .peekable();
    std::iter::from_fn(move || {
        while chars.next_if(|c| !c.is_alphanumeric()).is_some() {}
        let first = *chars.peek()?;
        let unspaced = is_unspaced(first);
        let mut taken = Vec::new();
        while let Some(c) = chars.next_if(|c| {
            c.is_alphanumeric()
                && is_unspaced(*c) == unspaced
                && (unspaced || taken.len() < MAX_WORD_CHARS)
        }) {
            taken.push(c);
        }
        Some(match unspaced {
            true => Run::Pairs(taken),
            false => Run::Word(taken.into_iter().collect()),
        })
    })
}

/// Ideographs, kana, Hangul: scripts whose words are not separated, or not in the way asked for.
fn is_unspaced(c: char) -> bool {
    matches!(c as u32,
        0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x30FF | 0x3105..=0x318F
        | 0x31A0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xA000..=0xA4CF | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF | 0x1100..=0x11FF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(phrases: &[Phrase]) -> Vec<String> {
        phrases
            .iter()
            .map(|p| format!("{}{}", p.words.join(" "), if p.open { "*" } else { "" }))
            .collect()
    }

    #[test]
    fn chinese_gives_pairs_and_latin_gives_words() {
        assert_eq!(
            stored("篡改订单 Order-123", 99),
            "篡改 改订 订单 单 order 123"
        );
        assert_eq!(stored("订单order改", 99), "订单 单 order 改");
        assert_eq!(stored("ＣＡＦÉ　①", 99), "cafe 1");
        assert_eq!(stored(" ,.;\u{0}\n", 99), "");
        assert_eq!(stored("一二三四", 2), "一二 二三");
    }

    #[test]
    fn a_question_is_phrases_and_its_last_latin_word_a_beginning() {
        assert_eq!(shown(&asked("篡改订单 ord", 9)), ["篡改 改订 订单", "ord*"]);
        assert_eq!(shown(&asked("单", 9)), ["单*"]);
        assert_eq!(
            shown(&asked("订单order 支付", 9)),
            ["订单 单 order", "支付"]
        );
        assert_eq!(
            shown(&asked("\"paid order\" twice", 9)),
            ["paid order", "twice*"]
        );
        // Two letters would begin everything; a finished word is not a beginning.
        assert_eq!(shown(&asked("so", 9)), ["so"]);
        assert_eq!(shown(&asked("order ", 9)), ["order"]);
        assert_eq!(shown(&asked("i-0af3", 9)), ["i 0af3*"]);
        assert!(asked("\" * ( ) - : ^ \"", 9).is_empty());
        assert_eq!(asked("a b c d e f", 3).len(), 3);
    }

    #[test]
    fn every_part_of_a_stored_text_is_found_by_its_words() {
        let text = "攻击者在 23:15 修改了订单 SO-1024 的 total 字段，支付网关未报警。";
        let stream = format!(" {} ", stored(text, 999));
        let chars: Vec<char> = text.chars().collect();
        for from in 0..chars.len() {
            for to in from + 1..chars.len().min(from + 12) {
                let part: String = chars[from..to].iter().collect();
                // A cut through a Latin word is a beginning at best; cuts elsewhere must be found.
                let inside = |i: usize| {
                    let latin = |c: char| c.is_ascii_alphanumeric();
                    i > 0 && i < chars.len() && latin(chars[i - 1]) && latin(chars[i])
                };
                if inside(from) || inside(to) {
                    continue;
                }
                for phrase in asked(&format!("\"{part}\" "), 9) {
                    let wanted = format!(" {}", phrase.words.join(" "));
                    let wanted = if phrase.open { wanted } else { wanted + " " };
                    assert!(stream.contains(&wanted), "{part}: {wanted} in {stream}");
                }
            }
        }
    }
}
