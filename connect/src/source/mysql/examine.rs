//! What of the server's settings and the account's rights is in the way, each with how to mend it.

use super::catalog::{self, Table};
use super::dump::server_id;
use super::guarded;
use super::place;
use super::session::{Session, quoted};
use super::watched::ancestors;
use crate::ConnectError;
use crate::source::{Advice, Examination, GuardedTable, ServerAddress};
use std::collections::HashMap;

const DOING: &str = "examining the server";
/// A guard that was away for a weekend must find the binlog of Friday.
const WANTED_RETENTION_S: u64 = 3 * 24 * 60 * 60;
const SETTINGS: [&str; 12] = [
    "log_bin",
    "binlog_format",
    "binlog_row_image",
    "server_id",
    "sync_binlog",
    "max_binlog_total_size",
    "binlog_annotate_row_events",
    "binlog_rows_query_log_events",
    "innodb_native_foreign_keys",
    "gtid_mode",
    "basedir",
    "version_comment",
];

struct Findings {
    examination: Examination,
    settings: HashMap<String, String>,
}

pub(super) fn run(
    session: &mut Session,
    address: &ServerAddress,
    tables: &[GuardedTable],
) -> Result<Examination, ConnectError> {
    let list: Vec<String> = SETTINGS.iter().map(|s| format!("'{s}'")).collect();
    let sql = format!(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})",
        list.join(", ")
    );
    let mut settings = HashMap::new();
    for row in session.rows(DOING, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let (name, value) = (cells.next(), cells.next());
        settings.insert(name.unwrap_or_default(), value.unwrap_or_default());
    }
    let mut found = Findings {
        examination: Examination {
            server: product(session, settings.get("version_comment")),
            ..Examination::default()
        },
        settings,
    };
    found.log(session, address);
    found.retention(place::kept_s(session)?);
    found.forms(session.mariadb);
    found.rights(session)?;
    found.tables(session, tables)?;
    Ok(found.examination)
}

/// MySQL does not say its name in its version, and not always in the comment.
fn product(session: &Session, comment: Option<&String>) -> String {
    let comment = comment.map_or("", String::as_str);
    let brand = if session.mariadb || comment.contains("MySQL") {
        ""
    } else {
        "MySQL "
    };
    let said = format!("{brand}{comment} {}", session.version);
    said.trim().to_owned()
}

impl Findings {
    fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        let value = self.setting(name);
        // Days may have a fraction.
        value
            .split('.')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }

    fn problem(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.examination.problems.push(Advice {
            what: what.into(),
            mend: mend.into(),
        });
    }

    fn warn(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.examination.warnings.push(Advice {
            what: what.into(),
            mend: mend.into(),
        });
    }

    fn log(&mut self, session: &Session, address: &ServerAddress) {
        if self.setting("log_bin") != "ON" {
            self.problem(
                "the server writes no binlog",
                "set `log_bin = mysql-bin` under [mysqld] and restart the server",
            );
        }
        let format = self.setting("binlog_format").to_owned();
        if format != "ROW" {
            self.problem(
                format!("binlog_format is {format}; statements do not say which rows they change"),
                "SET GLOBAL binlog_format = 'ROW', the same under [mysqld], and let the shop connect anew",
            );
        }
        let id = self.number("server_id");
        if id == 0 {
            self.problem(
                "server_id is 0, so that the server serves no replica",
                "set `server_id = 1` under [mysqld] and restart the server",
            );
        } else if id == u64::from(server_id(&address.slot)) {
            self.problem(
                "the replica's number made from `slot` is the server's own",
                "choose another name as `slot`",
            );
        }
        if self.setting("sync_binlog") != "1" {
            self.warn(
                "sync_binlog is not 1: after a power failure the server may have forgotten transactions that \
                 were journaled here",
                "SET GLOBAL sync_binlog = 1, and the same under [mysqld]",
            );
        }
        if !session.mariadb && self.setting("gtid_mode") != "ON" {
            self.warn(
                "gtid_mode is not ON: transactions are named by file and offset",
                "switch GTIDs on as the manual says; Balefire works without",
            );
        }
    }

    fn retention(&mut self, seconds: u64) {
        if seconds > 0 && seconds < WANTED_RETENTION_S {
            self.warn(
                format!(
                    "the server throws its binlog away after {} hours; a guard that is away for longer is blind \
                     and has to look at every row",
                    seconds / 3_600
                ),
                format!("SET GLOBAL binlog_expire_logs_seconds = {WANTED_RETENTION_S}"),
            );
        }
        let most = self.number("max_binlog_total_size");
        if most > 0 {
            self.warn(
                format!(
                    "the server keeps {} MiB of binlog at most, whatever its age",
                    most >> 20
                ),
                "raise max_binlog_total_size so that it holds three days of trade",
            );
        }
        if self.setting("basedir").contains("rdsdbbin") {
            self.warn(
                "Amazon RDS throws the binlog away as soon as it can",
                "CALL mysql.rds_set_configuration('binlog retention hours', 72)",
            );
        }
    }

    fn forms(&mut self, mariadb: bool) {
        let image = self.setting("binlog_row_image").to_owned();
        if image == "MINIMAL" {
            self.problem(
                "binlog_row_image is MINIMAL: inserted rows are logged without the columns that got their default",
                "SET GLOBAL binlog_row_image = 'FULL', the same under [mysqld], and let the shop connect anew",
            );
        } else if image == "NOBLOB" {
            self.warn(
                "binlog_row_image is NOBLOB: rows inserted without a BLOB or TEXT column make every row be looked at",
                "SET GLOBAL binlog_row_image = 'FULL'",
            );
        }
        let (name, asked) = if mariadb {
            (
                "binlog_annotate_row_events",
                self.setting("binlog_annotate_row_events"),
            )
        } else {
            (
                "binlog_rows_query_log_events",
                self.setting("binlog_rows_query_log_events"),
            )
        };
        if asked != "ON" {
            self.warn(
                format!("{name} is OFF: write tokens in comments are not logged"),
                format!("SET GLOBAL {name} = ON, and let the shop connect anew; only needed for write tokens"),
            );
        }
    }

    fn rights(&mut self, session: &mut Session) -> Result<(), ConnectError> {
        let account = session
            .value(DOING, "SELECT CURRENT_USER()")?
            .unwrap_or_default();
        let (user, host) = account.rsplit_once('@').unwrap_or((&account, "%"));
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        let account = format!("'{}'@'{}'", escaped(user), escaped(host));
        let monitor = if session.mariadb && session.at_least(10, 5) {
            "BINLOG MONITOR"
        } else {
            "REPLICATION CLIENT"
        };
        // MySQL's snapshots need a short global read lock.
        let more = if session.mariadb { "" } else { ", RELOAD" };
        let grants = vec![
            format!("GRANT REPLICATION SLAVE, {monitor}{more} ON *.* TO {account}"),
            format!(
                "GRANT SELECT ON {}.* TO {account}",
                quoted(&session.database)
            ),
        ];
        let held: Vec<String> = session
            .rows(DOING, "SHOW GRANTS")?
            .into_iter()
            .filter_map(|row| row.into_iter().next()?)
            .map(|grant| grant.to_uppercase())
            .collect();
        let has = |right: &str| {
            let everywhere = held.iter().filter(|g| g.contains(" ON *.* "));
            everywhere
                .into_iter()
                .any(|g| g.contains(right) || g.starts_with("GRANT ALL PRIVILEGES"))
        };
        if !has("REPLICATION SLAVE") {
            self.problem("the account may not follow the binlog", grants[0].clone());
        }
        if !session.mariadb && !has("RELOAD") {
            self.problem(
                "the account may not hold writers for the moment of a snapshot",
                grants[0].clone(),
            );
        }
        let writes = ["ALL PRIVILEGES", " INSERT", " UPDATE", " DELETE", "SUPER"];
        let may_write = |g: &&String| {
            let rights = g.split(" ON ").next().unwrap_or_default();
            writes.iter().any(|w| rights.contains(w))
        };
        if held.iter().any(|g| may_write(&g)) {
            self.warn(
                "the account may write; the standing account needs to read only",
                format!(
                    "REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}; then the grants below"
                ),
            );
        }
        match place::end(session).and_then(|_| place::files(session)) {
            Ok(_) => {}
            Err(ConnectError::Server { .. }) => {
                self.problem(
                    "the account may not ask where the binlog stands",
                    grants[0].clone(),
                );
            }
            // The server writes none: said already.
            Err(ConnectError::CannotGuard { .. }) => {}
            Err(error) => return Err(error),
        }
        self.filters(session);
        self.examination.grants = grants;
        Ok(())
    }

    /// A server may leave databases out of its binlog.
    fn filters(&mut self, session: &mut Session) {
        let Ok(rows) = session.rows(DOING, place::end_statement(session)) else {
            return;
        };
        let cell = |at: usize| {
            let row = rows.first()?;
            row.get(at)?.clone().filter(|v| !v.is_empty())
        };
        let listed = |list: &str| list.split(',').any(|name| name == session.database);
        let left_out = cell(2).is_some_and(|only| !listed(&only))
            || cell(3).is_some_and(|ignored| listed(&ignored));
        if left_out {
            self.problem(
                "the server leaves this database out of its binlog",
                "remove binlog_do_db and binlog_ignore_db from the server's configuration and restart it",
            );
        }
    }

    fn tables(
        &mut self,
        session: &mut Session,
        tables: &[GuardedTable],
    ) -> Result<(), ConnectError> {
        let found = catalog::read_with_parents(session)?;
        for table in tables {
            let name = &table.schema.name;
            if let Err(error) = guarded::among(&found, std::slice::from_ref(table)) {
                let mend = error.advice();
                self.problem(error.to_string(), mend);
                continue;
            }
            let doing = format!("reading table {name}");
            let read = session.run(&doing, &format!("SELECT 1 FROM {} LIMIT 0", quoted(name)));
            if read.is_err() {
                let mend = self.examination.grants.get(1).cloned().unwrap_or_default();
                self.problem(format!("the account may not read table {name}"), mend);
            }
            let Some(this) = found
                .iter()
                .find(|t| t.database.is_none() && t.name == *name)
            else {
                continue;
            };
            if !this.engine.eq_ignore_ascii_case("InnoDB") {
                self.warn(
                    format!(
                        "table {name} is of the engine {}, which has no snapshots: an audit during trade may \
                         find differences that are none",
                        this.engine
                    ),
                    format!("ALTER TABLE {} ENGINE = InnoDB", quoted(name)),
                );
            }
            self.cascades(this, &found);
        }
        Ok(())
    }

    /// What changes a table's rows without a word in the binlog.
    fn cascades(&mut self, table: &Table, tables: &[Table]) {
        // MySQL 9.6 and later logs what foreign keys do.
        if self.setting("innodb_native_foreign_keys") == "OFF" {
            return;
        }
        let name = &table.name;
        for parent in ancestors(table, tables) {
            let label = parent.label();
            self.warn(
                format!(
                    "rows of {name} go or change with rows of {label} without the binlog saying so; every row is \
                     looked at each time"
                ),
                "let the shop delete such rows itself, or declare the foreign key RESTRICT",
            );
            let (Some(database), true) = (&parent.database, parent.is_unseen()) else {
                continue;
            };
            let account = self.examination.grants.first();
            let account = account.and_then(|grant| grant.split_once(" TO "));
            let grant = format!(
                "GRANT SELECT ON {}.{} TO {}",
                quoted(database),
                quoted(&parent.name),
                account.map_or("the account", |(_, account)| account)
            );
            self.problem(
                format!(
                    "the account may not see {label}, with whose rows rows of {name} change, nor what changes it \
                     in turn"
                ),
                grant.clone(),
            );
            self.examination.grants.push(grant);
        }
    }
}
