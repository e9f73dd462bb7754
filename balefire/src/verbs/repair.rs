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
        Repair::Apply { id } => ControlRequest::RepairApply {
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
    console.say(
        "cli-repair-proposal",
        &[
            ("id", text(&view["proposal"]["id"]).into()),
            ("digest", text(&view["digest"]).into()),
            ("state", text(&view["state"]).into()),
        ],
    );
}
