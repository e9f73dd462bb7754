//! The text of a statement in parts: words, names and literals in quotes, signs.
//!
//! How a text is to be read depends on the server and on the session that wrote it: whether a
//! comment with a version is run, and whether a backslash escapes. Who judges a text reads it each
//! way.

/// One way to read a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Comments of which it is not certain are run (`/*!99999 */`, `/*M! */`).
    pub(super) runs: bool,
    /// A backslash escapes what follows it in a literal.
    pub(super) escapes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// In upper case.
    Word(String),
    /// What stands within quotes, of whichever kind.
    Quoted(String),
    Sign(char),
}

impl Part {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(this) if this == word)
    }
}

/// A text as one reading has it.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    /// A quote has no end: whoever ran it read it in another way.
    pub(super) unended: bool,
    /// A comment has no end, or stands within another.
    pub(super) unsound: bool,
    /// Comments that may be run or not.
    pub(super) uncertain: usize,
}

/// Every server that can be guarded runs what is marked for versions up to this one; MariaDB passes
/// over some of those behind it.
const CERTAINLY_RUN: u32 = 50_699;

pub(super) fn parts(text: &str, how: Reading) -> Parts {
    let mut found = Parts::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = found.comment(comment, how);
        } else if rest.starts_with('#') || is_line_comment(rest) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if matches!(first, '\'' | '"' | '`') {
            rest = found.quoted(&rest[1..], first, how.escapes && first != '`');
        } else if is_word(first) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            found.parts.push(Part::Word(rest[..end].to_uppercase()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                found.parts.push(Part::Sign(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

fn is_line_comment(text: &str) -> bool {
    let behind = text.strip_prefix("--");
    let next = behind.map(|rest| rest.chars().next());
    next.is_some_and(|c| c.is_none_or(|c| c.is_whitespace() || c.is_control()))
}

impl Parts {
    /// Reads from behind `/*`.
    fn comment<'t>(&mut self, comment: &'t str, how: Reading) -> &'t str {
        let of_mariadb = comment.strip_prefix("M!");
        let marked = of_mariadb.or_else(|| comment.strip_prefix('!'));
        if let Some(run) = marked {
            let digits = run.bytes().take(6).take_while(u8::is_ascii_digit).count();
            let version = run[..digits].parse().unwrap_or(0);
            let certain = of_mariadb.is_none() && version <= CERTAINLY_RUN;
            self.uncertain += usize::from(!certain);
            if certain || how.runs {
                // Its end comes as two signs.
                return &run[digits..];
            }
        }
        let Some((inner, rest)) = comment.split_once("*/") else {
            self.unsound = true;
            return "";
        };
        self.unsound |= marked.is_some() && inner.contains("/*");
        rest
    }

    /// Reads from behind the quote. A doubled one stands for itself.
    fn quoted<'t>(&mut self, text: &'t str, quote: char, escapes: bool) -> &'t str {
        let mut inner = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && escapes {
                inner.extend(chars.next().map(|(_, c)| c));
            } else if c != quote {
                inner.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
                inner.push(quote);
            } else {
                self.parts.push(Part::Quoted(inner));
                return &text[at + 1..];
            }
        }
        self.unended = true;
        ""
    }
}
