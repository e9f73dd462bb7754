//! The course of events as a file: CSV for a table, JSON for a program. Each line has the time of
//! the fact and the time of recording, in UTC.
//!
//! Deliberately not here: what is shown on the page (`timeline`).

use crate::narrate;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::header;
use incident::{Incident, TimelineEntry};
use serde_json::{Value, json};

/// With this mark a spreadsheet reads the file as UTF-8.
const MARK: &str = "\u{feff}";
const COLUMNS: [&str; 7] = [
    "sequence",
    "happened_at",
    "recorded_at",
    "kind",
    "who",
    "what",
    "reason",
];

pub(crate) fn csv_file(visit: &Visit) -> Reply {
    file(visit, "text/csv; charset=utf-8", "csv", csv)
}

pub(crate) fn json_file(visit: &Visit) -> Reply {
    file(visit, "application/json", "json", |visit, incident| {
        whole(visit, incident).to_string()
    })
}

fn file(
    visit: &Visit,
    kind: &'static str,
    end: &str,
    text: fn(&Visit, &Incident) -> String,
) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let text = text(visit, &incident);
    // The id is of our own making: letters, digits and dashes.
    let name = format!("attachment; filename=\"timeline-{}.{end}\"", incident.id);
    Reply::bytes(kind, text.into_bytes()).with_header(header::CONTENT_DISPOSITION, &name)
}

fn cells(visit: &Visit, entry: &TimelineEntry) -> [String; 7] {
    [
        entry.sequence.to_string(),
        entry.at.to_string(),
        entry.recorded_at.to_string(),
        entry.kind.clone(),
        narrate::actor(visit, &entry.actor),
        narrate::event(visit, entry),
        entry.reason.clone(),
    ]
}

fn csv(visit: &Visit, incident: &Incident) -> String {
    let mut out = format!("{MARK}{}\r\n", COLUMNS.join(","));
    for entry in incident.timeline() {
        let cells = cells(visit, entry).map(|cell| guarded(&cell));
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn whole(visit: &Visit, incident: &Incident) -> Value {
    let line = |entry: &TimelineEntry| {
        let cells = COLUMNS.into_iter().zip(cells(visit, entry));
        let mut line: serde_json::Map<String, Value> = cells
            .map(|(name, cell)| (name.to_owned(), Value::String(cell)))
            .collect();
        line.insert("sequence".to_owned(), json!(entry.sequence));
        line.insert("params".to_owned(), json!(narrate::params(visit, entry)));
        Value::Object(line)
    };
    json!({
        "incident": incident.id,
        "code_name": incident.code_name,
        "lines": incident.timeline().into_iter().map(line).collect::<Vec<_>>(),
        "left_out": incident.timeline_left_out,
    })
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection): whatever begins with a
/// sign that could start one gets an apostrophe before it. Quoted as in RFC 4180.
fn guarded(cell: &str) -> String {
    let risky = |c: char| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    };
    let first = cell.trim_start_matches(' ').chars().next();
    let guard = if first.is_some_and(risky) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, safe) in [
            ("plain", "\"plain\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("  =1+1", "\"'  =1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2+3", "\"'-2+3\""),
            ("\tx", "\"'\tx\""),
            ("＝cmd", "\"'＝cmd\""),
            ("a,b\nc", "\"a,b\nc\""),
        ] {
            assert_eq!(guarded(cell), safe);
        }
    }
}
