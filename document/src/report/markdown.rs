//! The report as Markdown. Every text goes through one function that takes its power away.

use super::{Block, Report, Table};
use std::fmt::Write as _;

pub(super) fn render(report: &Report) -> String {
    let mut out = format!("# {}\n", escaped(&report.title));
    for note in &report.notes {
        paragraph(&mut out, note);
    }
    for section in &report.sections {
        heading(&mut out, 2, &section.title);
        section.blocks.iter().for_each(|b| block(&mut out, b));
    }
    out
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => heading(out, 3, text),
        Block::Paragraph(text) => paragraph(out, text),
        Block::Facts(facts) => {
            out.push('\n');
            for (name, value) in facts {
                line(out, format_args!("- {}: {}", escaped(name), escaped(value)));
            }
        }
        Block::Table(table) => self::table(out, table),
        Block::Text(text) => {
            out.push('\n');
            for one in text.lines() {
                // Four blanks make code, in which nothing has power.
                line(out, format_args!("    {}", printable(one)));
            }
        }
    }
}

fn heading(out: &mut String, level: usize, text: &str) {
    line(
        out,
        format_args!("\n{} {}", "#".repeat(level), escaped(text)),
    );
}

fn paragraph(out: &mut String, text: &str) {
    line(out, format_args!("\n{}", escaped(text)));
}

fn table(out: &mut String, table: &Table) {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| escaped(c)).collect();
        format!("| {} |", cells.join(" | "))
    };
    line(out, format_args!("\n{}", row(&table.head)));
    line(out, format_args!("|{}", " --- |".repeat(table.head.len())));
    for cells in &table.rows {
        line(out, format_args!("{}", row(cells)));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

/// A text without the power of Markdown or HTML: on one line, its special signs escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    // Bare addresses must not become links: some readers make them out of any text.
    out.replace("://", ":\u{200b}//")
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_no_power() {
        let cell = "a|b\n# <script>alert(1)</script> [x](http://evil) `c` **d** \u{7}";
        let escaped = escaped(cell);
        assert!(!escaped.contains('\n') && !escaped.contains('<'));
        assert!(!escaped.contains("://"));
        assert_eq!(escaped.matches('|').count(), escaped.matches("\\|").count());
        assert!(escaped.contains("\\[x\\]") && escaped.contains("\\*\\*d\\*\\*"));
    }
}
