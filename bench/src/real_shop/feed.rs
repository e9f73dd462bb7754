//! Changes a second: a backlog that was committed while the guard stood still, until its last
//! change is judged, durable and found; beside the server alone decoding the same log.
//!
//! The guard's process is suspended meanwhile, so that the backlog is one of a guard that runs: a
//! start would look at every row besides. What fits into the connection's buffers is decoded early.

use super::guarded::Guarded;
use super::session::Session;
use super::{Shop, sql};
use crate::servers::Kind;
use crate::{BenchError, Measure};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Instant;

/// A second slot, from which the server decodes for itself.
const SLOT: &str = "bench_decode";
/// Made by Balefire for the source `shop`.
const PUBLICATION: &str = "balefire_shop";

pub fn run(shop: &Shop, guarded: &Guarded, changes: u64) -> Result<Vec<Measure>, BenchError> {
    let changes = changes.min(shop.rows / 2);
    let mut session = Session::open(&shop.server)?;
    let place = mark(shop, &mut session)?;
    let suspended = guarded.suspend();
    let quick = match shop.server.kind {
        Kind::Postgres => "SET synchronous_commit = off;\n",
        Kind::Mariadb => "",
    };
    session.run(&format!("{quick}{}", sql::backlog(changes)))?;
    session.run(&sql::tamper(sql::sentinel(shop.rows)))?;
    let alone_s = decode(shop, &mut session, &place)?;
    let last = BTreeSet::from([sql::sentinel(shop.rows).to_string()]);
    let (cpu, start) = (guarded.cpu_s(), Instant::now());
    drop(suspended);
    guarded.await_findings(&last)?;
    let seconds = start.elapsed().as_secs_f64();
    let own_us = (guarded.cpu_s() - cpu) * 1e6 / changes as f64;
    if shop.server.kind == Kind::Postgres {
        session.run(&format!("SELECT pg_drop_replication_slot('{SLOT}');"))?;
    }
    let alone = match shop.server.kind {
        Kind::Postgres => "pg_logical_slot_peek_binary_changes of the same log",
        Kind::Mariadb => "mariadb-binlog reading the same binlog as a replica",
    };
    Ok(vec![
        Measure::new(
            shop.name("feed"),
            changes as f64 / seconds,
            "per_s",
            format!(
                "{changes} committed row changes in transactions of {}, until judged, journaled and durable; machine: {alone}",
                sql::PER_TRANSACTION
            ),
        )
        .beside(changes as f64 / alone_s),
        Measure::new(
            shop.name("feed own CPU"),
            own_us,
            "us",
            "CPU of the guard for a change",
        ),
    ])
}

/// Where the backlog will begin.
fn mark(shop: &Shop, session: &mut Session) -> Result<String, BenchError> {
    let lines = session.run(match shop.server.kind {
        Kind::Postgres => {
            "SELECT slot_name FROM pg_create_logical_replication_slot('bench_decode', 'pgoutput');"
        }
        Kind::Mariadb => "SHOW MASTER STATUS;",
    })?;
    lines
        .into_iter()
        .next()
        .ok_or_else(|| BenchError::Server("it does not say where its log stands".into()))
}

/// Seconds in which the server alone decodes the backlog, nobody doing anything with it.
fn decode(shop: &Shop, session: &mut Session, place: &str) -> Result<f64, BenchError> {
    let start = Instant::now();
    match shop.server.kind {
        Kind::Postgres => {
            session.run(&format!(
                "SELECT count(*) FROM pg_logical_slot_peek_binary_changes('{SLOT}', NULL, NULL, \
                 'proto_version', '1', 'publication_names', '{PUBLICATION}');"
            ))?;
        }
        Kind::Mariadb => {
            let mut fields = place.split('\t');
            let file = fields.next().unwrap_or_default();
            let position = fields.next().unwrap_or_default();
            let reader = shop.server.binlog_reader();
            let mut reader =
                reader.ok_or_else(|| BenchError::Server("mariadb-binlog is missing".into()))?;
            reader.arg(format!("--start-position={position}"));
            reader.arg("--to-last-log").arg(file);
            let done = reader
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .output()?;
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                return Err(BenchError::Server(said));
            }
        }
    }
    Ok(start.elapsed().as_secs_f64())
}
