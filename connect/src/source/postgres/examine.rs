//! What `source check` says of a PostgreSQL server: settings, rights, tables, each with how to
//! mend it, and the statements that give an account the least rights.

use super::catalog::{self, Table};
use super::guarded::{self, Access};
use super::session::{Session, literal};
use super::slot;
use crate::ConnectError;
use crate::source::{Advice, Examination, GuardedTable, ServerAddress};
use model::Dialect;
use std::collections::BTreeMap;

const DOING: &str = "examining the server";
/// The first version whose log we read (the option `publish_via_partition_root`).
const OLDEST: u32 = 130_000;
/// Names of tables in one sentence.
const NAMES: usize = 20;

pub(super) fn run(
    session: &mut Session,
    address: &ServerAddress,
    tables: &[GuardedTable],
) -> Result<Examination, ConnectError> {
    let facts = Facts::read(session, &address.slot)?;
    let mut found = Examination {
        server: format!("PostgreSQL {}", facts.text("server_version")),
        ..Examination::default()
    };
    server(&facts, session.version, &mut found);
    burden(&facts, address, &mut found);
    account(&facts, &mut found);
    let all = catalog::read(session)?;
    let mut access = Vec::new();
    for one in guarded::find_in(session, &all, tables)? {
        match one {
            Ok(one) => access.push(one),
            Err(error) => problem(&mut found, error.to_string(), error.advice()),
        }
    }
    for one in &access {
        if let Some(what) = one.heirs() {
            let mend = "run ALTER TABLE ... NO INHERIT, or make it a partitioned table";
            problem(&mut found, what, mend);
        }
        if let Some(why) = one.not_followed() {
            let name = &one.guarded.schema.name;
            problem(
                &mut found,
                format!("{name} cannot be guarded: {why}"),
                &mend_identity(one),
            );
        }
    }
    rights(session, &access, &mut found)?;
    attached(session, address, &facts, &access, &mut found)?;
    not_guarded(&all, &access, &mut found);
    found.grants = grants(&facts, address, &access);
    Ok(found)
}

/// Settings and rights by name, as text.
struct Facts(BTreeMap<String, String>);

impl Facts {
    fn read(session: &mut Session, slot: &str) -> Result<Self, ConnectError> {
        let mut facts = BTreeMap::new();
        let settings = "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'wal_level', \
             'max_replication_slots', 'max_wal_senders', 'max_slot_wal_keep_size', 'server_encoding', \
             'synchronous_standby_names')";
        let account = format!(
            "SELECT to_jsonb(f) FROM (SELECT current_user AS user, current_database() AS database, \
               r.rolsuper AS super, \
               r.rolreplication OR EXISTS (SELECT 1 FROM pg_roles g WHERE g.rolname IN \
                 ('rds_replication', 'cloudsqlsuperuser', 'azure_pg_admin') \
                 AND pg_has_role(current_user, g.oid, 'member')) AS replication, \
               pg_is_in_recovery() AS standby, \
               (SELECT count(*) FROM pg_replication_slots) AS slots, \
               (SELECT count(*) FROM pg_stat_replication) AS senders, \
               EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = {}) AS attached, \
               EXISTS (SELECT 1 FROM pg_proc p WHERE p.proname = 'pg_logical_emit_message' \
                 AND has_function_privilege(p.oid, 'EXECUTE')) AS mark \
             FROM pg_roles r WHERE r.rolname = current_user) f",
            literal(slot)
        );
        for row in session.simple(DOING, settings)? {
            if let [Some(name), Some(value)] = row.as_slice() {
                facts.insert(name.clone(), value.clone());
            }
        }
        let row = session
            .simple(DOING, &account)?
            .into_iter()
            .flatten()
            .flatten()
            .next();
        let row: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&row.unwrap_or_default()).unwrap_or_default();
        facts.extend(row.into_iter().map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, text),
            other => (name, other.to_string()),
        }));
        Ok(Self(facts))
    }
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }
    fn is(&self, name: &str) -> bool {
        self.text(name) == "true"
    }
    /// The account that is to guard.
    fn role(&self) -> &str {
        if self.is("super") {
            "balefire"
        } else {
            self.text("user")
        }
    }
}

fn problem(found: &mut Examination, what: String, mend: &str) {
    found.problems.push(advice(what, mend));
}
fn warning(found: &mut Examination, what: String, mend: &str) {
    found.warnings.push(advice(what, mend));
}
fn advice(what: String, mend: &str) -> Advice {
    Advice {
        what,
        mend: mend.to_owned(),
    }
}

fn server(facts: &Facts, version: u32, found: &mut Examination) {
    if version < OLDEST {
        problem(
            found,
            "the server is older than PostgreSQL 13".to_owned(),
            "upgrade the server",
        );
    } else if version < 140_000 {
        let what = "servers before PostgreSQL 14 do not stream messages: the shop's write tokens are not seen";
        warning(
            found,
            what.to_owned(),
            "upgrade the server, or do without write tokens",
        );
    }
    if facts.text("wal_level") != "logical" {
        problem(
            found,
            format!(
                "wal_level is {}, and must be logical",
                facts.text("wal_level")
            ),
            "run ALTER SYSTEM SET wal_level = 'logical' and restart the server; on Amazon RDS and Aurora set \
             rds.logical_replication = 1, on Cloud SQL cloudsql.logical_decoding = on, on Azure \
             wal_level = logical among the parameters, each followed by a restart",
        );
    }
    for (used, most, name) in [
        ("slots", "max_replication_slots", "replication slots"),
        ("senders", "max_wal_senders", "processes that send the log"),
    ] {
        if !facts.is("attached") && facts.number(used) >= facts.number(most) {
            problem(
                found,
                format!("all {} {name} of the server are taken", facts.number(most)),
                &format!(
                    "run ALTER SYSTEM SET {most} = {} and restart the server",
                    facts.number(most) + 5
                ),
            );
        }
    }
    if facts.is("standby") {
        warning(
            found,
            "the server is a standby: it can follow from PostgreSQL 16 on, and cannot be attached by itself".to_owned(),
            "point the source at the primary, or make publication and slot there",
        );
    }
    if facts.text("server_encoding") == "SQL_ASCII" {
        warning(
            found,
            "the database has no encoding (SQL_ASCII): texts are taken as the bytes that they are"
                .to_owned(),
            "nothing has to be done; texts that are not UTF-8 are shown with replacement marks",
        );
    }
}

/// What following may cost the shop.
fn burden(facts: &Facts, address: &ServerAddress, found: &mut Examination) {
    let standbys = facts.text("synchronous_standby_names");
    if standbys.contains('*') || standbys.contains("balefire") {
        problem(
            found,
            format!(
                "synchronous_standby_names is {standbys:?}: the shop's commits might wait for the guard"
            ),
            "name the standbys themselves there, not * and not balefire",
        );
    }
    let (kept, most) = (
        facts.number("max_slot_wal_keep_size"),
        address.max_retained_mib as i64,
    );
    if kept < 0 {
        warning(
            found,
            "the server sets no bound to the log that it keeps for a slot (max_slot_wal_keep_size = -1): while \
             Balefire is stopped, nothing ends a slot that fills the disk"
                .to_owned(),
            &format!("run ALTER SYSTEM SET max_slot_wal_keep_size = '{}MB' and SELECT pg_reload_conf()", most.max(64) * 2),
        );
    } else if kept < most {
        warning(
            found,
            format!(
                "the server lets go of a slot at {kept} MiB of log, before max_retained_mib ({most}) is reached"
            ),
            "raise max_slot_wal_keep_size, or lower max_retained_mib",
        );
    }
}

fn account(facts: &Facts, found: &mut Examination) {
    let role = quoted(facts.text("user"));
    if !facts.is("replication") && !facts.is("super") {
        problem(
            found,
            format!("the account {role} may not read the server's log"),
            &format!(
                "run ALTER ROLE {role} REPLICATION; on Amazon RDS and Aurora GRANT rds_replication TO {role}"
            ),
        );
    }
    if facts.is("super") {
        warning(
            found,
            format!("the account {role} is a superuser"),
            "make an account of its own for the guard, with the grants below",
        );
    }
    if !facts.is("mark") {
        warning(
            found,
            format!(
                "the account {role} may not call pg_logical_emit_message; positions are compared instead"
            ),
            &format!(
                "run GRANT EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) TO {role}"
            ),
        );
    }
}

fn mend_identity(access: &Access) -> String {
    let table = access.table.quoted();
    let key = |index: &&catalog::Index| {
        index.names_rows
            && access
                .guarded
                .key
                .0
                .iter()
                .all(|c| index.columns.contains(c))
    };
    if !access.table.logged {
        return format!("run ALTER TABLE {table} SET LOGGED");
    }
    if let Some(part) = access.unnamed_part() {
        return format!("run ALTER TABLE {part} REPLICA IDENTITY DEFAULT, or FULL");
    }
    match access.table.indexes.iter().find(key) {
        Some(index) if index.primary => format!("run ALTER TABLE {table} REPLICA IDENTITY DEFAULT"),
        Some(index) => format!(
            "run ALTER TABLE {table} REPLICA IDENTITY USING INDEX {}, or take the primary key as `key`",
            quoted(&index.name)
        ),
        None => format!(
            "give {table} a primary key that is not deferrable, or a unique index on NOT NULL columns"
        ),
    }
}

/// What the account may do with the tables.
fn rights(
    session: &mut Session,
    access: &[Access],
    found: &mut Examination,
) -> Result<(), ConnectError> {
    let oids: Vec<String> = access.iter().map(|a| a.table.oid.to_string()).collect();
    let sql = "SELECT c.oid, has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), \
                 has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'), row_security_active(c.oid), current_user \
               FROM pg_class c WHERE c.oid = ANY($1::oid[]) ORDER BY c.oid";
    let oids = format!("{{{}}}", oids.join(","));
    let (mut unread, mut written, mut hidden, mut user) =
        (Vec::new(), Vec::new(), Vec::new(), String::new());
    for row in session.query(DOING, sql, &[oids.as_bytes()])? {
        let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let Some(one) = access.iter().find(|a| a.table.oid.to_string() == cell(0)) else {
            continue;
        };
        let name = one.table.quoted();
        user = quoted(&cell(4));
        if cell(1) != "t" {
            unread.push(name.clone());
        } else if cell(3) == "t" {
            hidden.push(name.clone());
        }
        if cell(2) == "t" {
            written.push(name);
        }
    }
    if !unread.is_empty() {
        let what = format!("the account {user} may not read {}", some(&unread));
        problem(found, what, "run the GRANT statements below");
    }
    if !hidden.is_empty() {
        let what = format!(
            "row security hides rows of {} from the account {user}",
            some(&hidden)
        );
        problem(found, what, &format!("run ALTER ROLE {user} BYPASSRLS"));
    }
    if !written.is_empty() {
        let what = format!(
            "the account {user} may write to {}; guarding needs no such right",
            some(&written)
        );
        warning(
            found,
            what,
            "guard with an account of its own, with the grants below",
        );
    }
    Ok(())
}

/// Slot and publication.
fn attached(
    session: &mut Session,
    address: &ServerAddress,
    facts: &Facts,
    access: &[Access],
    found: &mut Examination,
) -> Result<(), ConnectError> {
    let wrong = slot::published(session, &address.slot, access)?;
    if !wrong.is_empty() {
        let exists = !wrong.iter().any(|w| w.starts_with("there is no"));
        let statements = slot::publish_statements(&address.slot, access, exists).join("; ");
        for what in wrong {
            let mend = format!(
                "run `balefire source attach`, or let the owner of the tables run: {statements}"
            );
            problem(found, what, &mend);
        }
    }
    match slot::look(session, &address.slot)? {
        None => problem(
            found,
            format!("there is no replication slot {}", address.slot),
            "run `balefire source attach`",
        ),
        Some(slot) if !slot.sound => problem(
            found,
            format!(
                "the replication slot {} has lost its log: {}",
                address.slot, slot.why
            ),
            "start Balefire: it makes the slot anew, says since when it was blind, and audits",
        ),
        Some(slot) if slot.other_plugin => problem(
            found,
            format!(
                "the replication slot {} belongs to another program",
                address.slot
            ),
            "choose another `slot` in the configuration",
        ),
        Some(slot) if slot.retained > address.max_retained_mib << 20 && !facts.is("standby") => {
            warning(
                found,
                format!(
                    "the server keeps {} MiB of log for the slot {}",
                    slot.retained >> 20,
                    address.slot
                ),
                "start Balefire, or run `balefire source detach`",
            )
        }
        Some(_) => {}
    }
    Ok(())
}

/// Tables that nobody guards, and why those that could not be.
fn not_guarded(all: &[Table], access: &[Access], found: &mut Examination) {
    let left: Vec<&Table> = all
        .iter()
        .filter(|t| access.iter().all(|a| a.table.oid != t.oid))
        .collect();
    let names = |which: &dyn Fn(&&&Table) -> bool| -> Vec<String> {
        left.iter()
            .filter(which)
            .map(|table| table.label())
            .collect()
    };
    let nameless = |t: &&&Table| !t.indexes.iter().any(|index| index.names_rows);
    let keyless = names(&|t| t.logged && nameless(t));
    let unlogged = names(&|t| !t.logged);
    let others = names(&|t| t.logged && !nameless(t));
    if !others.is_empty() {
        let what = format!("not guarded: {}", some(&others));
        warning(
            found,
            what,
            "add those that matter to the configuration, and run `balefire source attach`",
        );
    }
    if !keyless.is_empty() {
        let what = format!(
            "no key names a row of {}: their rows can be neither followed, audited nor repaired",
            some(&keyless)
        );
        warning(found, what, "give them a primary key where they matter");
    }
    if !unlogged.is_empty() {
        let what = format!(
            "the changes of {} are in no log (UNLOGGED), and are not seen",
            some(&unlogged)
        );
        warning(
            found,
            what,
            "run ALTER TABLE ... SET LOGGED where they matter",
        );
    }
}

/// The least rights of the standing account.
fn grants(facts: &Facts, address: &ServerAddress, access: &[Access]) -> Vec<String> {
    let role = quoted(facts.role());
    let mut namespaces: Vec<String> = access.iter().map(|a| quoted(&a.table.namespace)).collect();
    namespaces.sort();
    namespaces.dedup();
    let tables: Vec<String> = access.iter().map(|a| a.table.quoted()).collect();
    let login = if facts.is("super") {
        format!("CREATE ROLE {role} LOGIN REPLICATION PASSWORD 'choose one'")
    } else {
        format!("ALTER ROLE {role} LOGIN REPLICATION")
    };
    let mut grants = vec![
        login,
        format!(
            "GRANT CONNECT ON DATABASE {} TO {role}",
            quoted(facts.text("database"))
        ),
    ];
    if !tables.is_empty() {
        grants.push(format!(
            "GRANT USAGE ON SCHEMA {} TO {role}",
            namespaces.join(", ")
        ));
        grants.push(format!(
            "GRANT SELECT ON TABLE {} TO {role}",
            tables.join(", ")
        ));
        grants.extend(slot::publish_statements(&address.slot, access, false));
    }
    grants
}

fn quoted(name: &str) -> String {
    Dialect::Postgres.quoted(name)
}

fn some(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMES)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(NAMES) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}
