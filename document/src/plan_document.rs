//! The plan document (预案文档): the whole plan as one Markdown or HTML file in one language.
//!
//! Chapters follow the outline of a Chinese contingency plan (GB/T 24363, the national plan of
//! 2017, 突发事件应对法 art. 28). Deliberately not here: files, and any word that is neither the
//! plan's own nor the catalogue's.

mod annexes;
mod chapters;
mod html;
mod markdown;
mod phrases;
mod process;
mod register;
mod writer;

use plan::{Lang, Plan};
use writer::Writer;

/// The plan as Markdown (CommonMark with tables).
pub fn markdown(plan: &Plan, lang: Lang) -> String {
    markdown::render(&write(plan, lang), lang)
}

/// The plan as one self-contained, printable HTML page without scripts.
pub fn html(plan: &Plan, lang: Lang) -> String {
    html::render(&write(plan, lang), lang, plan.title.in_lang(lang))
}

/// A piece of the document, before it is Markdown or HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    /// The document's title.
    Title(String),
    /// Chapters have level 1, their sections 2, parts of sections 3.
    Heading {
        level: u8,
        text: String,
    },
    Paragraph(String),
    List(Vec<String>),
    /// Things with their values, such as the cover's.
    Facts(Vec<(String, String)>),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// A text whose lines stay as they are.
    Text(String),
    /// Here stands the list of chapters.
    Contents(String),
}

fn write(plan: &Plan, lang: Lang) -> Vec<Block> {
    let mut out = Writer::new(plan, lang);
    chapters::cover(&mut out);
    chapters::general(&mut out);
    chapters::objectives(&mut out);
    chapters::risks(&mut out);
    chapters::grades(&mut out);
    chapters::organisation(&mut out);
    process::monitoring(&mut out);
    process::response(&mut out);
    process::reports(&mut out);
    process::after(&mut out);
    process::resources(&mut out);
    process::training(&mut out);
    process::evaluation(&mut out);
    process::closing(&mut out);
    annexes::contacts(&mut out);
    annexes::grade_table(&mut out);
    annexes::deadline_table(&mut out);
    annexes::forms(&mut out);
    annexes::texts(&mut out);
    annexes::terms(&mut out);
    out.finish()
}
