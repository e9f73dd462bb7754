//! From the moment an attacker's COMMIT has returned until the finding is stored, while the shop
//! trades at a fixed rate.

use super::session::Session;
use super::{Shop, shop_name, sql};
use crate::processes::pause;
use crate::{BenchError, Measure, percentile};
use desk::{Desk, FindingFilter};
use model::FindingId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WRITERS: u64 = 2;
/// Row changes of one lawful transaction.
const EACH: u64 = 10;
/// Row changes a second, of all writers together.
const RATE: u64 = 2_000;
const ATTACK_EVERY: Duration = Duration::from_millis(100);
/// Trade before the first attack.
const WARM_UP: Duration = Duration::from_secs(1);
/// A finding that has not come by then will not.
const FIND_WITHIN: Duration = Duration::from_secs(30);
/// More findings than come between two looks.
const PAGE: u32 = 1_000;

/// Measures with the guard in this process, so that a stored finding is seen at once.
pub fn run(shop: &Shop, time: Duration) -> Result<Vec<Measure>, BenchError> {
    let desk = shop.desk()?;
    desk.start_guards()?;
    let measured = measure(shop, &desk, time);
    desk.stop();
    measured
}

fn measure(shop: &Shop, desk: &Desk, time: Duration) -> Result<Vec<Measure>, BenchError> {
    let most = shop.rows / 2 / 10;
    let attacks = (time.as_millis() / ATTACK_EVERY.as_millis()) as u64;
    let attacks = attacks.clamp(1, most);
    let trading = AtomicBool::new(true);
    let (trade, attacked, found) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let trading = &trading;
                scope.spawn(move || write(shop, number, trading))
            })
            .collect();
        pause(WARM_UP);
        let attacker = scope.spawn(|| attack(shop, attacks));
        let found = watch(shop, desk, attacks);
        let attacked = attacker.join();
        trading.store(false, Ordering::SeqCst);
        let trade: Vec<_> = writers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        (trade, attacked, found)
    });
    let (attacked, found) = (joined(attacked)?, found?);
    let mut rate = 0.0;
    for writer in trade {
        rate += joined(writer)?;
    }
    let mut times_ms: Vec<f64> = attacked
        .iter()
        .filter_map(|(id, committed)| Some((committed, found.get(id)?)))
        .map(|(committed, seen)| seen.saturating_duration_since(*committed).as_secs_f64() * 1e3)
        .collect();
    times_ms.sort_by(f64::total_cmp);
    let how = format!(
        "from the attacker's COMMIT to the stored finding; {} of {attacks} attacks found, one every {} ms, under trade",
        times_ms.len(),
        ATTACK_EVERY.as_millis()
    );
    let one =
        |name: &str, p: f64| Measure::new(shop.name(name), percentile(&times_ms, p), "ms", &*how);
    Ok(vec![
        one("latency p50", 50.0),
        one("latency p99", 99.0),
        one("latency max", 100.0),
        Measure::new(
            shop.name("latency trade"),
            rate,
            "per_s",
            format!("row changes written meanwhile, {EACH} a transaction; machine: as many as were wanted"),
        )
        .beside(RATE as f64),
    ])
}

/// A thread's panic is ours.
fn joined<T>(ended: std::thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Writes lawful changes on schedule until trade ends; row changes a second.
fn write(shop: &Shop, number: u64, trading: &AtomicBool) -> Result<f64, BenchError> {
    let mut session = Session::open(&shop.server)?;
    let mut random = fastrand::Rng::with_seed(number);
    let every = Duration::from_secs_f64((EACH * WRITERS) as f64 / RATE as f64);
    let (start, mut transactions) = (Instant::now(), 0_u32);
    while trading.load(Ordering::SeqCst) {
        session.run(&sql::trade(shop.rows, number, EACH, &mut random))?;
        transactions += 1;
        pause((every * transactions).saturating_sub(start.elapsed()));
    }
    Ok(f64::from(transactions) * EACH as f64 / start.elapsed().as_secs_f64())
}

/// Tampers with one row after the other, on schedule; when each COMMIT had returned.
fn attack(shop: &Shop, attacks: u64) -> Result<Vec<(String, Instant)>, BenchError> {
    let mut session = Session::open(&shop.server)?;
    let start = Instant::now();
    let mut committed = Vec::new();
    for number in 0..attacks {
        let id = sql::attacked(shop.rows, attacks, number);
        session.run(&sql::tamper(id))?;
        committed.push((id.to_string(), Instant::now()));
        pause((ATTACK_EVERY * (number as u32 + 1)).saturating_sub(start.elapsed()));
    }
    Ok(committed)
}

/// When each attacked row's finding was first seen in the store. Ends when all are there, or when
/// nothing more comes.
fn watch(shop: &Shop, desk: &Desk, attacks: u64) -> Result<HashMap<String, Instant>, BenchError> {
    let attacked: std::collections::HashSet<String> = (0..attacks)
        .map(|number| sql::attacked(shop.rows, attacks, number).to_string())
        .collect();
    let mut last = newest(desk);
    let mut found = HashMap::new();
    let (mut seen, mut heard) = (0, Instant::now());
    while found.len() < attacked.len() {
        seen = desk.wait_for_change(seen, ATTACK_EVERY);
        let new = desk.findings(&FindingFilter {
            source: Some(shop_name()),
            after: last.clone(),
            limit: PAGE,
            ..FindingFilter::default()
        });
        let now = Instant::now();
        for finding in new {
            last = Some(finding.id);
            if attacked.contains(&finding.key) {
                found.entry(finding.key).or_insert(now);
                heard = now;
            }
        }
        if heard.elapsed() > FIND_WITHIN {
            let why = format!("only {} of {attacks} attacks were found", found.len());
            return Err(BenchError::Unsound(why));
        }
    }
    Ok(found)
}

/// The finding behind which the new ones come.
fn newest(desk: &Desk) -> Option<FindingId> {
    let all = FindingFilter {
        source: Some(shop_name()),
        limit: u32::MAX,
        ..FindingFilter::default()
    };
    desk.findings(&all).pop().map(|f| f.id)
}
