//! The words of a statement that an operator wrote into a policy, one by one.
//!
//! Deliberately not here: SQL as a whole. Whatever the simple forms of [`crate::void`] and
//! [`crate::reverse`] do not have makes the statement one that is not understood.

use crate::stored::Literal;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A bare or quoted name; keywords are bare names.
    Name {
        text: String,
        quoted: bool,
    },
    Text(String),
    Number(String),
    Parameter(String),
    Sign(char),
}

pub(crate) struct Tokens {
    list: Vec<Token>,
    at: usize,
}

impl Tokens {
    /// `None`: something stands in it that the simple forms do not have.
    pub(crate) fn of(sql: &str) -> Option<Self> {
        Some(Self {
            list: tokens(sql)?,
            at: 0,
        })
    }

    fn take<T>(&mut self, read: impl FnOnce(&Token) -> Option<T>) -> Option<T> {
        let value = read(self.list.get(self.at)?)?;
        self.at += 1;
        Some(value)
    }
    pub(crate) fn keyword(&mut self, word: &str) -> Option<()> {
        self.take(|token| match token {
            Token::Name {
                text,
                quoted: false,
            } if text.eq_ignore_ascii_case(word) => Some(()),
            _ => None,
        })
    }
    pub(crate) fn name(&mut self) -> Option<String> {
        self.take(|token| match token {
            Token::Name { text, .. } => Some(text.clone()),
            _ => None,
        })
    }
    /// `table` or `schema.table`.
    pub(crate) fn table(&mut self) -> Option<String> {
        let first = self.name()?;
        match self.sign('.') {
            Some(()) => Some(format!("{first}.{}", self.name()?)),
            None => Some(first),
        }
    }
    pub(crate) fn sign(&mut self, sign: char) -> Option<()> {
        self.take(|token| (*token == Token::Sign(sign)).then_some(()))
    }
    pub(crate) fn parameter(&mut self) -> Option<String> {
        self.take(|token| match token {
            Token::Parameter(name) => Some(name.clone()),
            _ => None,
        })
    }
    pub(crate) fn literal(&mut self) -> Option<Literal> {
        let start = self.at;
        let negative = self.sign('-').is_some();
        let value = self.take(|token| match token {
            Token::Number(digits) => {
                let sign = if negative { "-" } else { "" };
                format!("{sign}{digits}").parse().ok().map(Literal::Integer)
            }
            Token::Text(text) if !negative => Some(Literal::Text(text.clone())),
            Token::Name {
                text,
                quoted: false,
            } if !negative => match text.to_ascii_lowercase().as_str() {
                "null" => Some(Literal::Null),
                "true" => Some(Literal::Boolean(true)),
                "false" => Some(Literal::Boolean(false)),
                _ => None,
            },
            _ => None,
        });
        if value.is_none() {
            self.at = start;
        }
        value
    }
    /// Nothing follows but semicolons.
    pub(crate) fn end(&mut self) -> Option<()> {
        while self.sign(';').is_some() {}
        (self.at == self.list.len()).then_some(())
    }
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '\'' => {
                let (text, tail) = quoted(rest, '\'')?;
                // Some servers read a backslash as an escape and others do not.
                if text.contains('\\') {
                    return None;
                }
                (Token::Text(text), tail)
            }
            '"' | '`' => {
                let (text, tail) = quoted(rest, first)?;
                (Token::Name { text, quoted: true }, tail)
            }
            ':' => {
                let (name, tail) = parameter(&rest[1..])?;
                (Token::Parameter(name), tail)
            }
            c if c.is_ascii_digit() => {
                let (digits, tail) = word(rest);
                (Token::Number(digits.to_owned()), tail)
            }
            c if c.is_alphabetic() || c == '_' => {
                let (text, tail) = word(rest);
                let text = text.to_owned();
                (
                    Token::Name {
                        text,
                        quoted: false,
                    },
                    tail,
                )
            }
            '=' | ',' | ';' | '-' | '.' | '(' | ')' => (Token::Sign(first), &rest[1..]),
            _ => return None,
        };
        // Two minus signs open a comment, which could hide anything.
        if token == Token::Sign('-') && tail.starts_with('-') {
            return None;
        }
        out.push(token);
        rest = tail.trim_start();
    }
    Some(out)
}

/// `:name`, or `:"Name"` for a column with other letters.
fn parameter(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    let (name, tail) = word(text);
    (!name.is_empty()).then(|| (name.to_owned(), tail))
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A quoted text, in which the quote itself stands doubled, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.get(1..)?;
    loop {
        let end = rest.find(quote)?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(quote) {
            Some(tail) => {
                out.push(quote);
                rest = tail;
            }
            None => return Some((out, rest)),
        }
    }
}
