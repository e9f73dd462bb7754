//! `source learn`: a recording of lawful traffic in, a policy for a person to confirm out.

use super::owner::request;
use crate::arguments::{Arguments, Learn};
use crate::console::Console;
use crate::{Done, Failure};
use connect::source::trace::{SchemaDump, Trace};
use desk::control::ControlRequest;
use detect::learn::{Learner, Proposal};
use model::SourceName;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::ExitCode;

pub fn run(arguments: &Arguments, wanted: &Learn, console: &Console) -> Done {
    match (&wanted.source, &wanted.trace) {
        (Some(source), _) => from_guard(arguments, source, wanted, console),
        (None, Some(trace)) => from_trace(trace, wanted, console),
        // The argument parser asks for one of them.
        (None, None) => Ok(ExitCode::from(2)),
    }
}

/// From the ledger of a guarded source.
fn from_guard(arguments: &Arguments, source: &str, wanted: &Learn, console: &Console) -> Done {
    let asked = ControlRequest::Learn {
        source: SourceName::new(source),
    };
    let answer = request(arguments, asked, true)?;
    let text = answer["policy"].as_str().unwrap_or_default();
    write(wanted, text, console)?;
    if console.json {
        console.object(&answer)?;
    }
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    said(
        wanted,
        console,
        ["transactions", "changes", "rules", "tables"].map(number),
    );
    Ok(ExitCode::SUCCESS)
}

fn write(wanted: &Learn, text: &str, console: &Console) -> Result<(), Failure> {
    match &wanted.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?,
        None if !console.json => console.data(text),
        None => {}
    }
    Ok(())
}

fn said(wanted: &Learn, console: &Console, [transactions, changes, rules, tables]: [u64; 4]) {
    let out = wanted.out.as_deref().map(|p| p.display().to_string());
    console.say(
        "cli-learnt",
        &[
            ("transactions", transactions.into()),
            ("changes", changes.into()),
            ("rules", rules.into()),
            ("tables", tables.into()),
            ("out", out.unwrap_or_else(|| "FILE".to_owned()).into()),
        ],
    );
}

fn from_trace(trace: &Path, wanted: &Learn, console: &Console) -> Done {
    let dump = wanted.schema.as_deref().map(SchemaDump::open).transpose()?;
    let file = trace;
    let trace = Trace::open(file, dump.as_ref())?;
    let mut learner = Learner::new(trace.schemas());
    let bar = console.progress(trace.lines(), &console.text("cli-learning", &[]));
    for transaction in trace.transactions()? {
        let transaction = transaction?;
        bar.inc(transaction.writes.len() as u64);
        learner.transaction(&transaction);
    }
    bar.finish_and_clear();
    let proposal = learner.propose();
    let from = file.file_name().unwrap_or_default().to_string_lossy();
    let text = proposal.to_toml(&from);
    write(wanted, &text, console)?;
    if console.json {
        console.object(&summary(&proposal, wanted.out.is_none().then_some(text)))?;
    }
    let counts = [
        proposal.transactions,
        proposal.writes,
        proposal.rules() as u64,
        proposal.tables.len() as u64,
    ];
    said(wanted, console, counts);
    if proposal.forgotten > 0 {
        console.say("cli-learn-full", &[("rows", proposal.forgotten.into())]);
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(proposal: &Proposal, text: Option<String>) -> Json {
    let tables: Vec<Json> = proposal
        .tables
        .iter()
        .map(|table| {
            json!({
                "table": table.name,
                "inserts": table.inserts,
                "updates": table.updates,
                "deletes": table.deletes,
                "rules": table.rules.len(),
                "undecided": table.undecided,
            })
        })
        .collect();
    json!({
        "transactions": proposal.transactions,
        "changes": proposal.writes,
        "rules": proposal.rules(),
        "forgotten": proposal.forgotten,
        "tables": tables,
        "policy": text,
    })
}
