//! `source shadow` and `judge`.

use super::account::session;
use super::owner::request;
use crate::Done;
use crate::arguments::Arguments;
use crate::console::Console;
use desk::control::ControlRequest;
use model::{FindingId, SourceName};
use serde_json::Value;
use std::process::ExitCode;

/// A line a day, and what a team asks first: how many false alarms, how long blind.
pub fn report(arguments: &Arguments, source: &str, days: u32, console: &Console) -> Done {
    let asked = ControlRequest::Shadow {
        source: SourceName::new(source),
        days,
    };
    let report = request(arguments, asked, false)?;
    if console.json {
        console.object(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    for day in report["days"].as_array().into_iter().flatten() {
        console.data(&line(console, day));
    }
    let figure = |name: &str| format!("{:.1}", report[name].as_f64().unwrap_or_default());
    console.say(
        "cli-shadow-sum",
        &[
            ("false", figure("false_alarms_a_day").into()),
            ("blind", figure("blind_minutes").into()),
        ],
    );
    if report["shadow"] == true {
        console.say("cli-shadow-mode", &[]);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(console: &Console, day: &Value) -> String {
    let number = |name: &str| day[name].as_u64().unwrap_or_default();
    let findings = day["findings"].as_object().into_iter().flatten();
    let kinds: Vec<String> = findings
        .map(|(kind, count)| {
            let kind = console.text(&format!("cli-kind-{}", kind.replace('_', "-")), &[]);
            format!("{kind} {count}")
        })
        .collect();
    let known = |value: &Value, unit: &str, by: f64| {
        let figure = value.as_f64();
        figure.map_or_else(
            || "-".to_owned(),
            |figure| format!("{:.1} {unit}", figure / by),
        )
    };
    console.text(
        "cli-shadow-day",
        &[
            (
                "date",
                day["date"].as_str().unwrap_or_default().to_owned().into(),
            ),
            ("changes", number("changes").into()),
            (
                "findings",
                if kinds.is_empty() {
                    "0".into()
                } else {
                    kinds.join(", ").into()
                },
            ),
            ("false", number("false_alarms").into()),
            ("unjudged", number("unjudged").into()),
            (
                "blind",
                format!("{:.1}", number("blind_s") as f64 / 60.0).into(),
            ),
            (
                "retained",
                known(&day["most_retained_bytes"], "MiB", 1_048_576.0).into(),
            ),
            ("connections", number("most_connections").into()),
            ("lag", known(&day["most_lag_s"], "s", 1.0).into()),
            ("cpu", known(&day["server_cpu_s"], "s", 1.0).into()),
        ],
    )
}

pub fn judge(
    arguments: &Arguments,
    finding: &str,
    (lawful, reason): (bool, &str),
    console: &Console,
) -> Done {
    let asked = ControlRequest::JudgeFinding {
        finding: FindingId::new(finding),
        lawful,
        reason: reason.to_owned(),
        session: session(arguments)?,
    };
    let answer = request(arguments, asked, false)?;
    if console.json {
        console.object(&answer)?;
    } else {
        let said = if lawful {
            "cli-judged-lawful"
        } else {
            "cli-judged-unlawful"
        };
        console.say(said, &[("finding", finding.into())]);
    }
    Ok(ExitCode::SUCCESS)
}
