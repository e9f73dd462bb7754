//! `account ...` and `login`. Passwords come from files, never from flags or the environment.

use super::owner::{folder, request};
use crate::arguments::{Account, Arguments};
use crate::console::Console;
use crate::{Done, Failure};
use desk::control::ControlRequest;
use desk::identity::control::AccountStep;
use model::{AccountId, PositionId};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, account: &Account, console: &Console) -> Done {
    match account {
        Account::Add {
            name,
            positions,
            password_file,
            display,
        } => {
            let asked = ControlRequest::AccountAdd {
                id: AccountId::new(name),
                name: display.clone().unwrap_or_else(|| name.clone()),
                positions: positions.iter().map(PositionId::new).collect(),
                password: password(password_file)?,
            };
            let added = request(arguments, asked, false)?;
            if console.json {
                console.object(&added)?;
            } else {
                console.say("cli-account-added", &[("name", name.as_str().into())]);
            }
        }
        Account::List => {
            let list = request(arguments, ControlRequest::AccountList, false)?;
            if console.json {
                console.object(&list)?;
            } else {
                for item in list.as_array().into_iter().flatten() {
                    let positions: Vec<&str> = item["positions"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|p| p.as_str())
                        .collect();
                    console.data(&format!(
                        "{}  {}",
                        item["id"].as_str().unwrap_or_default(),
                        positions.join(", ")
                    ));
                }
            }
        }
        other => return step(arguments, other, console),
    }
    Ok(ExitCode::SUCCESS)
}

/// A step as the person who logged in; what it gives goes to stdout, each secret once.
fn step(arguments: &Arguments, account: &Account, console: &Console) -> Done {
    let Some(what) = asked(account) else {
        return Ok(ExitCode::SUCCESS);
    };
    let session = session(arguments)?;
    let told = request(
        arguments,
        ControlRequest::AccountStep { what, session },
        false,
    )?;
    if console.json {
        console.object(&told)?;
        return Ok(ExitCode::SUCCESS);
    }
    for key in ["link", "token"] {
        if let Some(text) = told[key].as_str() {
            console.data(text);
        }
    }
    for code in told["codes"].as_array().into_iter().flatten() {
        console.data(code.as_str().unwrap_or_default());
    }
    for proposal in told["proposals"].as_array().into_iter().flatten() {
        let text = |key: &str| proposal[key].as_str().unwrap_or_default().to_owned();
        console.data(&format!(
            "{}  {}  {}",
            text("id"),
            text("by"),
            proposal["proposed"]
        ));
    }
    if let Some(id) = told["proposed"]["id"].as_str() {
        console.say("cli-account-proposed", &[("id", id.into())]);
    } else {
        console.say("cli-account-done", &[]);
    }
    Ok(ExitCode::SUCCESS)
}

fn asked(account: &Account) -> Option<AccountStep> {
    use AccountStep as S;
    let id = |name: &String| AccountId::new(name);
    let positions = |p: &[String]| p.iter().map(PositionId::new).collect();
    let proposal = |p: &String| p.clone();
    Some(match account {
        Account::Add { .. } | Account::List => return None,
        Account::Invite {
            name,
            positions: p,
            display,
        } => S::Invite {
            id: id(name),
            name: display.clone().unwrap_or_else(|| name.clone()),
            positions: positions(p),
        },
        Account::Link { name } => S::Link { id: id(name) },
        Account::Positions { name, positions: p } => S::Positions {
            id: id(name),
            positions: positions(p),
        },
        Account::Disable { name } => S::Disable { id: id(name) },
        Account::Enable { name } => S::Enable { id: id(name) },
        Account::ResetSecondFactor { name } => S::ResetSecondFactor { id: id(name) },
        Account::BreakGlass { count } => S::BreakGlass { count: *count },
        Account::Proposals => S::Proposals,
        Account::Approve { proposal: p } => S::Approve {
            proposal: proposal(p),
        },
        Account::Refuse { proposal: p } => S::Refuse {
            proposal: proposal(p),
        },
        Account::Collect { proposal: p } => S::Collect {
            proposal: proposal(p),
        },
    })
}

/// Logs in and keeps the session in a 0600 file in the data folder, for the repair verbs.
pub fn login(arguments: &Arguments, name: &str, password_file: &Path, console: &Console) -> Done {
    let asked = ControlRequest::Login {
        name: name.to_owned(),
        password: password(password_file)?,
    };
    let mut answer = request(arguments, asked, false)?;
    if let Some(ticket) = answer["ticket"].as_str() {
        console.say("cli-login-code", &[]);
        let mut code = String::new();
        std::io::stdin().read_line(&mut code)?;
        let asked = ControlRequest::LoginCode {
            ticket: ticket.to_owned(),
            code: code.trim().to_owned(),
        };
        answer = request(arguments, asked, false)?;
    }
    let token = answer["session"].as_str().unwrap_or_default();
    let path = folder(arguments).root().join("cli-session");
    let _ = fs::remove_file(&path);
    let mut file = fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(token.as_bytes())?;
    if console.json {
        console.object(&serde_json::json!({ "account": name }))?;
    } else {
        console.say("cli-logged-in", &[("name", name.into())]);
    }
    Ok(ExitCode::SUCCESS)
}

/// The session that `login` kept.
pub fn session(arguments: &Arguments) -> Result<String, Failure> {
    let path = folder(arguments).root().join("cli-session");
    fs::read_to_string(path)
        .map_err(|_| "log in first: balefire login NAME --password-file FILE".into())
}

fn password(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
