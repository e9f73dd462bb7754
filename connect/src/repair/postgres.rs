//! A PostgreSQL shop as a repair writes it.
//!
//! READ COMMITTED with a lock on every row: what is checked is what is committed, and stays so. The
//! server's own counters of this transaction tell what triggers and cascades changed in any table.

mod client;
mod tables;

use super::applied::Image;
use super::procedure::{self, Shop};
use super::server::{self, Failure, Meaning};
use super::{Applied, RepairError, RepairLimits, RowFault, statement};
use crate::source::ServerAddress;
use client::Client;
use model::{Dialect, RepairProposal, RepairStep, Value};
use std::collections::{BTreeMap, BTreeSet};
use tables::Table;

/// The path comes first of all: with another one an operator or a function of somebody else could be
/// found for one of ours, and would run with the rights of the writing account. Tables stand with
/// their schemas in every statement. A policy's own `void` and `reverse` are worded anew for the
/// proposal, so that they need no path either.
/// The shop's own functions (a trigger that was allowed) name their tables wholly, or set a path. Under the others the server writes every value in one way, as it does for the source that watches.
const SETTINGS: &str = "SET search_path = pg_catalog, pg_temp; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; \
     SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = 'hex'; \
     SET lc_monetary = 'C'; SET standard_conforming_strings = on; SET row_security = off";

/// Applies the proposal as a whole or not at all. A dry run does the same and rolls back.
pub fn apply(
    writer: &ServerAddress,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    if proposal.dialect != Dialect::Postgres {
        return Err(RepairError::OtherDatabase {
            written_for: proposal.dialect,
        });
    }
    super::limits::check(proposal, limits)?;
    let mut server = Server::begin(writer, limits)?;
    procedure::run(&mut server, proposal, limits, dry_run)
}

struct Server {
    client: Client,
    tables: BTreeMap<String, Table>,
}

impl Server {
    fn begin(writer: &ServerAddress, limits: &RepairLimits) -> Result<Self, RepairError> {
        let client = client::connect(writer, limits.statement_timeout_ms);
        let mut server = Self {
            client: client.map_err(RepairError::Connect)?,
            tables: BTreeMap::new(),
        };
        server.ask("setting up the connection", SETTINGS)?;
        let begin = format!(
            "SET lock_timeout = {}; SET statement_timeout = {}; \
             SET idle_in_transaction_session_timeout = 60000; \
             BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET CONSTRAINTS ALL DEFERRED",
            limits.lock_timeout_ms.max(1),
            limits.statement_timeout_ms.max(1),
        );
        server.ask("beginning the repair", &begin)?;
        Ok(server)
    }

    fn ask(&mut self, doing: &str, sql: &str) -> Result<Vec<client::Texts>, RepairError> {
        self.client.rows(sql).map_err(|e| refused(doing, None, e))
    }

    fn number(&mut self, doing: &str, sql: &str) -> Result<Option<i64>, RepairError> {
        let rows = self.ask(doing, sql)?;
        let cell = rows.into_iter().flatten().flatten().next();
        Ok(cell.and_then(|text| text.parse().ok()))
    }
}

impl Shop for Server {
    fn examine(
        &mut self,
        proposal: &RepairProposal,
        limits: &RepairLimits,
    ) -> Result<(), RepairError> {
        const DOING: &str = "looking at the tables of the repair";
        let failed = |e| refused(DOING, None, e);
        let counts = self.ask(DOING, "SHOW track_counts")?;
        if counts.into_iter().flatten().flatten().next().as_deref() != Some("on") {
            return Err(RepairError::NotCounted);
        }
        let mut set_off = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for step in &proposal.steps {
            let verb = statement::check(Dialect::Postgres, step)
                .map_err(|fault| RepairError::row(step, fault))?;
            if !seen.insert((&step.table, verb as u8)) {
                continue;
            }
            let found = tables::find(&mut self.client, &step.table).map_err(failed)?;
            let found = found.ok_or_else(|| RepairError::NoTable {
                table: step.table.clone(),
            })?;
            let triggers = tables::triggers(&mut self.client, &found, verb).map_err(failed)?;
            set_off.extend(triggers.iter().map(|name| format!("{}.{name}", step.table)));
            self.tables.insert(step.table.clone(), found);
        }
        set_off.retain(|name| !limits.allow_triggers.contains(name));
        if !set_off.is_empty() {
            let triggers = set_off.into_iter().collect();
            return Err(RepairError::Triggers { triggers });
        }
        Ok(())
    }

    fn rows(
        &mut self,
        step: &RepairStep,
        holding: &[(String, Value)],
        lock: bool,
    ) -> Result<Vec<Image>, RepairError> {
        let table = self.tables.get(&step.table);
        let table = table.ok_or_else(|| RepairError::NoTable {
            table: step.table.clone(),
        })?;
        let mut tests = Vec::with_capacity(holding.len());
        for (name, value) in holding {
            let column = table.column(name).ok_or_else(|| {
                let column = name.clone();
                RepairError::row(step, RowFault::NoColumn { column })
            })?;
            tests.push(column.holds(value));
        }
        let sql = format!(
            "SELECT {} FROM {} WHERE {} LIMIT 2{}",
            table.select(),
            table.name,
            tests.join(" AND "),
            if lock { " FOR UPDATE" } else { "" }
        );
        let doing = if lock {
            "locking the row"
        } else {
            "reading the row"
        };
        let rows = self
            .client
            .rows(&sql)
            .map_err(|e| refused(doing, Some(step), e))?;
        let image = |row: client::Texts| {
            let cells = table.columns.iter().zip(row);
            cells
                .map(|(c, text)| (c.name.clone(), c.value(text)))
                .collect()
        };
        Ok(rows.into_iter().map(image).collect())
    }

    fn execute(&mut self, step: &RepairStep) -> Result<u64, RepairError> {
        self.client
            .execute(&step.sql, &step.parameters)
            .map_err(|e| refused("writing the row", Some(step), e))
    }

    /// TOAST tables and the system's own are left out: they follow from the others.
    fn changed(&mut self) -> Result<u64, RepairError> {
        let sql = "SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint \
                   FROM pg_catalog.pg_stat_xact_user_tables";
        let found = self.number("counting changed rows", sql)?;
        found
            .and_then(|n| u64::try_from(n).ok())
            .ok_or(RepairError::NotCounted)
    }

    fn settle(&mut self, _proposal: &RepairProposal) -> Result<(), RepairError> {
        const DOING: &str = "checking deferred constraints";
        match self.client.rows("SET CONSTRAINTS ALL IMMEDIATE") {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) if meaning(&refusal.code) == Meaning::Other => {
                Err(RepairError::Constraint(refusal.into()))
            }
            Err(failure) => Err(refused(DOING, None, failure)),
        }
    }

    fn clock_ms(&mut self) -> Result<i64, RepairError> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let found = self.number("asking for the time", sql)?;
        Ok(found.unwrap_or(0))
    }

    fn rollback(&mut self) -> Result<(), RepairError> {
        self.ask("rolling back", "ROLLBACK").map(drop)
    }

    fn commit(&mut self) -> Result<Option<String>, RepairError> {
        // As the log has it, without the epoch that the server counts above it.
        let sql = "SELECT txid_current() % 4294967296";
        let id = self.number("asking for the transaction", sql)?;
        match self.client.rows("COMMIT") {
            Ok(_) => Ok(id.map(|id| id.to_string())),
            Err(Failure::Lost(source)) => Err(RepairError::Unheard(source)),
            Err(failure) => Err(refused("committing", None, failure)),
        }
    }
}

fn refused(doing: &str, step: Option<&RepairStep>, failure: Failure) -> RepairError {
    server::error(doing, step, failure, meaning)
}

/// PostgreSQL documentation, appendix A, "Error Codes".
fn meaning(code: &str) -> Meaning {
    match code {
        // lock_not_available, deadlock_detected, serialization_failure, query_canceled (by the timeout).
        "55P03" | "40P01" | "40001" | "57014" => Meaning::Locked,
        // read_only_sql_transaction, insufficient_privilege.
        "25006" | "42501" => Meaning::ReadOnly,
        "42601" => Meaning::NotOne,
        _ => Meaning::Other,
    }
}
