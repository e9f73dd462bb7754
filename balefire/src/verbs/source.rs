//! `source` and its verbs.

use super::owner::{config, request};
use crate::arguments::{Arguments, Source};
use crate::console::Console;
use crate::{Done, Failure};
use desk::control::ControlRequest;
use desk::source::BaselineDone;
use model::SourceName;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, verb: &Source, console: &Console) -> Done {
    match verb {
        Source::Check { source } => check(arguments, source, console),
        Source::Shadow { source, days } => super::shadow::report(arguments, source, *days, console),
        Source::Attach { source } => {
            let source = SourceName::new(source);
            said(
                arguments,
                ControlRequest::Attach { source },
                "made",
                console,
            )
        }
        Source::Detach { source } => {
            let source = SourceName::new(source);
            said(
                arguments,
                ControlRequest::Detach { source },
                "removed",
                console,
            )
        }
        Source::Baseline { source, again } => baseline(arguments, source, *again, console),
        Source::Learn(wanted) => super::learn::run(arguments, wanted, console),
        Source::Replay(wanted) => super::replay::run(wanted, console),
        Source::Pack { name } => super::replay::pack(name.as_deref(), console),
        Source::StampKey { file } => super::stamp::make_key(file, console),
        Source::Stamp(wanted) => super::stamp::token(wanted, console),
    }
}

/// Connects and says everything that is wrong at once; exit code 1 when something is.
fn check(arguments: &Arguments, source: &str, console: &Console) -> Done {
    let config = config(arguments)?;
    let report = desk::source_check::check(&config, &SourceName::new(source))?;
    if console.json {
        console.object(&report)?;
    } else {
        for table in &report.tables {
            let state = if table.guarded {
                "cli-table-guarded"
            } else {
                "cli-table-unguarded"
            };
            console.data(&console.text(
                state,
                &[
                    ("table", table.name.as_str().into()),
                    ("rows", table.rows.into()),
                    ("key", table.key.join(", ").into()),
                    ("personal", table.personal.join(", ").into()),
                ],
            ));
        }
        if !report.grants.is_empty() {
            console.say(
                "cli-source-grants",
                &[("server", report.server.as_str().into())],
            );
            (report.grants.iter()).for_each(|grant| console.data(&format!("{grant};")));
        }
        for problem in &report.problems {
            console.line(&format!("✗ {problem}"));
        }
        for warning in &report.warnings {
            console.line(&format!("! {warning}"));
        }
        console.say(
            "cli-source-checked",
            &[("problems", report.problems.len().into())],
        );
    }
    Ok(ExitCode::from(u8::from(!report.problems.is_empty())))
}

fn baseline(arguments: &Arguments, source: &str, again: bool, console: &Console) -> Done {
    let name = SourceName::new(source);
    let running = super::owner::folder(arguments).socket();
    let done = if std::os::unix::net::UnixStream::connect(running).is_ok() {
        done_of(&request(
            arguments,
            ControlRequest::Baseline {
                source: name,
                again,
            },
            false,
        )?)?
    } else {
        let desk = super::owner::open(arguments)?;
        let bar = console.progress(0, &console.text("cli-baseline", &[]));
        let done = desk.baseline(&name, again, &mut |rows, total| {
            bar.set_length(total);
            bar.set_position(rows);
        });
        bar.finish_and_clear();
        desk.stop();
        done?
    };
    without_key(console, done.unreadable);
    if console.json {
        console.object(&done)?;
    } else {
        console.say(
            "cli-baseline-done",
            &[("rows", done.rows.into()), ("source", source.into())],
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What was made on or removed from the server, a line each.
fn said(arguments: &Arguments, verb: ControlRequest, list: &str, console: &Console) -> Done {
    let answer = request(arguments, verb, false)?;
    if console.json {
        console.object(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = answer.get(list).and_then(|l| l.as_array());
    for line in lines.into_iter().flatten().filter_map(|l| l.as_str()) {
        console.data(line);
    }
    Ok(ExitCode::SUCCESS)
}

fn done_of(answer: &serde_json::Value) -> Result<BaselineDone, Failure> {
    Ok(serde_json::from_value(answer.clone())?)
}

/// Rows that cannot be guarded are said, never skipped in silence.
pub fn without_key(console: &Console, rows: u64) {
    if rows > 0 {
        console.say("cli-without-key", &[("rows", rows.into())]);
    }
}
