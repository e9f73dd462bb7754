//! `audit` and `findings`.

use super::owner::request;
use crate::Done;
use crate::arguments::Arguments;
use crate::console::Console;
use desk::audit_part::Part;
use desk::control::ControlRequest;
use model::SourceName;
use serde_json::Value;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, source: &str, console: &Console) -> Done {
    let asked = ControlRequest::Audit {
        source: SourceName::new(source),
    };
    let report = request(arguments, asked, true)?;
    let discrepancies = report["discrepancies"].as_array().map_or(0, Vec::len);
    if console.json {
        console.object(&report)?;
    } else {
        for discrepancy in report["discrepancies"].as_array().into_iter().flatten() {
            console.data(&discrepancy_line(console, discrepancy));
        }
        console.say(
            "cli-audit-done",
            &[
                ("rows", number(&report["rows"])),
                ("discrepancies", discrepancies.into()),
            ],
        );
    }
    let unwitnessed = report["unwitnessed"].as_u64().unwrap_or_default();
    if unwitnessed > 0 {
        console.say("cli-audit-unwitnessed", &[("changes", unwitnessed.into())]);
    }
    let unreadable = report["unreadable"].as_u64().unwrap_or_default();
    super::source::without_key(console, unreadable);
    Ok(ExitCode::from(u8::from(
        discrepancies > 0 || unreadable > 0,
    )))
}

/// Some of the rows: what differs, what share is covered, what may have been missed.
pub fn part(arguments: &Arguments, source: &str, part: Part, console: &Console) -> Done {
    let asked = ControlRequest::AuditPart {
        source: SourceName::new(source),
        part,
    };
    let report = request(arguments, asked, true)?;
    let discrepancies = report["discrepancies"].as_array().map_or(0, Vec::len);
    if console.json {
        console.object(&report)?;
    } else {
        for discrepancy in report["discrepancies"].as_array().into_iter().flatten() {
            console.data(&discrepancy_line(console, discrepancy));
        }
        let percent =
            |value: &Value| format!("{:.2} %", value.as_f64().unwrap_or_default() * 100.0);
        console.say(
            "cli-audit-part-done",
            &[
                ("rows", number(&report["rows"])),
                ("covered", number(&report["covered"])),
                ("total", number(&report["total"])),
                ("share", percent(&report["share"]).into()),
                ("discrepancies", discrepancies.into()),
            ],
        );
        for missed in report["missed"].as_array().into_iter().flatten() {
            console.say(
                "cli-audit-part-missed",
                &[
                    ("tampered", number(&missed["tampered"])),
                    ("probability", percent(&missed["probability"]).into()),
                ],
            );
        }
    }
    Ok(ExitCode::from(u8::from(discrepancies > 0)))
}

pub fn findings(
    arguments: &Arguments,
    source: Option<&str>,
    limit: u32,
    console: &Console,
) -> Done {
    let asked = ControlRequest::Findings {
        source: source.map(SourceName::new),
        limit,
    };
    let findings = request(arguments, asked, false)?;
    let count = findings.as_array().map_or(0, Vec::len);
    if console.json {
        console.object(&findings)?;
    } else {
        for finding in findings.as_array().into_iter().flatten() {
            console.data(&discrepancy_line(console, finding));
        }
        console.say("cli-findings-done", &[("count", count.into())]);
    }
    Ok(ExitCode::from(u8::from(count > 0)))
}

/// `orders 17 altered total_minor: 9900 -> 100`
fn discrepancy_line(console: &Console, item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let kind = console.text(&format!("cli-kind-{}", text("kind").replace('_', "-")), &[]);
    let columns: Vec<String> = item["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| {
            format!(
                "{}: {} -> {}",
                shown(&c["name"]),
                shown(&c["lawful"]),
                shown(&c["live"])
            )
        })
        .collect();
    // What concerns no column says what it is in its detail.
    let what = if columns.is_empty() {
        text("detail")
    } else {
        columns.join("; ")
    };
    let place = format!("{} {}", text("table"), text("key"));
    format!("{} {kind}  {what}", place.trim()).trim().to_owned()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| "-".to_owned(), str::to_owned)
}

fn number(value: &Value) -> document::Value<'static> {
    document::Value::from(value.as_u64().unwrap_or_default())
}
