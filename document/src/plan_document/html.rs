//! Blocks as one self-contained page: no script, nothing fetched, made to be printed.

use super::Block;
use plan::Lang;
use std::fmt::Write;

/// A4, a cover of its own, table heads repeated; Chinese text is set with full lines, strict
/// line breaks and automatic space between Chinese and Latin.
const STYLE: &str = include_str!("page.css");

pub(super) fn render(blocks: &[Block], lang: Lang, title: &str) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        lang.tag(),
        escape(title)
    );
    let mut chapter = 0;
    for block in blocks {
        if let Block::Heading { level: 1, .. } = block {
            chapter += 1;
        }
        one(block, chapter, blocks, &mut out);
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn one(block: &Block, chapter: usize, all: &[Block], out: &mut String) {
    match block {
        Block::Title(text) => line(out, &format!("<h1>{}</h1>", escape(text))),
        Block::Heading { level: 1, text } => {
            line(out, &format!("<h2 id=\"c{chapter}\">{}</h2>", escape(text)));
        }
        Block::Heading { level, text } => {
            let level = level + 1;
            line(out, &format!("<h{level}>{}</h{level}>", escape(text)));
        }
        Block::Paragraph(text) => line(out, &format!("<p>{}</p>", escape(text))),
        Block::List(items) => {
            line(out, "<ul>");
            for item in items {
                line(out, &format!("<li>{}</li>", escape(item)));
            }
            line(out, "</ul>");
        }
        Block::Facts(facts) => {
            line(out, "<dl>");
            for (name, value) in facts {
                let (name, value) = (escape(name), escape(value));
                line(out, &format!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
            }
            line(out, "</dl>");
        }
        Block::Table { head, rows } => table(head, rows, out),
        Block::Text(text) => line(out, &format!("<pre>{}</pre>", escape(text))),
        Block::Contents(title) => contents(title, all, out),
    }
}

fn table(head: &[String], rows: &[Vec<String>], out: &mut String) {
    out.push_str("<div class=\"table\"><table>\n<thead><tr>");
    for cell in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(cell));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for cells in rows {
        out.push_str("<tr>");
        for cell in cells {
            let _ = write!(out, "<td>{}</td>", escape(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn contents(title: &str, all: &[Block], out: &mut String) {
    let title = escape(title);
    line(
        out,
        &format!("<nav aria-label=\"{title}\">\n<p class=\"contents\">{title}</p>\n<ul>"),
    );
    let chapters = all.iter().filter_map(|block| match block {
        Block::Heading { level: 1, text } => Some(text),
        _ => None,
    });
    for (i, text) in chapters.enumerate() {
        line(
            out,
            &format!("<li><a href=\"#c{}\">{}</a></li>", i + 1, escape(text)),
        );
    }
    line(out, "</ul>\n</nav>");
}

fn line(out: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
