//! A MariaDB or MySQL shop as a repair writes it.
//!
//! READ COMMITTED with a lock on every row: what is checked is what is committed, stays so, and no gap
//! is locked for the shop. The session's own counters tell what triggers changed; foreign keys that
//! cascade are not in them, so that rows which hang on a row are looked for beforehand.

mod client;
mod tables;

use super::applied::Image;
use super::procedure::{self, Shop};
use super::server::{self, Failure, Meaning};
use super::statement::{self, Verb};
use super::{Applied, RepairError, RepairLimits, RowFault};
use crate::source::ServerAddress;
use client::{Cells, Client};
use model::{Dialect, RepairProposal, RepairStep, Value};
use std::collections::{BTreeMap, BTreeSet};
use tables::Table;

/// Under these the server writes every value in one way, as it does for the source that watches;
/// it cuts off nothing, makes no new number of a 0, and takes back every date that it once had.
const SETTINGS: &str = "SET SESSION time_zone = '+00:00', \
     sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', \
     foreign_key_checks = 1, unique_checks = 1, autocommit = 1, sql_select_limit = DEFAULT";

/// Applies the proposal as a whole or not at all. A dry run does the same and rolls back.
pub fn apply(
    writer: &ServerAddress,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    if proposal.dialect != Dialect::Mysql {
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
    mariadb: bool,
    tables: BTreeMap<String, Table>,
    /// Our own rows that the server's counters have twice: MariaDB counts a row of a partitioned table
    /// once for the table and once for the partition.
    counted_twice: u64,
}

impl Server {
    fn begin(writer: &ServerAddress, limits: &RepairLimits) -> Result<Self, RepairError> {
        const DOING: &str = "setting up the connection";
        let mut client =
            client::connect(writer, limits.statement_timeout_ms).map_err(RepairError::Connect)?;
        let failed = |e| refused(DOING, None, e);
        let version = client.text("SELECT VERSION()").map_err(failed)?;
        let mariadb = version.is_some_and(|v| v.contains("MariaDB"));
        // Counted in whole seconds.
        let seconds = limits.lock_timeout_ms.div_ceil(1_000).max(1);
        let mut settings = vec![
            "SET NAMES utf8mb4".to_owned(),
            SETTINGS.to_owned(),
            format!(
                "SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
            ),
        ];
        if mariadb {
            let limit = f64::from(limits.statement_timeout_ms.max(1)) / 1_000.0;
            settings.push(format!("SET SESSION max_statement_time = {limit}"));
        }
        settings.push("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned());
        settings.push("START TRANSACTION READ WRITE".to_owned());
        for sql in settings {
            client.rows(&sql).map_err(failed)?;
        }
        Ok(Self {
            client,
            mariadb,
            tables: BTreeMap::new(),
            counted_twice: 0,
        })
    }

    fn text(&mut self, doing: &str, sql: &str) -> Result<Option<String>, RepairError> {
        self.client.text(sql).map_err(|e| refused(doing, None, e))
    }

    fn table(&self, step: &RepairStep) -> Result<&Table, RepairError> {
        let found = self.tables.get(&step.table);
        found.ok_or_else(|| RepairError::NoTable {
            table: step.table.clone(),
        })
    }

    /// Refuses a row that others hang on by a key which would change them too.
    fn cascades(&mut self, step: &RepairStep, verb: Verb) -> Result<(), RepairError> {
        let mut asked = Vec::new();
        for key in &self.table(step)?.acting {
            let held = |here: &str| {
                let mut named = step.expect_live.iter();
                named.find(|(name, _)| name == here).map(|(_, value)| value)
            };
            let written = |here: &str| {
                let mut named = step.expect_after.iter();
                let after = named.find(|(name, _)| name == here).map(|(_, value)| value);
                after.is_some() && after != held(here)
            };
            let acts = match verb {
                Verb::Insert => false,
                Verb::Delete => key.on_delete,
                Verb::Update => key.on_update && key.columns.iter().any(|(_, c)| written(c)),
            };
            let tests = key.columns.iter().map(|(there, here)| {
                let value = held(here).filter(|v| **v != Value::Null);
                value.map(|v| tables::holds(there, v))
            });
            // A NULL is pointed to by nothing.
            if let (true, Some(tests)) = (acts, tests.collect::<Option<Vec<_>>>()) {
                let sql = format!(
                    "SELECT COUNT(*) FROM {} WHERE {}",
                    key.child,
                    tests.join(" AND ")
                );
                asked.push((key.child.clone(), sql));
            }
        }
        for (child, sql) in asked {
            let rows = self.client.text(&sql);
            let rows =
                rows.map_err(|e| refused("looking for rows that hang on it", Some(step), e))?;
            let rows = rows.and_then(|n| n.parse().ok()).unwrap_or(0);
            if rows > 0 {
                let table = child.replace('`', "");
                return Err(RepairError::row(step, RowFault::Cascades { table, rows }));
            }
        }
        Ok(())
    }
}

impl Shop for Server {
    fn examine(
        &mut self,
        proposal: &RepairProposal,
        limits: &RepairLimits,
    ) -> Result<(), RepairError> {
        let failed = |e| refused("looking at the tables of the repair", None, e);
        if !tables::may_see_triggers(&mut self.client).map_err(failed)? {
            return Err(RepairError::TriggersHidden);
        }
        let mut set_off = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for step in &proposal.steps {
            let verb = statement::check(Dialect::Mysql, step)
                .map_err(|fault| RepairError::row(step, fault))?;
            if !seen.insert((&step.table, verb as u8)) {
                continue;
            }
            let table = step.table.clone();
            let found = tables::find(&mut self.client, &table).map_err(failed)?;
            let Some(found) = found.filter(|t| !t.columns.is_empty()) else {
                return Err(RepairError::NoTable { table });
            };
            if !found.transactional {
                let engine = found.engine;
                return Err(RepairError::NotTransactional { table, engine });
            }
            let triggers = tables::triggers(&mut self.client, &table, verb).map_err(failed)?;
            set_off.extend(triggers.iter().map(|name| format!("{table}.{name}")));
            self.tables.insert(table, found);
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
        let table = self.table(step)?;
        let mut tests = Vec::with_capacity(holding.len());
        for (name, value) in holding {
            if table.column(name).is_none() {
                let column = name.clone();
                return Err(RepairError::row(step, RowFault::NoColumn { column }));
            }
            tests.push(tables::holds(&Dialect::Mysql.quoted(name), value));
        }
        let sql = format!(
            "SELECT {} FROM {} WHERE {} LIMIT 2{}",
            table.select(),
            Dialect::Mysql.table(&step.table),
            tests.join(" AND "),
            if lock { " FOR UPDATE" } else { "" }
        );
        let doing = if lock {
            "locking the row"
        } else {
            "reading the row"
        };
        let rows = self.client.rows(&sql);
        let rows = rows.map_err(|e| refused(doing, Some(step), e))?;
        let table = self.table(step)?;
        let image = |row: Cells| {
            let cells = table.columns.iter().zip(row);
            cells
                .map(|(c, cell)| (c.name.clone(), c.value(cell)))
                .collect()
        };
        Ok(rows.into_iter().map(image).collect())
    }

    fn execute(&mut self, step: &RepairStep) -> Result<u64, RepairError> {
        let verb = statement::check(Dialect::Mysql, step)
            .map_err(|fault| RepairError::row(step, fault))?;
        self.cascades(step, verb)?;
        let partitioned = self.table(step)?.partitioned;
        let rows = self.client.execute(&step.sql, &step.parameters);
        let rows = rows.map_err(|e| refused("writing the row", Some(step), e))?;
        if self.mariadb && partitioned && rows == 1 {
            self.counted_twice += 1;
        }
        Ok(rows)
    }

    fn changed(&mut self) -> Result<u64, RepairError> {
        let sql = "SHOW SESSION STATUS WHERE Variable_name IN \
                   ('Handler_write', 'Handler_update', 'Handler_delete')";
        let rows = self.client.rows(sql);
        let rows = rows.map_err(|e| refused("counting changed rows", None, e))?;
        let count = |row: Cells| {
            let cell = row.into_iter().nth(1).flatten()?;
            String::from_utf8(cell).ok()?.parse::<u64>().ok()
        };
        let counts: Option<Vec<u64>> = rows.into_iter().map(count).collect();
        let counts = counts.filter(|counts| counts.len() == 3);
        let sum: u64 = counts.ok_or(RepairError::NotCounted)?.iter().sum();
        Ok(sum.saturating_sub(self.counted_twice))
    }

    /// Nothing is deferred here.
    fn settle(&mut self, _proposal: &RepairProposal) -> Result<(), RepairError> {
        Ok(())
    }

    fn clock_ms(&mut self) -> Result<i64, RepairError> {
        let sql = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)";
        let text = self.text("asking for the time", sql)?;
        Ok(text.and_then(|t| t.parse().ok()).unwrap_or(0))
    }

    fn rollback(&mut self) -> Result<(), RepairError> {
        self.text("rolling back", "ROLLBACK").map(drop)
    }

    fn commit(&mut self) -> Result<Option<String>, RepairError> {
        match self.client.rows("COMMIT") {
            Ok(_) => {}
            Err(Failure::Lost(source)) => return Err(RepairError::Unheard(source)),
            Err(failure) => return Err(refused("committing", None, failure)),
        }
        // It is committed: that its name is not told is no failure of the repair.
        let asked = self.mariadb.then(|| self.client.text("SELECT @@last_gtid"));
        let gtid = asked.and_then(Result::ok).flatten();
        Ok(gtid.filter(|gtid| !gtid.is_empty()))
    }
}

fn refused(doing: &str, step: Option<&RepairStep>, failure: Failure) -> RepairError {
    server::error(doing, step, failure, meaning)
}

/// MariaDB documentation, "MariaDB Error Codes"; MySQL 8.0 has the same below 1900.
fn meaning(code: &str) -> Meaning {
    match code {
        // Lock wait timeout, deadlock, a statement's own timeout.
        "1205" | "1213" | "1969" => Meaning::Locked,
        // Rights on the table or the column; the server or the transaction only reads.
        "1142" | "1143" | "1044" | "1290" | "1792" | "1836" => Meaning::ReadOnly,
        "1064" => Meaning::NotOne,
        _ => Meaning::Other,
    }
}
