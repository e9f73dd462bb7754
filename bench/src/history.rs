//! Years of incidents: how lists, searches, war rooms, commands and live pages do beside them.
//!
//! The history is stored as facts and findings; the index over it is made by the first start, as
//! for a folder of an older program. Everything after that goes through the real router.
//! Deliberately not here: the guard and its ledger, which `ingest` and the servers measure.

mod build;
mod streams;

use crate::{BenchError, Measure, limits, memory, percentile};
use demo::browser::Browser;
use desk::config::Config;
use desk::{DataFolder, Desk};
use incident::Command;
use incident::learning::Topic;
use incident::room::{Mark, RoomCommand};
use model::{AccountId, Actor, Clock as _, IncidentId, Operation, RequestId, SystemClock};
use std::path::Path;
use std::time::Instant;

pub use build::Size;

/// Requests of one kind of page.
const ASKED: usize = 100;
/// Callers at once, each of which waits for its answer.
const CALLERS: usize = 8;
/// Reports that wait for triage, and notes in one war room.
const REPORTS: usize = 200;
const NOTES: usize = 300;
const WORDS_OF_REPORTS: [&str; 4] = [
    "客户说订单金额变成一元，订单号",
    "the payee of this order was changed, number",
    "有人在后台导出用户手机号，工号",
    "a refund left the shop twice, order",
];
const SETTLED_WITHIN: std::time::Duration = std::time::Duration::from_secs(120);
const PERSON: &str = "bench";
const PASSWORD: &str = "a password of the bench alone";

/// What is asked for: name and address behind the list's own.
const LISTS: [(&str, &str); 9] = [
    ("list", ""),
    ("list by last fact", "?order=last"),
    ("filter, few hits", "?grade=1&risk=r3"),
    ("filter, closed real ones", "?state=closed&kind=real"),
    ("search zh, in most", "?q=订单金额"),
    ("search en, in most", "?q=payment+gateway"),
    ("search zh, rare", "?q=量子密钥"),
    ("search, beginning of a word", "?q=order+bea"),
    (
        "search and filter, few hits",
        "?q=订单金额&grade=1&state=closed",
    ),
];

pub fn run(folder: &Path, size: Size) -> Result<Vec<Measure>, BenchError> {
    std::fs::create_dir_all(folder)?;
    let mut measures = Vec::new();
    let begun = Instant::now();
    let built = build::build(&DataFolder::new(folder), size)?;
    let file = folder.join("balefire.db");
    let of = format!(
        "{} incidents, {} findings, {} facts",
        size.incidents, built.findings, built.facts
    );
    let mut tell = |name: &str, value, unit, how: String| {
        measures.push(Measure::new(format!("history {name}"), value, unit, how));
    };
    tell("built in", begun.elapsed().as_secs_f64(), "s", of);
    let begun = Instant::now();
    Desk::open(DataFolder::new(folder), Config::default())?.stop();
    let how = "the first start: the index is made from the facts";
    tell("indexed in", begun.elapsed().as_secs_f64(), "s", how.into());
    let mib = std::fs::metadata(&file)?.len() as f64 / f64::from(1 << 20);
    tell("on disk", mib, "mib", "balefire.db with its index".into());
    let begun = Instant::now();
    let desk = Desk::open(DataFolder::new(folder), Config::default())?;
    let how = "a start beside the history".to_owned();
    tell("start", begun.elapsed().as_secs_f64(), "s", how);
    let plan = desk.plan();
    let all: Vec<_> = plan.positions.iter().map(|p| p.id.clone()).collect();
    let account = AccountId::new(PERSON);
    desk.add_account(&account, PERSON, &all, PASSWORD)?;
    let web = web::start(desk.clone(), web::WebOptions::default())
        .map_err(|e| BenchError::Unsound(e.to_string()))?;
    measures.append(&mut machine(folder, &file)?);
    measures.append(&mut pages(&desk, &web.url(), &built)?);
    measures.append(&mut commands(&desk, &built.open)?);
    measures.append(&mut streams::run(
        &desk,
        web.addr,
        &account,
        &built.open[0],
    )?);
    if let Some((now, peak)) = memory::resident_mib("self") {
        let how = format!("resident after all of it; {peak:.0} MiB at most, with the building");
        measures.push(Measure::new("history memory", now, "mib", how));
    }
    web.stop();
    desk.stop();
    Ok(measures)
}

/// What the machine itself takes: one indexed read of SQLite, one written and fsynced entry.
fn machine(folder: &Path, file: &Path) -> Result<Vec<Measure>, BenchError> {
    let db =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let most: i64 = db.query_row("SELECT max(number) FROM finding", [], |row| row.get(0))?;
    let mut read = db.prepare("SELECT json FROM finding WHERE number = ?1")?;
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let number = fastrand::i64(1..=most);
        let begun = Instant::now();
        let _json: String = read.query_row([number], |row| row.get(0))?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let per_s = limits::fsync_entries_per_s(folder, 1, 200)?;
    Ok(vec![
        at(
            "machine read p95",
            &mut times,
            95.0,
            "a finding by its number, SQLite alone",
        ),
        Measure::new(
            "history machine fsync",
            1e3 / per_s,
            "ms",
            "one entry written and fdatasynced, mean",
        ),
    ])
}

fn at(name: &str, times_ms: &mut [f64], p: f64, how: &str) -> Measure {
    times_ms.sort_by(f64::total_cmp);
    Measure::new(
        format!("history {name}"),
        percentile(times_ms, p),
        "ms",
        how,
    )
}

fn pages(desk: &Desk, url: &str, built: &build::Built) -> Result<Vec<Measure>, BenchError> {
    let mut browser = Browser::login(url, PERSON, PASSWORD)?;
    let mut measures = Vec::new();
    let mut timed = |name: &str, how: &str, path: &dyn Fn(usize) -> String| {
        let mut times = Vec::with_capacity(ASKED);
        for n in 0..ASKED {
            let path = path(n);
            let begun = Instant::now();
            browser.page(&path)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        measures.push(at(&format!("{name} p95"), &mut times, 95.0, how));
        Ok::<(), BenchError>(())
    };
    for (name, query) in LISTS {
        let path = format!("/incidents{}", encoded(query));
        timed(name, "the page over HTTP, one reader", &|_| path.clone())?;
    }
    // Pages deep in the list, each from the place where the one before ended.
    let viewer = desk.viewer(&AccountId::new(PERSON), &[]);
    let mut query = desk::IncidentQuery {
        limit: 500,
        ..desk::IncidentQuery::default()
    };
    for _ in 0..(built.closed.len() / 1_000).min(100) {
        let next = desk.incident_list(&viewer, &query)?.next;
        query.after = next.unwrap_or_default();
    }
    let deep = format!("/incidents?after={}", query.after);
    timed("list, middle", "the page half down the list", &|_| {
        deep.clone()
    })?;
    let pick = |from: &[IncidentId], n: usize| from[(n * 7_919) % from.len()].clone();
    timed("war room, open", "of open incidents", &|n| {
        format!("/incidents/{}", pick(&built.open, n))
    })?;
    timed(
        "war room, closed",
        "of closed incidents, read from their facts",
        &|n| format!("/incidents/{}", pick(&built.closed, n)),
    )?;
    timed("findings", "the findings of an incident", &|n| {
        format!("/incidents/{}/findings", pick(&built.closed, n))
    })?;
    timed("board", "the duty board", &|_| "/".to_owned())?;
    let busy = &built.open[0];
    first_hours(desk, busy)?;
    for (name, path) in [
        ("triage", "/triage".to_owned()),
        ("triage, filter", "/triage?risk=R1&waited=24".to_owned()),
        ("outbox", "/outbox".to_owned()),
        ("call-out", "/call-out".to_owned()),
        ("orders of mine", "/orders".to_owned()),
        ("discussion", format!("/incidents/{busy}/discussion")),
        ("course of events", format!("/incidents/{busy}/timeline")),
        ("war room, long talk", format!("/incidents/{busy}")),
    ] {
        let how = format!("beside {REPORTS} reports that wait, {NOTES} notes of one incident");
        timed(name, &how, &|_| path.clone())?;
    }
    Ok(measures)
}

/// What the first hours of a bad day leave: reports that wait, each with its pages, and a talk.
fn first_hours(desk: &Desk, busy: &IncidentId) -> Result<(), BenchError> {
    for n in 0..REPORTS {
        let words = WORDS_OF_REPORTS[n % WORDS_OF_REPORTS.len()];
        let request = RequestId::new(format!("bench-report-{n}"));
        let report = desk::NewReport {
            risk: Some(model::Risk::ALL[n % 4]),
            ..desk::NewReport::new(format!("{words} {n}"), plan::Lang::Zh, request)
        };
        desk.report(report)?;
    }
    for n in 0..NOTES {
        let note = RoomCommand::Write {
            text: format!("第 {n} 条：支付网关已核对，keep the evidence"),
            mark: Mark::Plain,
            mentions: Vec::new(),
            corrects: None,
            said: None,
        };
        let op = operation(desk, format!("bench-note-{n}"));
        desk.execute(op, busy, Command::Room(note))?;
    }
    // What goes out by itself is done before anything is timed.
    let begun = Instant::now();
    while desk.outbox(None, 2_000).iter().any(|m| m.state != "sent") {
        if begun.elapsed() > SETTLED_WITHIN {
            return Err(BenchError::Unsound("the outbox is never empty".into()));
        }
        desk.wait_for_change(u64::MAX, std::time::Duration::from_millis(200));
    }
    Ok(())
}

/// Only what is not ASCII: the queries above are written otherwise.
fn encoded(query: &str) -> String {
    let mut out = String::new();
    for byte in query.bytes() {
        match byte.is_ascii() {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Decisions with their words, on many incidents at once: stored, indexed, fsynced, answered.
fn commands(desk: &Desk, open: &[IncidentId]) -> Result<Vec<Measure>, BenchError> {
    let call = |caller: usize| -> Result<Vec<f64>, BenchError> {
        let mut times = Vec::with_capacity(ASKED);
        for n in 0..ASKED {
            let id = &open[(caller * 31 + n) % open.len()];
            let command = Command::RecordDecision {
                topic: Topic::General,
                text: format!("先保全证据再恢复订单金额，第 {n} 次；keep evidence first"),
            };
            let op = operation(desk, format!("bench-{caller}-{n}"));
            let begun = Instant::now();
            desk.execute(op, id, command)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    };
    let results: Vec<Result<Vec<f64>, BenchError>> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|c| scope.spawn(move || call(c))).collect();
        let joined = callers.into_iter().map(|c| c.join());
        // A caller's panic is ours.
        joined
            .map(|j| j.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut times = Vec::new();
    for result in results {
        times.append(&mut result?);
    }
    let how = format!("a decision with its words on one of many incidents, {CALLERS} callers");
    Ok([50.0, 95.0, 99.0]
        .map(|p| at(&format!("command p{p}"), &mut times, p, &how))
        .into())
}

/// Somebody who holds every position.
fn operation(desk: &Desk, request: String) -> Operation {
    let plan = desk.plan();
    Operation {
        actor: Actor::Person {
            account: AccountId::new(PERSON),
            name: PERSON.into(),
            positions: plan.positions.iter().map(|p| p.id.clone()).collect(),
        },
        reason: String::new(),
        request: RequestId::new(request),
        now: SystemClock.now(),
    }
}
