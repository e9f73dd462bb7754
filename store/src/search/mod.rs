//! Full-text search over incidents: what is stored, and how a question is put.
//!
//! Both databases are given the same words (`words`), so that they find the same. Hits in the
//! names of an incident come first, then the newest; nothing is weighed by how rare a word is,
//! because that would let hidden incidents show through.
//! Deliberately not here: which text is searched (room `incident`) and who may see it (room `desk`).

pub(crate) mod fts5;
mod hits;
pub(crate) mod tsvector;
pub(crate) mod words;

pub(crate) use hits::Search;

/// Words stored of one part; with the 16,383 positions of a tsvector in mind.
const MAX_STORED: usize = 12_000;
/// Words stored of the names.
const MAX_NAMES: usize = 400;
/// Phrases of one question; more are not looked at.
const MAX_ASKED: usize = 12;
/// Characters of a question; more are not looked at.
const MAX_TYPED: usize = 200;

/// A part of an incident's text, as the words that are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPart {
    /// Counts from 0 within the incident; at most [`TextPart::MOST`].
    pub part: u16,
    pub(crate) names: String,
    pub(crate) body: String,
}

impl TextPart {
    /// Parts of one incident. What goes beyond is not searched; the record holds it.
    pub const MOST: u16 = 1_023;

    /// Every part carries the names, so that words of both are found together.
    pub fn new(part: u16, names: &str, body: &str) -> Self {
        Self {
            part: part.min(Self::MOST),
            names: words::stored(names, MAX_NAMES),
            body: words::stored(body, MAX_STORED),
        }
    }
}

/// A question: phrases that must all be found.
pub(crate) struct Asked {
    phrases: Vec<words::Phrase>,
}

/// Where the phrases of a question are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of them in the names.
    Names,
    /// Each in the names or in the body.
    Anywhere,
    /// Anywhere, but not all of them in the names.
    Elsewhere,
}

impl Asked {
    /// `None`: nothing is asked for, or nothing that could be found.
    pub fn of(typed: &str) -> Option<Self> {
        let typed: String = typed.chars().take(MAX_TYPED).collect();
        let phrases = words::asked(&typed, MAX_ASKED);
        (!phrases.is_empty()).then_some(Self { phrases })
    }
}
