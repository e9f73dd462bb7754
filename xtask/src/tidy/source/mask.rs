//! Tells code, comments and literals of a Rust source apart. Not a parser: it knows where
//! comments, strings and characters begin and end, and nothing else.

/// The source twice, with the same lines: once only its code, once only its comments.
/// Everything else is blank.
pub(super) struct Masked {
    pub code: String,
    pub comments: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Masked {
    pub fn new(source: &str) -> Self {
        let mut masked = Self {
            code: String::with_capacity(source.len()),
            comments: String::with_capacity(source.len()),
        };
        let mut rest = source;
        let mut before = ' ';
        while !rest.is_empty() {
            let (part, length) = next(rest, before);
            let (taken, tail) = rest.split_at(length);
            for c in taken.chars() {
                let blank = if c == '\n' { '\n' } else { ' ' };
                masked.code.push(if part == Part::Code { c } else { blank });
                masked
                    .comments
                    .push(if part == Part::Comment { c } else { blank });
                before = c;
            }
            rest = tail;
        }
        masked
    }
}

/// What `rest` begins with, and how many bytes of it.
fn next(rest: &str, before: char) -> (Part, usize) {
    let name_goes_on = before.is_alphanumeric() || before == '_';
    if rest.starts_with("//") {
        return (Part::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Part::Comment, block(rest));
    }
    if rest.starts_with('"') {
        return (Part::Literal, quoted(rest, '"'));
    }
    if !name_goes_on && let Some(length) = raw(rest) {
        return (Part::Literal, length);
    }
    if rest.starts_with('\'') {
        return match character(rest) {
            Some(length) => (Part::Literal, length),
            None => (Part::Code, 1),
        };
    }
    (Part::Code, rest.chars().next().map_or(1, char::len_utf8))
}

/// Block comments nest.
fn block(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = rest[at..].find(['/', '*']) {
        at += found;
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => (),
        }
    }
    rest.len()
}

/// `r"..."`, `r#"..."#`, `br"..."` and so on; `b"..."` and `c"..."` are quoted strings behind
/// one letter of code.
fn raw(rest: &str) -> Option<usize> {
    let head = ["br", "cr", "r"]
        .into_iter()
        .find(|head| rest.starts_with(head))?;
    let marks = rest[head.len()..].chars().take_while(|c| *c == '#').count();
    let body = head.len() + marks;
    if !rest[body..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(marks));
    let found = rest[body + 1..].find(&end);
    Some(found.map_or(rest.len(), |at| body + 1 + at + end.len()))
}

/// A character, and not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted(rest, '\''));
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, code: &str, comments: &str) {
        let masked = Masked::new(source);
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed(&masked.code), code, "code of {source:?}");
        assert_eq!(
            squeezed(&masked.comments),
            comments,
            "comments of {source:?}"
        );
        assert_eq!(masked.code.lines().count(), source.lines().count());
    }

    #[test]
    fn code_comments_and_literals_are_told_apart() {
        check("let a = \"// no\"; // yes\nb", "let a = ; b", "// yes");
        check("a /* b /* c */ d */ e", "a e", "/* b /* c */ d */");
        check(r##"f(r#"a " b"#, br"\", b"x\"y")"##, "f( , , b )", "");
        check(
            "fn f<'a>(c: &'a str) { '{' == '\\'' }",
            "fn f<'a>(c: &'a str) { == }",
            "",
        );
        check("'火' + var\"x\"", "+ var", "");
        check("\"never closed", "", "");
        check("/* never closed", "", "/* never closed");
    }
}
