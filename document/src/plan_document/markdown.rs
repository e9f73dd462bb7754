//! Blocks as CommonMark with tables.

use super::Block;
use plan::Lang;
use std::fmt::Write;

pub(super) fn render(blocks: &[Block], lang: Lang) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        one(block, blocks, lang, &mut out);
    }
    out
}

fn one(block: &Block, all: &[Block], lang: Lang, out: &mut String) {
    match block {
        Block::Title(text) => line(out, &format!("# {}", inline(text))),
        Block::Heading { level, text } => {
            let marks = "#".repeat(usize::from(*level) + 1);
            line(out, &format!("{marks} {}", inline(text)));
        }
        Block::Paragraph(text) => line(out, &at_line_start(&inline(text))),
        Block::List(items) => {
            for item in items {
                line(out, &format!("- {}", at_line_start(&inline(item))));
            }
        }
        Block::Facts(facts) => {
            let colon = match lang {
                Lang::Zh => "：",
                Lang::En => ":",
            };
            for (name, value) in facts {
                let (name, value) = (inline(name), inline(value));
                line(out, &format!("- **{name}**{colon} {value}"));
            }
        }
        Block::Table { head, rows } => {
            row(out, head);
            line(out, &format!("|{}", " --- |".repeat(head.len())));
            for cells in rows {
                row(out, cells);
            }
        }
        Block::Text(text) => {
            // Longer than any run of backticks inside.
            let run = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(run.max(2) + 1);
            line(out, &format!("{fence}text\n{text}\n{fence}"));
        }
        Block::Contents(title) => {
            line(out, &format!("## {}\n", inline(title)));
            for block in all {
                if let Block::Heading { level: 1, text } = block {
                    line(out, &format!("- {}", at_line_start(&inline(text))));
                }
            }
        }
    }
}

fn line(out: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn row(out: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| inline(cell)).collect();
    line(out, &format!("| {} |", cells.join(" | ")));
}

/// One line of text that Markdown shows as it is written.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '\\' | '`' | '*' | '<' | '>' | '[' | ']' | '|' | '&' | '_' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// What would begin a list, a heading or a rule is kept a text.
fn at_line_start(text: &str) -> String {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let rest = &text[digits..];
    if digits > 0 && rest.starts_with(['.', ')']) {
        format!("{}\\{rest}", &text[..digits])
    } else if text.starts_with(['#', '-', '+', '=', '~']) {
        format!("\\{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn whatever_stands_in_a_plan_is_shown_as_written() {
        let text = |text: &str| text.to_owned();
        let blocks = [
            Block::Title(text("A *plan* <b>")),
            Block::Paragraph(text("# no heading")),
            Block::List(vec![text("1. no number"), text("- no list")]),
            Block::Table {
                head: vec![text("a|b")],
                rows: vec![vec![text("two\nlines [x](y)")]],
            },
            Block::Text(text("```\n{place}")),
        ];
        expect![[r#"
            # A \*plan\* \<b\>

            \# no heading

            - 1\. no number
            - \- no list

            | a\|b |
            | --- |
            | two<br>lines \[x\](y) |

            ````text
            ```
            {place}
            ````
        "#]]
        .assert_eq(&render(&blocks, Lang::En));
    }
}
