//! How a verb reaches the data folder: through the process that owns it, or by owning it itself.

use crate::Failure;
use crate::arguments::Arguments;
use desk::config::Config;
use desk::control::{ControlAnswer, ControlRequest, ask, handle};
use desk::{DataFolder, Desk, DeskError};
use serde_json::Value;
use std::path::PathBuf;

/// The data folder of `--data`, else `./balefire-data`.
pub fn folder(arguments: &Arguments) -> DataFolder {
    DataFolder::new(
        arguments
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from("balefire-data")),
    )
}

/// The configuration file of `--config`, else the folder's.
pub fn config_path(arguments: &Arguments) -> PathBuf {
    arguments
        .config
        .clone()
        .unwrap_or_else(|| folder(arguments).config())
}

pub fn config(arguments: &Arguments) -> Result<Config, DeskError> {
    Config::load(&config_path(arguments))
}

/// Opens the folder in this process, guard running where a source has its baseline.
pub fn open(arguments: &Arguments) -> Result<Desk, DeskError> {
    let desk = Desk::open(folder(arguments), config(arguments)?)?;
    Ok(desk)
}

/// Carries a request out: in the process that owns the folder when one runs, else here.
/// `guard` starts the sources' guards first, so that an audit knows what happened meanwhile.
pub fn request(
    arguments: &Arguments,
    request: ControlRequest,
    guard: bool,
) -> Result<Value, Failure> {
    let answer = match ask(&folder(arguments).socket(), &request) {
        Some(answer) => answer?,
        None => {
            let desk = open(arguments)?;
            if guard {
                desk.start_guards()?;
            }
            let answer = handle(&desk, request);
            desk.stop();
            answer
        }
    };
    match answer {
        ControlAnswer {
            ok: Some(value), ..
        } => Ok(value),
        ControlAnswer { error, .. } => Err(error.unwrap_or_else(|| "no answer".into()).into()),
    }
}
