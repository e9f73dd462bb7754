//! `source learn`: a recording of lawful traffic in, a policy for a person to confirm out.

use crate::Done;
use crate::arguments::Learn;
use crate::console::Console;
use connect::source::trace::{SchemaDump, Trace};
use detect::learn::{Learner, Proposal};
use serde_json::{Value as Json, json};
use std::process::ExitCode;

pub fn run(wanted: &Learn, console: &Console) -> Done {
    let dump = wanted.schema.as_deref().map(SchemaDump::open).transpose()?;
    let trace = Trace::open(&wanted.trace, dump.as_ref())?;
    let mut learner = Learner::new(trace.schemas());
    let bar = console.progress(trace.lines(), &console.text("cli-learning", &[]));
    for transaction in trace.transactions()? {
        let transaction = transaction?;
        bar.inc(transaction.writes.len() as u64);
        learner.transaction(&transaction);
    }
    bar.finish_and_clear();
    let proposal = learner.propose();
    let from = wanted
        .trace
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let text = proposal.to_toml(&from);
    match &wanted.out {
        Some(path) => std::fs::write(path, &text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?,
        None if !console.json => console.data(&text),
        None => {}
    }
    if console.json {
        console.object(&summary(&proposal, wanted.out.is_none().then_some(text)))?;
    }
    let out = wanted.out.as_deref().map(|p| p.display().to_string());
    console.say(
        "cli-learnt",
        &[
            ("transactions", proposal.transactions.into()),
            ("changes", proposal.writes.into()),
            ("rules", proposal.rules().into()),
            ("tables", proposal.tables.len().into()),
            ("out", out.unwrap_or_else(|| "FILE".to_owned()).into()),
        ],
    );
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
