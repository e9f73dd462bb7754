//! `repair plan|show|approve|apply`.

use super::account::session;
use super::owner::request;
use crate::Done;
use crate::arguments::{Arguments, Repair};
use crate::console::Console;
use desk::control::ControlRequest;
use model::{ProposalId, SourceName};
use serde_json::Value;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, repair: &Repair, console: &Console) -> Done {
    let asked = match repair {
        Repair::Plan { source } => ControlRequest::RepairPlan {
            source: SourceName::new(source),
            session: session(arguments)?,
        },
        Repair::Show { id } => ControlRequest::RepairShow {
            id: ProposalId::new(id),
        },
        Repair::Approve { id } => ControlRequest::RepairApprove {
            id: ProposalId::new(id),
            session: session(arguments)?,
        },
        Repair::Apply { id, dry_run: true } => return dry_run(arguments, id, console),
        Repair::Undo { id } => ControlRequest::RepairUndo {
            id: ProposalId::new(id),
            session: session(arguments)?,
        },
        Repair::Apply { id, .. } => ControlRequest::RepairApply {
            id: ProposalId::new(id),
            session: session(arguments)?,
        },
    };
    let view = request(arguments, asked, true)?;
    if console.json {
        console.object(&view)?;
    } else {
        print(console, &view);
    }
    Ok(ExitCode::SUCCESS)
}

fn dry_run(arguments: &Arguments, id: &str, console: &Console) -> Done {
    let asked = ControlRequest::RepairTry {
        id: ProposalId::new(id),
        session: session(arguments)?,
    };
    let tried = request(arguments, asked, true)?;
    if console.json {
        console.object(&tried)?;
    } else {
        let number = |name: &str| tried[name].as_u64().unwrap_or_default();
        console.say(
            "cli-repair-tried",
            &[
                ("rows", number("rows").into()),
                ("duration", number("duration_ms").into()),
            ],
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn print(console: &Console, view: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for step in view["proposal"]["steps"].as_array().into_iter().flatten() {
        console.data(&format!(
            "{} {} {}",
            text(&step["table"]),
            text(&step["key"]),
            text(&step["action"])
        ));
        for column in step["columns"].as_array().into_iter().flatten() {
            let side = |name: &str| column[name].as_str().unwrap_or("-").to_owned();
            console.data(&format!(
                "    {}: {} -> {}",
                side("name"),
                side("live"),
                side("lawful")
            ));
        }
        console.data(&format!("    {}", text(&step["sql"])));
    }
    for row in view["left_out"].as_array().into_iter().flatten() {
        console.say("cli-repair-left-out", &[("row", text(row).into())]);
    }
    let said = match view["state"].as_str() {
        Some("proposed") => "cli-repair-proposal",
        _ => "cli-repair-state",
    };
    console.say(
        said,
        &[
            ("id", text(&view["proposal"]["id"]).into()),
            ("digest", text(&view["digest"]).into()),
            ("state", text(&view["state"]).into()),
        ],
    );
}
