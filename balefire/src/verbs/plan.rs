//! `plan check|show|diff|export`.

use super::owner::{config, config_path};
use crate::arguments::{Arguments, Format, Plan};
use crate::console::Console;
use crate::{Done, Failure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, verb: &Plan, console: &Console) -> Done {
    let in_force = in_force(arguments)?;
    match verb {
        Plan::Check => check(arguments, &in_force, console),
        Plan::Show => export(&in_force, Format::Markdown, console),
        Plan::Export { format } => export(&in_force, *format, console),
        Plan::Diff { file } => diff(&in_force, &read(file)?, console),
    }
}

/// The configured plan, else the built-in one.
fn in_force(arguments: &Arguments) -> Result<plan::Plan, Failure> {
    if config_path(arguments).is_file()
        && let Some(file) = config(arguments)?.plan.file
    {
        return read(&file);
    }
    Ok(plan::built_in::plan().clone())
}

fn read(file: &Path) -> Result<plan::Plan, Failure> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()).into())
}

fn export(plan: &plan::Plan, format: Format, console: &Console) -> Done {
    match format {
        Format::Json => console.object(plan)?,
        Format::Html => console.data(&document::plan_document::html(plan, console.lang)),
        Format::Markdown => console.data(&document::plan_document::markdown(plan, console.lang)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Holders are counted from the folder's accounts where there is a folder; otherwise nobody holds anything yet.
fn check(arguments: &Arguments, plan: &plan::Plan, console: &Console) -> Done {
    let gaps = plan::check::check(plan, &holders(arguments));
    if console.json {
        console.object(&gaps)?;
    } else {
        for gap in &gaps {
            console.data(&gap.to_string());
        }
        console.say("cli-plan-checked", &[("gaps", gaps.len().into())]);
    }
    Ok(ExitCode::from(u8::from(!gaps.is_empty())))
}

fn holders(arguments: &Arguments) -> BTreeMap<model::PositionId, usize> {
    let asked = desk::control::ControlRequest::AccountList;
    let mut out = BTreeMap::new();
    if !config_path(arguments).is_file() {
        return out;
    }
    let Ok(accounts) = super::owner::request(arguments, asked, false) else {
        return out;
    };
    for account in accounts.as_array().into_iter().flatten() {
        for position in account["positions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|p| p.as_str())
        {
            *out.entry(model::PositionId::new(position)).or_insert(0) += 1;
        }
    }
    out
}

fn diff(before: &plan::Plan, after: &plan::Plan, console: &Console) -> Done {
    let differences = plan::diff::diff(before, after);
    if console.json {
        console.object(&differences)?;
    } else {
        for d in &differences {
            console.data(&format!(
                "{}\n  - {}\n  + {}",
                d.path,
                side(d.before.as_ref()),
                side(d.after.as_ref())
            ));
        }
    }
    Ok(ExitCode::from(u8::from(!differences.is_empty())))
}

fn side(value: Option<&String>) -> &str {
    value.map_or("-", String::as_str)
}
