//! Durable commands a second on one incident, from many callers at once.

use crate::{BenchError, Measure, percentile};
use desk::config::Config;
use desk::{DataFolder, Desk, NewReport};
use incident::Command;
use incident::grading::Impact;
use model::{Actor, Clock as _, Figure, IncidentId, Operation, RequestId, SystemClock};
use std::path::Path;
use std::time::Instant;

/// Callers, each of which waits for its answer before it asks again.
const CALLERS: u64 = 64;

/// Measures in `folder`, which is new.
pub fn run(folder: &Path, each: u64) -> Result<Vec<Measure>, BenchError> {
    std::fs::create_dir_all(folder)?;
    let desk = Desk::open(DataFolder::new(folder), Config::default())?;
    let id = open(&desk)?;
    let start = Instant::now();
    let results: Vec<Result<Vec<f64>, desk::CommandError>> = std::thread::scope(|scope| {
        let (desk, id) = (&desk, &id);
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| scope.spawn(move || call(desk, id, caller, each)))
            .collect();
        // A caller's panic is ours.
        callers
            .into_iter()
            .map(|c| {
                c.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let mut times_ms = Vec::new();
    for result in results {
        times_ms.append(&mut result?);
    }
    times_ms.sort_by(f64::total_cmp);
    let recorded = desk.recorded(&id).len() as u64;
    if recorded < CALLERS * each {
        return Err(BenchError::Unsound(format!(
            "{recorded} facts stand for {} commands",
            CALLERS * each
        )));
    }
    desk.stop();
    let how = format!(
        "figures recorded on one incident by {CALLERS} callers, decided, stored with fsync, answered"
    );
    Ok(vec![
        Measure::new("commands", times_ms.len() as f64 / seconds, "per_s", how),
        Measure::new(
            "command p50",
            percentile(&times_ms, 50.0),
            "ms",
            "from asking to the durable answer",
        ),
        Measure::new("command p99", percentile(&times_ms, 99.0), "ms", "the same"),
    ])
}

/// An incident opened from a report, as a person opens one.
fn open(desk: &Desk) -> Result<IncidentId, BenchError> {
    let received = desk.report(NewReport::new(
        "orders with changed totals",
        plan::Lang::En,
        RequestId::new("bench-report"),
    ))?;
    let everybody = Actor::Person {
        account: model::AccountId::new("bench"),
        name: "bench".into(),
        positions: desk.plan().positions.iter().map(|p| p.id.clone()).collect(),
    };
    Ok(desk
        .open_incident_from_report(operation(everybody, "bench-open".into()), &received.report)?)
}

fn call(
    desk: &Desk,
    id: &IncidentId,
    caller: u64,
    each: u64,
) -> Result<Vec<f64>, desk::CommandError> {
    let mut times_ms = Vec::with_capacity(each as usize);
    for number in 0..each {
        let op = operation(Actor::system("bench"), format!("bench-{caller}-{number}"));
        let impact = Impact {
            orders: Figure::known((caller * each + number) as i64),
            figures_at: Some(op.now),
            ..Impact::default()
        };
        let start = Instant::now();
        desk.execute(op, id, Command::RecordImpact { impact })?;
        times_ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times_ms)
}

fn operation(actor: Actor, request: String) -> Operation {
    Operation {
        actor,
        reason: String::new(),
        request: RequestId::new(request),
        now: SystemClock.now(),
    }
}
