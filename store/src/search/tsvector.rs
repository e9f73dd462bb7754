//! The words in PostgreSQL: an index of the words of each part, and the words themselves.
//!
//! A `tsvector` keeps 256 positions of a word at most, so that phrases would be lost in long texts.
//! Here it holds no positions: it finds the parts that hold all words, and of a phrase of several
//! words its place in the text is looked up. What is found is what FTS5 finds. Words hold letters
//! and digits only, so that nothing of the language of `tsquery` can stand in them.

use super::words::Phrase;
use super::{Asked, Place, TextPart};
use crate::sql::{Connection, SqlError, Value, values};
use std::collections::BTreeSet;

/// Before a word of the names, and of the body. Tags begin with `_`.
const NAME: char = 'n';
const BODY: char = 'b';
/// Bytes of a part's different words; a `tsvector` holds 1 MiB. What goes beyond is not searched.
const MAX_WORD_BYTES: usize = 900_000;

pub(crate) fn put(
    db: &Connection,
    place: i64,
    part: &TextPart,
    tags: &str,
) -> Result<(), SqlError> {
    let sql = "INSERT INTO incident_text (part, names, body, words)
               VALUES (?1, ?2, ?3, array_to_tsvector(string_to_array(?4, ' ')))
               ON CONFLICT (part) DO UPDATE SET names = excluded.names, body = excluded.body,
               words = excluded.words";
    let words = lexemes(part, tags);
    db.execute(sql, values![place, &part.names, &part.body, words])
        .map(drop)
}

fn lexemes(part: &TextPart, tags: &str) -> String {
    let of = |text: &str, column: char| -> BTreeSet<String> {
        let words = text.split_ascii_whitespace();
        words.map(|word| format!("{column}{word}")).collect()
    };
    let mut all = tags.to_owned();
    for word in of(&part.names, NAME).iter().chain(&of(&part.body, BODY)) {
        if all.len() + word.len() > MAX_WORD_BYTES {
            break;
        }
        all.push(' ');
        all.push_str(word);
    }
    all
}

/// A statement that gives the parts found, the newest first. Its first three values are the first
/// part, the last part and the number of rows.
pub(crate) struct Question {
    pub sql: String,
    /// Behind the first three.
    pub values: Vec<Value<'static>>,
}

impl Question {
    /// `period`: the incident was opened at the first time or later, and before the second.
    pub fn of(asked: &Asked, place: Place, tags: &[String], period: Option<(i64, i64)>) -> Self {
        let mut question = Self {
            sql: "SELECT part FROM incident_text WHERE part BETWEEN ?1 AND ?2".to_owned(),
            values: Vec::new(),
        };
        let found = match place {
            Place::Names => question.in_names(asked, tags),
            Place::Anywhere => question.anywhere(asked, tags),
            Place::Elsewhere => {
                let anywhere = question.anywhere(asked, tags);
                format!("{anywhere} AND NOT ({})", question.in_names(asked, &[]))
            }
        };
        question.sql.push_str(&format!(" AND {found}"));
        if let Some((from, before)) = period {
            let (from, before) = (question.value(from), question.value(before));
            question.sql.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM incident WHERE number = part / {}
                  AND opened_at >= {from} AND opened_at < {before})",
                crate::incident_index::PARTS
            ));
        }
        question.sql.push_str(" ORDER BY part DESC LIMIT ?3");
        question
    }

    /// Where the value stands.
    fn value(&mut self, value: impl Into<Value<'static>>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len() + 3)
    }

    fn in_names(&mut self, asked: &Asked, tags: &[String]) -> String {
        let words = asked.phrases.iter().map(|phrase| all_words(phrase, NAME));
        let mut sql = self.holds(words.collect(), tags);
        for phrase in several(asked) {
            let place = self.value(in_text(phrase));
            sql.push_str(&format!(" AND strpos(' ' || names || ' ', {place}) > 0"));
        }
        sql
    }

    fn anywhere(&mut self, asked: &Asked, tags: &[String]) -> String {
        let words = asked.phrases.iter().map(|phrase| {
            format!(
                "({} | {})",
                all_words(phrase, NAME),
                all_words(phrase, BODY)
            )
        });
        let mut sql = self.holds(words.collect(), tags);
        for phrase in several(asked) {
            let place = self.value(in_text(phrase));
            sql.push_str(&format!(
                " AND (strpos(' ' || names || ' ', {place}) > 0 OR strpos(' ' || body || ' ', {place}) > 0)"
            ));
        }
        sql
    }

    fn holds(&mut self, mut words: Vec<String>, tags: &[String]) -> String {
        words.extend(tags.iter().map(|tag| format!("'{tag}'")));
        let place = self.value(words.join(" & "));
        format!("words @@ CAST({place} AS tsquery)")
    }
}

/// Phrases whose words must stand side by side.
fn several(asked: &Asked) -> impl Iterator<Item = &Phrase> {
    asked.phrases.iter().filter(|phrase| phrase.words.len() > 1)
}

/// The phrase as it stands between other words; an open one may go on.
fn in_text(phrase: &Phrase) -> String {
    let end = if phrase.open { "" } else { " " };
    format!(" {}{end}", phrase.words.join(" "))
}

fn all_words(phrase: &Phrase, column: char) -> String {
    let last = phrase.words.len().saturating_sub(1);
    let words = phrase.words.iter().enumerate().map(|(i, word)| {
        let open = if phrase.open && i == last { ":*" } else { "" };
        format!("'{column}{word}'{open}")
    });
    format!("({})", words.collect::<Vec<_>>().join(" & "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_part_stay_within_what_an_index_row_can_hold() {
        let wide = '\u{10330}'; // four bytes
        let word = |n: usize| format!("{n:05}{}", wide.to_string().repeat(35));
        let body: Vec<String> = (0..12_000).map(word).collect();
        let part = TextPart::new(0, "names", &body.join(" "));
        let all = lexemes(&part, "_open");
        assert!(all.len() > 800_000 && all.len() <= MAX_WORD_BYTES);
        assert!(all.starts_with("_open nnames b00000"));
    }

    #[test]
    fn a_question_says_where_its_phrases_stand() {
        let asked = Asked::of("篡改订单 ord").unwrap();
        let tags = ["_open".to_owned()];
        let question = Question::of(&asked, Place::Elsewhere, &tags, Some((1, 9)));
        assert_eq!(question.values.len(), 6);
        assert!(
            question
                .sql
                .contains("AND NOT (words @@ CAST(?6 AS tsquery)")
        );
        let Value::Text(Some(words)) = &question.values[0] else {
            panic!("no text");
        };
        assert_eq!(
            words,
            "(('n篡改' & 'n改订' & 'n订单') | ('b篡改' & 'b改订' & 'b订单')) & (('nord':*) | ('bord':*)) & '_open'"
        );
    }
}
