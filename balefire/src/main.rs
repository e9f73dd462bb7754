//! The binary: arguments, wiring, exit codes. It decides nothing.
//!
//! Exit codes: 0 clean, 1 found something, 2 could not do it.

mod arguments;
mod console;
mod verbs;

use arguments::{Arguments, Command};
use clap::Parser as _;
use console::Console;
use desk::audit_part::Part;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(feature = "failpoints")]
    let _scenario = console::arm_failpoints();
    let console = Console::new(&arguments);
    match run(&arguments, &console) {
        Ok(code) => code,
        Err(error) => {
            console.error(&*error);
            let advice = error.downcast_ref::<desk::DeskError>();
            if let Some(advice) = advice.and_then(desk::DeskError::advice) {
                console.advice(advice);
            }
            ExitCode::from(2)
        }
    }
}

/// Any room's error; the chain is printed once, in `main`.
pub(crate) type Failure = Box<dyn std::error::Error>;
pub(crate) type Done = Result<ExitCode, Failure>;

fn run(arguments: &Arguments, console: &Console) -> Done {
    match &arguments.command {
        Command::Demo(demo) => verbs::demo::run(arguments, demo, console),
        Command::Serve(serve) => verbs::serve::run(arguments, serve, console),
        Command::Init { force } => verbs::init::run(arguments, *force, console),
        Command::Judge {
            finding,
            lawful,
            reason,
            ..
        } => verbs::shadow::judge(arguments, finding, (*lawful, reason), console),
        Command::Accept(accept) => verbs::accept::run(arguments, accept, console),
        Command::Window(window) => verbs::window::run(arguments, window, console),
        Command::Source(source) => verbs::source::run(arguments, source, console),
        Command::Audit {
            source,
            rows,
            sample,
        } => match rows
            .map(|rows| Part::InTurn { rows })
            .or(sample.map(|rows| Part::Sample { rows }))
        {
            Some(part) => verbs::audit::part(arguments, source, part, console),
            None => verbs::audit::run(arguments, source, console),
        },
        Command::Findings { source, limit } => {
            verbs::audit::findings(arguments, source.as_deref(), *limit, console)
        }
        Command::Investigate(asked) => verbs::investigate::run(arguments, asked, console),
        Command::Repair(repair) => verbs::repair::run(arguments, repair, console),
        Command::Account(account) => verbs::account::run(arguments, account, console),
        Command::Login {
            name,
            password_file,
        } => verbs::account::login(arguments, name, password_file, console),
        Command::Journal(journal) => verbs::journal::run(arguments, journal, console),
        Command::Incident(incident) => verbs::incident::run(arguments, incident, console),
        Command::Plan(plan) => verbs::plan::run(arguments, plan, console),
        Command::Intake(arguments::Intake::Mail(mail)) => verbs::intake::mail(mail, console),
        Command::Bench(bench) => verbs::bench::run(arguments, bench, console),
        Command::Config(arguments::Config::Check) => verbs::init::check(arguments, console),
    }
}
