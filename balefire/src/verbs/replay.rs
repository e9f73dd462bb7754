//! `source replay` and `source pack`: a recorded trace held against a policy file.

use super::policy_file;
use crate::arguments::Replay as Wanted;
use crate::console::Console;
use crate::{Done, Failure};
use connect::source::trace::{SchemaDump, Trace};
use detect::learn::packs;
use detect::policy::Severity;
use detect::replay::{Replay, ReplayFinding, ReplayKind};
use detect::{Judge, JudgeOptions};
use model::Value;
use model::policy::Sees;
use serde_json::{Map, Value as Json, json};
use std::process::ExitCode;

/// Findings that are held for one JSON object; the others are only counted.
const MAX_LISTED: usize = 100_000;

pub fn run(wanted: &Wanted, console: &Console) -> Done {
    let policy = policy_file::read(&wanted.policy)?;
    if policy.tables.is_empty() {
        console.say("cli-replay-nothing", &[]);
    }
    let dump = wanted.schema.as_deref().map(SchemaDump::open).transpose()?;
    let mut trace = Trace::open(&wanted.trace, dump.as_ref())?;
    trace.expect(&policy);
    let schemas = trace.schemas().to_vec();
    let compiled = detect::policy::compile_for(&policy, &schemas, Sees::Transactions);
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(problems) => {
            for problem in problems
                .iter()
                .filter(|p| p.severity() == Severity::Problem)
            {
                console.line(&format!("✗ {problem}"));
            }
            let file = wanted.policy.as_str().into();
            return Err(console.text("cli-policy-refused", &[("file", file)]).into());
        }
    };
    // What was computed from a tampered value is for a person to look at, and not against the policy.
    let options = JudgeOptions {
        tainted_input: false,
    };
    let mut replay = Replay::new(Judge::with_options(compiled, options), &schemas);
    let (mut listed, mut found) = (Vec::new(), 0_u64);
    let bar = console.progress(trace.lines(), &console.text("cli-replaying", &[]));
    for transaction in trace.transactions()? {
        let transaction = transaction?;
        bar.inc(transaction.writes.len() as u64);
        for finding in replay.transaction(&transaction) {
            found += 1;
            if !console.json {
                console.data(&line(console, &finding));
            } else if listed.len() < MAX_LISTED {
                listed.push(object(console, &finding));
            }
        }
    }
    bar.finish_and_clear();
    conclude(console, &replay, listed, found)?;
    Ok(ExitCode::from(u8::from(found > 0)))
}

fn conclude(
    console: &Console,
    replay: &Replay,
    listed: Vec<Json>,
    found: u64,
) -> Result<(), Failure> {
    let counts = replay.counts();
    if console.json {
        console.object(&json!({
            "findings": listed,
            "found": found,
            "transactions": counts.transactions,
            "changes": counts.writes,
            "unguarded": counts.unguarded,
            "unseen": counts.unseen,
            "forgotten": counts.forgotten,
        }))?;
        return Ok(());
    }
    console.say(
        "cli-replayed",
        &[
            ("transactions", counts.transactions.into()),
            ("changes", counts.writes.into()),
            ("findings", found.into()),
        ],
    );
    for (key, number) in [
        ("cli-replay-unguarded", counts.unguarded),
        ("cli-replay-unseen", counts.unseen),
        ("cli-replay-forgotten", counts.forgotten),
    ] {
        if number > 0 {
            console.say(key, &[("count", number.into())]);
        }
    }
    Ok(())
}

/// `source pack`: the names, or the text of one.
pub fn pack(name: Option<&str>, console: &Console) -> Done {
    let Some(name) = name else {
        if console.json {
            let all: Vec<Json> = packs::ALL
                .iter()
                .map(|pack| json!({"name": pack.name, "about": pack.about()}))
                .collect();
            console.object(&all)?;
        } else {
            for pack in packs::ALL {
                console.data(&format!("{:<14} {}", pack.name, pack.about()));
            }
        }
        return Ok(ExitCode::SUCCESS);
    };
    let pack = policy_file::pack(name)?;
    if console.json {
        console.object(&json!({"name": pack.name, "about": pack.about(), "text": pack.text}))?;
    } else {
        console.data(pack.text);
    }
    Ok(ExitCode::SUCCESS)
}

/// `order 2  altered  subTotal: 51897 -> 1  (company, together)  2026-11-22T20:23:29Z  tx 1746`
fn line(console: &Console, finding: &ReplayFinding) -> String {
    let key: Vec<String> = finding.key.iter().map(|(_, v)| shown(v)).collect();
    let kind = console.text(&format!("cli-kind-{}", kind(finding)), &[]);
    let columns: Vec<String> = finding
        .columns
        .iter()
        .map(|c| {
            let text = |v: &Option<Value>| v.as_ref().map_or_else(|| "-".to_owned(), shown);
            format!("{}: {} -> {}", c.name, text(&c.lawful), text(&c.live))
        })
        .collect();
    format!(
        "{} {}  {kind}  {}  ({})  {}  tx {}",
        finding.table,
        key.join(","),
        columns.join("; "),
        finding.rules.join(", "),
        finding.at,
        finding.tx
    )
}

fn object(console: &Console, finding: &ReplayFinding) -> Json {
    let key: Map<String, Json> = finding
        .key
        .iter()
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect();
    let names: Vec<&str> = finding.columns.iter().map(|c| c.name.as_str()).collect();
    let text = |value: &Option<Value>| value.as_ref().map(shown);
    let values: Map<String, Json> = finding
        .columns
        .iter()
        .map(|c| {
            let both = json!({"lawful": text(&c.lawful), "live": text(&c.live)});
            (c.name.clone(), both)
        })
        .collect();
    json!({
        "table": finding.table,
        "key": key,
        "kind": kind(finding),
        "rule": finding.rules.first(),
        "rules": finding.rules,
        "columns": names,
        "values": values,
        "at": finding.at,
        "tx": finding.tx.parse::<u64>().map_or_else(|_| json!(finding.tx), |id| json!(id)),
        "line": finding.line,
        "detail": line(console, finding),
    })
}

fn kind(finding: &ReplayFinding) -> &'static str {
    match finding.kind {
        ReplayKind::Altered => "altered",
        ReplayKind::Forged => "forged",
        ReplayKind::Deleted => "deleted",
    }
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(i) => json!(i),
        Value::Real(r) => json!(r),
        Value::Text(_) | Value::Blob(_) => json!(shown(value)),
    }
}

fn shown(value: &Value) -> String {
    value.as_ref().to_string()
}
