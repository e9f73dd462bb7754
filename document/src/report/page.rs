//! The report as HTML; the template escapes every text.

use super::{Block, Report};
use askama::Template;
use plan::Lang;

/// The page's style, as it stands in its `<style>` element: a server with a strict policy names
/// its hash.
pub const STYLE: &str = include_str!("report.css");

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    lang: &'a str,
    style: &'a str,
}

#[derive(Template)]
#[template(path = "report_body.html")]
struct Body<'a> {
    report: &'a Report,
}

pub(super) fn render(report: &Report, lang: Lang) -> String {
    let page = Page {
        report,
        lang: lang.tag(),
        style: STYLE,
    };
    // Rendering into a String fails only where a value's Display does, and texts do not.
    page.render().unwrap_or_default()
}

pub(super) fn body(report: &Report) -> String {
    Body { report }.render().unwrap_or_default()
}
