//! `account add|list` and `login`. Passwords come from files, never from flags or the environment.

use super::owner::{folder, request};
use crate::arguments::{Account, Arguments};
use crate::console::Console;
use crate::{Done, Failure};
use desk::control::ControlRequest;
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
    }
    Ok(ExitCode::SUCCESS)
}

/// Logs in and keeps the session in a 0600 file in the data folder, for the repair verbs.
pub fn login(arguments: &Arguments, name: &str, password_file: &Path, console: &Console) -> Done {
    let asked = ControlRequest::Login {
        name: name.to_owned(),
        password: password(password_file)?,
    };
    let answer = request(arguments, asked, false)?;
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
