//! `accept ask|approve|refuse|list`.

use super::account::session;
use super::owner::request;
use crate::Done;
use crate::arguments::{Accept, Arguments};
use crate::console::Console;
use desk::control::ControlRequest;
use model::{FindingId, SourceName};
use serde_json::Value;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, accept: &Accept, console: &Console) -> Done {
    let asked = match accept {
        Accept::Ask { findings, reason } => ControlRequest::AcceptAsk {
            findings: findings
                .iter()
                .map(|id| FindingId::from(id.as_str()))
                .collect(),
            reason: reason.clone(),
            session: session(arguments)?,
        },
        Accept::Approve { id } => ControlRequest::AcceptApprove {
            id: id.clone(),
            session: session(arguments)?,
        },
        Accept::Refuse { id } => ControlRequest::AcceptRefuse {
            id: id.clone(),
            session: session(arguments)?,
        },
        Accept::List { source } => ControlRequest::Acceptances {
            source: source.as_ref().map(SourceName::new),
        },
    };
    let answer = request(arguments, asked, false)?;
    if console.json {
        console.object(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    match &answer {
        Value::Array(all) if all.is_empty() => console.say("cli-accept-none", &[]),
        Value::Array(all) => all.iter().for_each(|one| lines(console, one)),
        one => lines(console, one),
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(console: &Console, acceptance: &Value) {
    let text = |name: &str| acceptance[name].as_str().unwrap_or_default().to_owned();
    let state = if acceptance["approved_by"].is_string() {
        console.text("cli-accept-done", &[("by", text("approved_by").into())])
    } else if acceptance["refused_by"].is_string() {
        console.text("cli-accept-refused", &[("by", text("refused_by").into())])
    } else {
        let (by, id) = (text("asked_by"), text("id"));
        console.text("cli-accept-asked", &[("by", by.into()), ("id", id.into())])
    };
    let rows = acceptance["rows"].as_array().map_or(&[][..], Vec::as_slice);
    console.data(&console.text(
        "cli-accept",
        &[
            ("id", text("id").into()),
            ("source", text("source").into()),
            ("state", state.into()),
            ("rows", rows.len().into()),
            ("reason", text("reason").into()),
        ],
    ));
    for row in rows {
        let part = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        console.data(&format!(
            "  {} {}  {}",
            part("table"),
            part("key"),
            part("finding")
        ));
        for column in row["columns"].as_array().into_iter().flatten() {
            console.data(&format!("    {}", change(column)));
        }
    }
}

/// `total: 12.50 -> 0.01`; a person's data is read on the finding's page by those who may.
fn change(column: &Value) -> String {
    let name = column["name"].as_str().unwrap_or_default();
    if column["personal"].as_bool().unwrap_or(true) {
        return format!("{name}: •••• -> ••••");
    }
    let value = |of: &str| column[of].as_str().unwrap_or("-").to_owned();
    format!("{name}: {} -> {}", value("lawful"), value("live"))
}
