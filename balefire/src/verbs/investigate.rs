//! `investigate`: the life of rows as a timeline, as JSON, and as a folder of evidence.

use super::account::session;
use super::owner::request;
use crate::arguments::{Arguments, Investigate};
use crate::console::Console;
use crate::{Done, Failure};
use desk::control::ControlRequest;
use desk::investigate::{
    Answer, Company, Cut, Investigation, Question, RowLife, Step, StepKind, Write, parse_time,
};
use document::Value;
use model::{FindingId, Instant, Money, SourceName, Standing, Verdict};
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// As on the pages.
const ZONE: &str = "Asia/Shanghai";
/// Other rows of a transaction that a line names; the JSON has more.
const NAMED: usize = 5;

pub fn run(arguments: &Arguments, asked: &Investigate, console: &Console) -> Done {
    let question = question(asked)?;
    let session = asked.in_full.then(|| session(arguments)).transpose()?;
    if let Some(folder) = &asked.export {
        must_be_new(folder)?;
    }
    let answer = request(
        arguments,
        ControlRequest::Investigate {
            question,
            session,
            proofs: asked.export.is_some(),
        },
        true,
    )?;
    let answer: Answer = serde_json::from_value(answer)?;
    if let Some(folder) = &asked.export {
        export(folder, &answer, console)?;
    }
    let report = &answer.report;
    if console.json {
        console.object(report)?;
    } else {
        print(console, report);
        told(console, report);
    }
    if let Some(folder) = &asked.export {
        console.say(
            "inv-exported",
            &[
                ("n", answer.proofs.len().into()),
                ("folder", folder.display().to_string().into()),
            ],
        );
    }
    Ok(ExitCode::from(u8::from(report.found_something())))
}

fn question(asked: &Investigate) -> Result<Question, Failure> {
    let source = asked.source.as_deref().map(SourceName::new);
    if let Some(id) = &asked.finding {
        return Ok(Question::Finding {
            id: FindingId::from(id.as_str()),
        });
    }
    if let Some(row) = &asked.row {
        let (table, key) = place(row)?;
        return Ok(Question::Row { source, table, key });
    }
    if let Some(row) = &asked.person {
        let (table, key) = place(row)?;
        return Ok(Question::Person { source, table, key });
    }
    Ok(Question::Window {
        source,
        from: time(asked.from.as_deref())?,
        until: time(asked.until.as_deref())?,
    })
}

fn place(text: &str) -> Result<(String, String), Failure> {
    match text.split_once(':') {
        Some((table, key)) if !table.is_empty() && !key.is_empty() => {
            Ok((table.to_owned(), key.to_owned()))
        }
        _ => Err(format!("`{text}` names no row; write TABLE:KEY, for example orders:17").into()),
    }
}

fn time(text: Option<&str>) -> Result<Instant, Failure> {
    let text = text.unwrap_or_default();
    parse_time(text).ok_or_else(|| {
        format!(
            "`{text}` is no time; write 2026-01-02T03:04:05Z, or 2026-01-02 03:04 in Beijing time"
        )
        .into()
    })
}

/// Evidence is never mixed with what lies there already.
fn must_be_new(folder: &Path) -> Result<(), Failure> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "{}: the folder is not empty; name a new one",
            folder.display()
        )
        .into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("{}: {error}", folder.display()).into()),
    }
}

fn export(folder: &Path, answer: &Answer, console: &Console) -> Result<(), Failure> {
    let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    for file in web::export_files(answer, console.lang)? {
        let path = folder.join(&file.name);
        let inside = path.parent().unwrap_or(folder);
        fs::create_dir_all(inside).map_err(|e| failed(inside, e))?;
        fs::write(&path, &file.bytes).map_err(|e| failed(&path, e))?;
    }
    Ok(())
}

/// The timelines to stdout.
fn print(console: &Console, report: &Investigation) {
    for row in &report.rows {
        console.data(&format!(
            "{} {}  {}",
            row.table,
            row.key,
            console.text(&format!("inv-standing-{}", standing(&row.standing)), &[])
        ));
        life(console, row);
    }
    for blind in &report.blind {
        let until = blind.until.in_zone(ZONE);
        console.data(&match blind.from {
            Some(from) => console.text(
                "inv-blind",
                &[("from", from.in_zone(ZONE).into()), ("until", until.into())],
            ),
            None => console.text(
                "inv-blind-lost",
                &[
                    ("at", until.into()),
                    ("reason", blind.reason.clone().into()),
                ],
            ),
        });
    }
}

fn life(console: &Console, row: &RowLife) {
    let entries = row.steps.iter().map(|s| s.entry.to_string().len());
    let widest = entries.max().unwrap_or(0);
    let words: Vec<String> = row.steps.iter().map(|s| word(console, s)).collect();
    let word_width = words.iter().map(|w| columns(w)).max().unwrap_or(0);
    // Two blanks before, between and after: where the second lines begin.
    let indent = " ".repeat(2 + 19 + 2 + 1 + widest + 2 + word_width + 2);
    for (step, word) in row.steps.iter().zip(&words) {
        let pad = " ".repeat(word_width - columns(word));
        let mut lines = what(console, step).into_iter();
        console.data(&format!(
            "  {}  #{:<widest$}  {word}{pad}  {}",
            step.at.in_zone(ZONE),
            step.entry,
            lines.next().unwrap_or_default()
        ));
        for line in lines {
            console.data(&format!("{indent}{line}"));
        }
    }
}

/// The verdict where there is one, else the kind of the step.
fn word(console: &Console, step: &Step) -> String {
    let key = match (step.kind, step.verdict) {
        (StepKind::Change, Verdict::Lawful) => "inv-verdict-lawful",
        (StepKind::Change, Verdict::Unlawful) => "inv-verdict-unlawful",
        (StepKind::Change, Verdict::Unwitnessed) => "inv-verdict-unwitnessed",
        (kind, _) => return console.text(&format!("inv-kind-{}", kind.code()), &[]),
    };
    console.text(key, &[])
}

/// What happened, a line each: the write with its columns, rules, transaction.
fn what(console: &Console, step: &Step) -> Vec<String> {
    let mut out = Vec::new();
    let write = console.text(&format!("inv-write-{}", step.write.code()), &[]);
    match step.write {
        Write::Same => out.push(write),
        Write::Update => {
            for column in &step.changes {
                let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                out.push(format!(
                    "{}: {} -> {}",
                    column.name,
                    side(&column.old),
                    side(&column.new)
                ));
            }
        }
        Write::Insert | Write::Delete => {
            let cells = step.changes.iter().filter_map(|c| {
                let value = c.new.as_ref().or(c.old.as_ref())?;
                Some(format!("{}={value}", c.name))
            });
            out.push(format!("{write}: {}", cells.collect::<Vec<_>>().join(", ")));
        }
    }
    for rule in &step.rules {
        let name = web::rule_name(&rule.rule, console.lang);
        let of = match rule.columns.as_slice() {
            [] => String::new(),
            columns => format!(" ({})", columns.join(", ")),
        };
        out.push(format!("{}: {name}{of}", console.text("inv-rule", &[])));
    }
    if !step.witnessed && step.kind == StepKind::Change {
        out.push(console.text("inv-unseen", &[]));
    }
    for finding in &step.findings {
        out.push(format!("{} {finding}", console.text("inv-finding", &[])));
    }
    if let Some(company) = &step.company {
        out.extend(with_whom(console, company));
    }
    out
}

/// The transaction and what else it wrote; a look that saw nothing else says nothing.
fn with_whom(console: &Console, company: &Company) -> Vec<String> {
    let mut out = Vec::new();
    let n = |key: &str, n: u64| console.text(key, &[("n", Value::from(n))]);
    if company.entry.is_some() {
        let mut line = match &company.id {
            Some(id) => console.text("inv-transaction-id", &[("id", id.as_str().into())]),
            None => n("inv-position", company.position),
        };
        if let Some(at) = company.committed_at {
            line = format!(
                "{line}, {} {}",
                console.text("inv-committed", &[]),
                at.in_zone(ZONE)
            );
        }
        let by = match (&company.by, &company.logged) {
            (Some(who), _) => console.text("inv-by", &[("who", who.as_str().into())]),
            (None, Some(writer)) => console.writer(writer),
            (None, None) => console.text("inv-by-unknown", &[]),
        };
        out.push(format!("{line}, {by}"));
    }
    if company.others > 0 {
        let key = match (company.at_least, company.entry.is_some()) {
            (true, _) => "inv-others-at-least",
            (false, true) => "inv-others",
            (false, false) => "inv-look-others",
        };
        let mut names: Vec<String> = company
            .rows
            .iter()
            .take(NAMED)
            .map(|r| format!("{} {}", r.table, r.key))
            .collect();
        let more = company.others.saturating_sub(names.len() as u64);
        if more > 0 {
            names.push(n("inv-more-others", more));
        }
        out.push(format!("{} {}", n(key, company.others), names.join(", ")));
    }
    out
}

/// The scope and what was left out, to stderr.
fn told(console: &Console, report: &Investigation) {
    let scope = &report.scope;
    if report.rows.is_empty() {
        console.say("inv-nothing", &[]);
    }
    console.say(
        "inv-told",
        &[
            ("rows", scope.rows.into()),
            ("unlawful", scope.unlawful.into()),
            ("unwitnessed", scope.unwitnessed.into()),
            ("persons", scope.persons.into()),
        ],
    );
    let by_table = scope.tables.iter();
    for (table, amount) in by_table.flat_map(|t| t.amounts.iter().map(|a| (&t.table, a))) {
        let money = |minor| Money::new(minor, amount.currency.clone());
        console.line(&format!(
            "  {table} {}; {} {}; {} {}",
            money(amount.minor),
            console.text("inv-amount-unlawful", &[]),
            money(amount.unlawful_minor),
            console.text("inv-moved", &[]),
            money(amount.moved_minor)
        ));
    }
    for kind in &scope.personal {
        let key = format!("inv-class-{}", kind.kind.replace('_', "-"));
        console.line(&format!(
            "  {}: {} ({})",
            console.text("inv-personal", &[]),
            console.text(&key, &[]),
            kind.columns.join(", ")
        ));
    }
    if report.masked {
        console.say("inv-masked", &[]);
    }
    console.say("inv-zone", &[]);
    for cut in &report.cuts {
        console.line(&left_out(console, cut));
    }
}

fn left_out(console: &Console, cut: &Cut) -> String {
    match cut {
        Cut::Rows { shown, all } => console.text(
            "inv-cut-rows",
            &[("shown", (*shown).into()), ("all", (*all).into())],
        ),
        Cut::Counted { counted } => console.text("inv-cut-counted", &[("n", (*counted).into())]),
        Cut::Steps { table, key, shown } => console.text(
            "inv-cut-steps",
            &[
                ("table", table.as_str().into()),
                ("key", key.as_str().into()),
                ("n", (*shown).into()),
            ],
        ),
        Cut::Swept { from, until, of } => console.text(
            "inv-cut-swept",
            &[
                ("from", (*from).into()),
                ("until", (*until).into()),
                ("of", (*of).into()),
            ],
        ),
        Cut::NoIndex => console.text("inv-cut-no-index", &[]),
    }
}

const fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::Clean => "clean",
        Standing::Altered { .. } => "altered",
        Standing::Forged => "forged",
        Standing::Deleted => "deleted",
        Standing::Gone => "gone",
    }
}

/// Columns of a terminal that a text takes: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if ('\u{1100}'..='\u{ffff}').contains(&c) {
                2
            } else {
                1
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_widths_are_read_right() {
        assert_eq!(
            place("orders:a:b").unwrap(),
            ("orders".to_owned(), "a:b".to_owned())
        );
        for wrong in ["orders", ":1", "orders:"] {
            assert!(place(wrong).unwrap_err().to_string().contains("TABLE:KEY"));
        }
        assert_eq!((columns("lawful"), columns("不合规")), (6, 6));
    }
}
