//! Just enough SQL to read a schema dump: statements and their tokens. Not a parser of queries.

/// A token of a statement. Words are as written; quoted names have lost their quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Name(String),
    Text(String),
    Mark(char),
}

impl Token {
    /// Whether it is this keyword, unquoted, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
    pub(super) fn is_mark(&self, mark: char) -> bool {
        *self == Self::Mark(mark)
    }
    /// As a name: unquoted words are taken as they stand.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Calls `each` with the tokens of every statement. Data of `COPY .. FROM stdin` is skipped.
pub(super) fn statements(text: &str, mut each: impl FnMut(&[Token])) {
    let mut scanner = Scanner { rest: text };
    let mut tokens = Vec::new();
    while let Some(token) = scanner.token() {
        if token != Token::Mark(';') {
            tokens.push(token);
            continue;
        }
        each(&tokens);
        if tokens.first().is_some_and(|t| t.is("copy")) && tokens.iter().any(|t| t.is("stdin")) {
            scanner.skip_past("\n\\.");
        }
        tokens.clear();
    }
    each(&tokens);
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn token(&mut self) -> Option<Token> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("--") || self.rest.starts_with('\\') {
                self.skip_past("\n");
            } else if self.rest.starts_with("/*") {
                self.skip_past("*/");
            } else {
                break;
            }
        }
        let first = self.rest.chars().next()?;
        if let quote @ ('"' | '`' | '\'') = first {
            let text = self.quoted(quote);
            return Some(if quote == '\'' {
                Token::Text(text)
            } else {
                Token::Name(text)
            });
        }
        if first == '$'
            && let Some(text) = self.dollar_quoted()
        {
            return Some(Token::Text(text));
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            let (word, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(Token::Word(word.to_owned()));
        }
        self.rest = &self.rest[first.len_utf8()..];
        Some(Token::Mark(first))
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self
            .rest
            .find(end)
            .map_or("", |at| &self.rest[at + end.len()..]);
    }

    /// A doubled quote stands for itself; so does a backslashed one in texts, as MySQL writes them.
    fn quoted(&mut self, quote: char) -> String {
        let mut out = String::new();
        let mut chars = self.rest[1..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote == '\'' {
                out.extend(chars.next().map(|(_, c)| c));
            } else if c != quote {
                out.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
                out.push(quote);
                chars.next();
            } else {
                self.rest = &self.rest[1 + at + 1..];
                return out;
            }
        }
        self.rest = "";
        out
    }

    fn dollar_quoted(&mut self) -> Option<String> {
        let close = self.rest[1..].find('$')? + 2;
        let tag = &self.rest[..close];
        if !tag[1..close - 1]
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_')
        {
            return None;
        }
        let body = &self.rest[close..];
        let end = body.find(tag)?;
        let text = body[..end].to_owned();
        self.rest = &body[end + tag.len()..];
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        statements(text, |tokens| {
            if !tokens.is_empty() {
                out.push(tokens.iter().map(|t| format!("{t:?}")).collect());
            }
        });
        out
    }

    #[test]
    fn quotes_comments_and_copied_data_do_not_split_statements() {
        let text = "-- a; b\nCREATE \"a;\"\"b\" /* ; */ `c`;\nCOPY t (a) FROM stdin;\n1\t;'\n\\.\nDO $x$ ; ' $x$; SELECT 'it''s; \\'q'";
        let found = words(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0][1], "Name(\"a;\\\"b\")");
        assert_eq!(found[2][1], "Text(\" ; ' \")");
        assert_eq!(found[3][1], "Text(\"it's; 'q\")");
    }
}
