//! The statement that sets a forged row aside, where it is simple enough to know beforehand what
//! it leaves: `UPDATE t SET column = literal[, ...] WHERE key = :key [AND ...]`.
//!
//! Anything else (expressions, other tables, functions) is not guessed at; a person decides.

use model::{TableSchema, Value};

/// What the statement writes, by column position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Void {
    pub(crate) set: Vec<(u16, Value)>,
}

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

/// `None`: not of the simple form, or it does not name exactly this table and its whole key.
pub(crate) fn parse(sql: &str, schema: &TableSchema, key: &[u16]) -> Option<Void> {
    let mut tokens = Tokens {
        list: tokens(sql)?,
        at: 0,
    };
    tokens.keyword("update")?;
    if !tokens.name()?.eq_ignore_ascii_case(&schema.name) {
        return None;
    }
    tokens.keyword("set")?;
    let mut set: Vec<(u16, Value)> = Vec::new();
    loop {
        let column = column(schema, &tokens.name()?)?;
        tokens.sign('=')?;
        let value = stored(
            tokens.literal()?,
            &schema.columns[usize::from(column)].declared,
        )?;
        if key.contains(&column) || set.iter().any(|(c, _)| *c == column) {
            return None;
        }
        set.push((column, value));
        if tokens.sign(',').is_none() {
            break;
        }
    }
    tokens.keyword("where")?;
    let mut named = Vec::new();
    loop {
        let name = tokens.name()?;
        tokens.sign('=')?;
        let parameter = tokens.parameter()?;
        if !name.eq_ignore_ascii_case(&parameter) {
            return None;
        }
        named.push(column(schema, &name)?);
        if tokens.keyword("and").is_none() {
            break;
        }
    }
    while tokens.sign(';').is_some() {}
    let mut whole = key.to_vec();
    named.sort_unstable();
    whole.sort_unstable();
    (tokens.at == tokens.list.len() && named == whole).then_some(Void { set })
}

/// SQL names are compared without case.
fn column(schema: &TableSchema, name: &str) -> Option<u16> {
    schema
        .columns
        .iter()
        .position(|c| c.name.eq_ignore_ascii_case(name))
        .map(|i| i as u16)
}

/// What a column of this declared type keeps of a literal; `None` where a conversion would have
/// to be guessed (SQLite, "Datatypes", 3).
fn stored(literal: Value, declared: &str) -> Option<Value> {
    let declared = declared.to_uppercase();
    let has = |parts: &[&str]| parts.iter().any(|p| declared.contains(p));
    let text = !has(&["INT"]) && has(&["CHAR", "CLOB", "TEXT"]);
    let none = declared.trim().is_empty() || declared.contains("BLOB") && !has(&["INT"]);
    match literal {
        Value::Integer(i) if text => Some(Value::text(&i.to_string())),
        Value::Integer(i) if !none && !has(&["INT"]) && has(&["REAL", "FLOA", "DOUB"]) => {
            // Beyond 2^53 a real would not be the integer.
            (i.unsigned_abs() <= 1 << 53).then_some(Value::Real(i as f64))
        }
        Value::Text(_) if !text && !none => None,
        other => Some(other),
    }
}

struct Tokens {
    list: Vec<Token>,
    at: usize,
}

impl Tokens {
    fn take<T>(&mut self, read: impl FnOnce(&Token) -> Option<T>) -> Option<T> {
        let value = read(self.list.get(self.at)?)?;
        self.at += 1;
        Some(value)
    }
    fn keyword(&mut self, word: &str) -> Option<()> {
        self.take(|token| match token {
            Token::Name {
                text,
                quoted: false,
            } if text.eq_ignore_ascii_case(word) => Some(()),
            _ => None,
        })
    }
    fn name(&mut self) -> Option<String> {
        self.take(|token| match token {
            Token::Name { text, .. } => Some(text.clone()),
            _ => None,
        })
    }
    fn sign(&mut self, sign: char) -> Option<()> {
        self.take(|token| (*token == Token::Sign(sign)).then_some(()))
    }
    fn parameter(&mut self) -> Option<String> {
        self.take(|token| match token {
            Token::Parameter(name) => Some(name.clone()),
            _ => None,
        })
    }
    fn literal(&mut self) -> Option<Value> {
        let negative = self.sign('-').is_some();
        let value = self.take(|token| match token {
            Token::Number(digits) => {
                let sign = if negative { "-" } else { "" };
                format!("{sign}{digits}").parse().ok().map(Value::Integer)
            }
            Token::Text(text) if !negative => Some(Value::text(text)),
            Token::Name {
                text,
                quoted: false,
            } if !negative && text.eq_ignore_ascii_case("null") => Some(Value::Null),
            _ => None,
        })?;
        Some(value)
    }
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '\'' => {
                let (text, tail) = quoted(rest, '\'')?;
                (Token::Text(text), tail)
            }
            '"' | '`' => {
                let (text, tail) = quoted(rest, first)?;
                (Token::Name { text, quoted: true }, tail)
            }
            ':' => {
                let (name, tail) = word(&rest[1..]);
                (Token::Parameter(name.to_owned()), tail)
            }
            c if c.is_ascii_digit() => {
                let (digits, tail) = word(rest);
                (Token::Number(digits.to_owned()), tail)
            }
            c if c.is_alphabetic() || c == '_' => {
                let (text, tail) = word(rest);
                (
                    Token::Name {
                        text: text.to_owned(),
                        quoted: false,
                    },
                    tail,
                )
            }
            '=' | ',' | ';' | '-' => (Token::Sign(first), &rest[1..]),
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

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use model::policy::ColumnSchema;

    fn check(sql: &str, expected: Expect) {
        let column = |name: &str, declared: &str| ColumnSchema {
            name: name.into(),
            declared: declared.into(),
            not_null: false,
        };
        let schema = TableSchema {
            name: "orders".into(),
            columns: vec![
                column("id", "INTEGER"),
                column("status", "TEXT"),
                column("n", "INTEGER"),
            ],
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        };
        let parsed = parse(sql, &schema, &[0]).map(|void| {
            let shown = |(c, v): &(u16, Value)| format!("{}={}", schema.name_of(*c), v.as_ref());
            void.set.iter().map(shown).collect::<Vec<_>>().join(" ")
        });
        expected.assert_eq(&parsed.unwrap_or_else(|| "a person".into()));
    }

    #[test]
    fn simple_statements_are_understood() {
        check(
            "UPDATE orders SET status = 'void' WHERE id = :id",
            expect!["status=void"],
        );
        check(
            "update \"orders\" set \"status\"='it''s', n = -5 where ID=:id;",
            expect!["status=it's n=-5"],
        );
        check(
            "UPDATE orders SET status = NULL WHERE id = :id",
            expect!["status=NULL"],
        );
        check(
            "UPDATE orders SET status = 7 WHERE id = :id",
            expect!["status=7"],
        );
    }

    #[test]
    fn anything_else_goes_to_a_person() {
        for sql in [
            "DELETE FROM orders WHERE id = :id",
            "UPDATE payments SET status = 'void' WHERE id = :id",
            "UPDATE orders SET status = 'void'",
            "UPDATE orders SET status = 'void' WHERE id = :id OR 1 = 1",
            "UPDATE orders SET status = lower('VOID') WHERE id = :id",
            "UPDATE orders SET n = n + 1 WHERE id = :id",
            "UPDATE orders SET n = 'x' WHERE id = :id",
            "UPDATE orders SET n = 99999999999999999999 WHERE id = :id",
            "UPDATE orders SET n = 1.5 WHERE id = :id",
            "UPDATE orders SET id = 9 WHERE id = :id",
            "UPDATE orders SET status = 'void' WHERE n = :id",
            "UPDATE orders SET status = 'void' WHERE id = :id; DROP TABLE orders",
            "UPDATE orders SET status = 'void' -- WHERE id = :id",
            "UPDATE orders SET status = 'void",
            "",
        ] {
            check(sql, expect!["a person"]);
        }
    }
}
