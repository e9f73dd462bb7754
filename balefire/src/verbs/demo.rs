//! `demo`: the whole story on a shop of our own.

use super::serve::wait_for_interrupt;
use crate::arguments::{Arguments, Demo};
use crate::console::Console;
use crate::{Done, Failure};
use demo::narrator::Narrator;
use demo::{DemoOptions, Staged, stage};
use incident::Incident;
use incident::clocks::clocks;
use model::{Finding, IncidentId};
use plan::clock::ClockState;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Findings told one by one; the rest are on the page.
const TOLD: usize = 6;

pub fn run(arguments: &Arguments, demo: &Demo, console: &Console) -> Done {
    let options = DemoOptions {
        folder: arguments
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from("balefire-demo")),
        orders: demo.orders,
        seed: demo.seed,
        listen: demo.listen.clone(),
        lang: console.lang,
    };
    let narrator = Narrator::new(console.lang, |line| {
        // A closed stderr is nobody's loss.
        let _ = writeln!(std::io::stderr(), "{line}");
    });
    let bar = console.progress(0, &console.text("cli-baseline", &[]));
    let staged = stage(&options, &narrator, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    keep_passwords(&staged, &narrator)?;
    let outcome = play(&staged, demo, &narrator);
    if outcome.is_ok() && !demo.exit {
        if !demo.manual {
            narrator.say("demo-still-up", &[]);
        }
        wait_for_interrupt()?;
    }
    let outcome = outcome.and_then(|outcome| {
        staged.end()?;
        Ok(outcome)
    })?;
    match outcome {
        Some(outcome) => {
            if console.json {
                console.object(&outcome)?;
            }
            let found = outcome.found.total();
            let injected =
                outcome.injected.altered + outcome.injected.forged + outcome.injected.deleted;
            let good = found == injected
                && outcome.false_findings == 0
                && outcome.audit_after.discrepancies == 0
                && outcome.journal.verified;
            Ok(ExitCode::from(u8::from(!good)))
        }
        None => Ok(ExitCode::SUCCESS),
    }
}

fn play(
    staged: &Staged,
    demo: &Demo,
    say: &Narrator,
) -> Result<Option<demo::outcome::Outcome>, Failure> {
    let injected = staged.attack(say)?;
    let id = staged.await_incident(&injected, say)?;
    tell(staged, &id, say)?;
    if demo.manual {
        say.say("demo-manual", &[]);
        return Ok(None);
    }
    staged.play(&id, say)?;
    let outcome = staged.conclude(&id, &injected, say.lang())?;
    say.say(
        "demo-report",
        &[("html", outcome.report.html.display().to_string().into())],
    );
    say.say(
        "demo-report-markdown",
        &[(
            "markdown",
            outcome.report.markdown.display().to_string().into(),
        )],
    );
    let attacked = outcome.injected.altered + outcome.injected.forged + outcome.injected.deleted;
    say.say(
        "demo-counts",
        &[
            ("found", outcome.found.total().into()),
            ("injected", attacked.into()),
            ("false", outcome.false_findings.into()),
            ("p99", outcome.detected_in_ms.p99.into()),
            ("discrepancies", outcome.audit_after.discrepancies.into()),
            ("verified", outcome.journal.verified.to_string().into()),
        ],
    );
    Ok(Some(outcome))
}

/// What happened by itself: findings, incident, clocks.
fn tell(staged: &Staged, id: &IncidentId, say: &Narrator) -> Result<(), Failure> {
    let incident = staged.desk.incident(id).ok_or("the incident is gone")?;
    let findings = staged.findings();
    for finding in findings.iter().take(TOLD) {
        tell_finding(finding, say);
    }
    if findings.len() > TOLD {
        say.say(
            "demo-more-findings",
            &[("n", (findings.len() - TOLD).into())],
        );
    }
    let money: i64 = incident
        .findings
        .at_risk
        .iter()
        .filter(|m| m.currency == "CNY")
        .map(|m| m.amount_minor)
        .sum();
    say.say(
        "demo-incident",
        &[
            ("code", incident.code_name.as_str().into()),
            ("rows", incident.findings.counts.total().into()),
            (
                "money",
                format!("{}.{:02}", money / 100, money % 100).into(),
            ),
            ("grade", incident.grade().roman().into()),
            ("level", incident.level.0.into()),
        ],
    );
    say.say("demo-undetectable", &[]);
    tell_clocks(staged, &incident, say);
    Ok(())
}

fn tell_finding(finding: &Finding, say: &Narrator) {
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let columns: Vec<String> = finding
        .columns
        .iter()
        .filter(|c| c.lawful != c.live && !c.personal)
        .take(4)
        .map(|c| format!("{} {} → {}", c.name, side(&c.lawful), side(&c.live)))
        .collect();
    let kind = serde_json::to_value(finding.kind)
        .ok()
        .and_then(|k| k.as_str().map(|k| k.replace('_', "-")));
    let kind = say.text(&format!("cli-kind-{}", kind.unwrap_or_default()));
    say.say(
        "demo-finding",
        &[
            ("table", finding.table.as_str().into()),
            ("key", finding.key.as_str().into()),
            ("kind", kind.into()),
            ("columns", columns.join("; ").into()),
        ],
    );
}

fn tell_clocks(staged: &Staged, incident: &Incident, say: &Narrator) {
    let plan = staged.desk.plan();
    for clock in clocks(&plan, incident, staged.desk.now()) {
        let title = clock.clock.title.in_lang(say.lang());
        match clock.state {
            ClockState::Running { due, .. }
            | ClockState::DueSoon { due, .. }
            | ClockState::Overdue { due, .. } => {
                say.say(
                    "demo-clock-running",
                    &[
                        ("clock", title.into()),
                        ("due", due.in_zone("Asia/Shanghai").into()),
                    ],
                );
            }
            ClockState::NotApplicable { reason } => {
                let state = say.text("demo-clock-not-applicable");
                say.say(
                    "demo-clock-waiting",
                    &[
                        ("clock", title.into()),
                        ("state", format!("{state} ({reason})").into()),
                    ],
                );
            }
            _ => {}
        }
    }
}

/// For whoever wants to log in as one of the people.
fn keep_passwords(staged: &Staged, say: &Narrator) -> Result<(), Failure> {
    let path = staged.desk.folder().root().join("passwords.txt");
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(staged.people.lines().as_bytes())?;
    say.say(
        "demo-passwords",
        &[("path", path.display().to_string().into())],
    );
    Ok(())
}
