//! `journal verify|prove|checkpoint|key`. `verify` only reads and needs no lock.

use super::owner::{folder, request};
use crate::Done;
use crate::arguments::{Arguments, Journal};
use crate::console::Console;
use desk::control::ControlRequest;
use journal::keys::VerifierKey;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, journal: &Journal, console: &Console) -> Done {
    match journal {
        Journal::Verify {
            proof: Some(proof),
            key,
            ..
        } => verify_proof(proof, key.as_deref(), arguments, console),
        Journal::Verify {
            checkpoint, key, ..
        } => verify(arguments, checkpoint.as_deref(), key.as_deref(), console),
        Journal::Prove { log, index } => {
            let asked = ControlRequest::Prove {
                log: log.clone(),
                index: *index,
            };
            print(console, &request(arguments, asked, false)?, "bundle")
        }
        Journal::Checkpoint { log } => {
            let asked = ControlRequest::Checkpoint { log: log.clone() };
            print(console, &request(arguments, asked, false)?, "checkpoint")
        }
        Journal::Key => {
            let key = fs::read_to_string(folder(arguments).keys().join("log.vkey"))?;
            console.data(key.trim());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn print(console: &Console, answer: &serde_json::Value, field: &str) -> Done {
    if console.json {
        console.object(answer)?;
    } else {
        console.data(answer[field].as_str().unwrap_or_default());
    }
    Ok(ExitCode::SUCCESS)
}

/// The key given, a file with it, or the folder's own.
fn vkey(given: Option<&str>, arguments: &Arguments) -> Result<VerifierKey, crate::Failure> {
    let text = match given {
        Some(text) if Path::new(text).is_file() => fs::read_to_string(text)?,
        Some(text) => text.to_owned(),
        None => fs::read_to_string(folder(arguments).keys().join("log.vkey"))?,
    };
    Ok(text.trim().parse()?)
}

fn verify_proof(proof: &Path, key: Option<&str>, arguments: &Arguments, console: &Console) -> Done {
    let bundle = fs::read_to_string(proof)?;
    match journal::proof::open(&bundle, &vkey(key, arguments)?) {
        Ok(proven) => {
            console.say(
                "cli-proof-good",
                &[
                    ("log", proven.origin.into()),
                    ("index", proven.index.into()),
                ],
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            console.error(&error);
            Ok(ExitCode::from(1))
        }
    }
}

fn verify(
    arguments: &Arguments,
    checkpoint: Option<&Path>,
    key: Option<&str>,
    console: &Console,
) -> Done {
    let options = journal::verify::VerifyOptions {
        checkpoint: checkpoint.map(fs::read_to_string).transpose()?,
        // A server that holds the folder may be writing a group at this moment.
        live: std::os::unix::net::UnixStream::connect(folder(arguments).socket()).is_ok(),
    };
    let bar = console.progress(0, &console.text("cli-verifying", &[]));
    let report = journal::verify::verify_dir(
        &folder(arguments).journal(),
        &vkey(key, arguments)?,
        &options,
        &mut |progress| {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes_done);
        },
    );
    bar.finish_and_clear();
    if console.json {
        console.object(&json_of(&report))?;
    } else {
        for fault in &report.faults {
            console.data(&fault.to_string());
        }
        for log in &report.logs {
            console.say(
                "cli-log-verified",
                &[("log", log.log.as_str().into()), ("size", log.size.into())],
            );
        }
        console.say("cli-verify-done", &[("faults", report.faults.len().into())]);
    }
    Ok(ExitCode::from(u8::from(!report.faults.is_empty())))
}

/// Stable names: `log`, `size`, `root` of each log; `file`, `offset`, `kind`, `log`, `entry`, `detail` of each fault.
fn json_of(report: &journal::verify::VerifyReport) -> serde_json::Value {
    let logs = report.logs.iter().map(|l| json!({ "log": l.log, "origin": l.origin, "size": l.size, "root": model::digest::hex(&l.root) }));
    let faults = report.faults.iter().map(|f| {
        json!({ "file": f.file, "offset": f.offset, "kind": f.kind.name(), "log": f.log, "entry": f.entry, "detail": f.detail })
    });
    json!({ "verified": report.is_clean(), "logs": logs.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>() })
}
