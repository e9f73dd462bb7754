//! `incident list|show`.

use super::owner::request;
use crate::Done;
use crate::arguments::{Arguments, Incident};
use crate::console::Console;
use desk::control::ControlRequest;
use model::IncidentId;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, incident: &Incident, console: &Console) -> Done {
    let asked = match incident {
        Incident::List => ControlRequest::Incidents,
        Incident::Show { id } => ControlRequest::Incident {
            id: IncidentId::new(id),
        },
    };
    let answer = request(arguments, asked, false)?;
    match answer.as_array() {
        Some(list) if !console.json => {
            for item in list {
                let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
                console.data(&format!(
                    "{}  {}  {}",
                    text("id"),
                    text("opened_at"),
                    text("code_name")
                ));
            }
        }
        _ => console.object(&answer)?,
    }
    Ok(ExitCode::SUCCESS)
}
