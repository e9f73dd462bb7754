//! The replication slot and the publication: how they stand, how they are made and removed.

use super::guarded::Access;
use super::lsn;
use super::session::{Session, literal};
use crate::ConnectError;
use crate::source::ServerAddress;
use model::Dialect;

/// Making a slot waits for all transactions that are running.
const MAKE_WITHIN_MS: u32 = 120_000;
/// A table that no longer answers to the publication, or to its number.
pub(super) const GONE: &str = "";

/// How the slot stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// It holds what was not read yet, and can be read from.
    pub(super) sound: bool,
    /// Why it cannot, where the server says so.
    pub(super) why: String,
    /// Bytes of log that the server keeps for it.
    pub(super) retained: u64,
    pub(super) other_plugin: bool,
    /// Where the server's log ends.
    pub(super) end: u64,
    /// What was committed before this is not sent any more.
    pub(super) confirmed: u64,
}

pub(super) fn look(session: &mut Session, name: &str) -> Result<Option<Slot>, ConnectError> {
    let sql = "SELECT s.wal_status, to_jsonb(s)->>'invalidation_reason', to_jsonb(s)->>'conflicting', \
               (l.log_end - s.restart_lsn)::bigint, s.plugin, l.log_end, \
               CASE WHEN s.database = current_database() THEN NULL ELSE coalesce(s.database, '-') END, \
               s.confirmed_flush_lsn \
               FROM pg_replication_slots s, \
                 (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) \
                 AS l(log_end) \
               WHERE s.slot_name = $1";
    let rows = session.query("looking at the replication slot", sql, &[name.as_bytes()])?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
    if let Some(database) = row.get(6).cloned().flatten() {
        return Err(ConnectError::SlotElsewhere {
            slot: name.to_owned(),
            database,
        });
    }
    let (status, reason, conflicting) = (cell(0), cell(1), cell(2));
    let sound = status != "lost" && reason.is_empty() && conflicting != "true";
    let why = if reason.is_empty() {
        "the server no longer keeps the log that it needs".to_owned()
    } else {
        reason
    };
    Ok(Some(Slot {
        sound,
        why,
        retained: cell(3).parse().unwrap_or(0),
        other_plugin: cell(4) != "pgoutput",
        end: lsn::parse(&cell(5)).unwrap_or(0),
        confirmed: lsn::parse(&cell(7)).unwrap_or(0),
    }))
}

/// Makes the slot; with a copy on standbys where the server can (17 and later).
pub(super) fn make(session: &mut Session, name: &str) -> Result<(), ConnectError> {
    let failover = if session.version >= 170_000 {
        ", failover => true"
    } else {
        ""
    };
    let limit = format!("SET statement_timeout = {MAKE_WITHIN_MS}");
    session.simple("setting a limit", &limit)?;
    let sql = format!(
        "SELECT pg_create_logical_replication_slot({}, 'pgoutput'{failover})",
        literal(name)
    );
    session
        .simple("to make the replication slot", &sql)
        .map(drop)
}

pub(super) fn remove(session: &mut Session, name: &str) -> Result<bool, ConnectError> {
    let sql = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()";
    let rows = session.query("to drop the replication slot", sql, &[name.as_bytes()])?;
    Ok(!rows.is_empty())
}

/// How the publication and the tables stand; another text means that something was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// `None`: there is no such publication.
    pub(super) publication: Option<String>,
    /// For each guarded table: its columns; what decides what of it is sent.
    pub(super) tables: Vec<(String, String)>,
    /// For each of them: tables that inherit from it though it is not partitioned.
    pub(super) children: Vec<String>,
}

pub(super) fn standing(
    session: &mut Session,
    name: &str,
    access: &[Access],
) -> Result<Standing, ConnectError> {
    const DOING: &str = "looking at the publication";
    let sql = "SELECT p.oid || ' ' || p.xmin || ' ' || p.pubinsert || p.pubupdate || p.pubdelete || p.pubtruncate \
               || p.pubviaroot || p.puballtables FROM pg_publication p WHERE p.pubname = $1";
    let rows = session.query(DOING, sql, &[name.as_bytes()])?;
    let publication = rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next().flatten());
    let oids: Vec<String> = access.iter().map(|a| a.table.oid.to_string()).collect();
    let oids = format!("{{{}}}", oids.join(","));
    let rows = session.query(DOING, TABLES, &[name.as_bytes(), oids.as_bytes()])?;
    let cells = access.iter().map(|a| {
        let oid = a.table.oid.to_string();
        let row = rows
            .iter()
            .find(|row| row.first().and_then(Option::as_ref) == Some(&oid));
        let cell = |i: usize| {
            row.and_then(|row| row.get(i).cloned().flatten())
                .unwrap_or_default()
        };
        ((cell(1), cell(2)), cell(3))
    });
    let (tables, children) = cells.unzip();
    Ok(Standing {
        publication,
        tables,
        children,
    })
}

/// Tables count with what they keep their rows in, which is another file after a statement that
/// wrote every row anew (`ALTER COLUMN ... TYPE ... USING`): such rows are in no log. So do
/// partitions: rows that come and go with one are in no log either, not even where the same one is
/// taken out and put back. And row security, which may hide rows.
const TABLES: &str = "\
    SELECT c.oid, \
      concat_ws(' ', c.relnamespace, c.relname, CASE WHEN c.relkind = 'r' THEN pg_relation_filenode(c.oid) END, \
        (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attnotnull), \
           ',' ORDER BY a.attnum) \
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)), \
      concat_ws(' ', c.relreplident, c.relrowsecurity, c.relforcerowsecurity, \
        (SELECT string_agg(i.indexrelid::text || i.indisreplident || i.indisprimary, ',' ORDER BY i.indexrelid) \
         FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)), \
        (SELECT r.oid || ' ' || r.xmin FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid \
         WHERE p.pubname = $1 AND r.prrelid = c.oid), \
        (SELECT string_agg(concat_ws(' ', t.relid::oid, i.inhparent, i.xmin, \
             CASE WHEN t.isleaf THEN pg_relation_filenode(t.relid) END), ',' ORDER BY t.relid::oid) \
         FROM pg_partition_tree(c.oid) t JOIN pg_inherits i ON i.inhrelid = t.relid AND c.relkind = 'p')), \
      (SELECT string_agg(format('%I.%I', n.nspname, k.relname), ', ' ORDER BY k.oid) FROM pg_inherits i \
       JOIN pg_class k ON k.oid = i.inhrelid JOIN pg_namespace n ON n.oid = k.relnamespace \
       WHERE i.inhparent = c.oid AND c.relkind = 'r') \
    FROM pg_class c WHERE c.oid = ANY($2::oid[])";

/// Makes publication and slot, or mends them; what was done, as people read it.
pub(super) fn attach(
    session: &mut Session,
    address: &ServerAddress,
    access: &[Access],
) -> Result<Vec<String>, ConnectError> {
    let mut done = Vec::new();
    // The slot must not be older than the publication: the server looks for the publication as it
    // was when the log was written.
    publish(session, address, access, &mut done)?;
    match look(session, &address.slot)? {
        Some(slot) if slot.other_plugin => {
            return Err(ConnectError::CannotGuard {
                table: "(all)".to_owned(),
                why: format!(
                    "the replication slot {} belongs to another program",
                    address.slot
                ),
            });
        }
        Some(slot) if slot.sound => {}
        found => {
            if found.is_some() {
                remove(session, &address.slot)?;
                done.push(format!(
                    "dropped the replication slot {}, which had lost its log",
                    address.slot
                ));
            }
            make(session, &address.slot)?;
            done.push(format!("made the replication slot {}", address.slot));
        }
    }
    Ok(done)
}

/// Makes the publication or puts it right; whoever may not is told what has to be run.
pub(super) fn publish(
    session: &mut Session,
    address: &ServerAddress,
    access: &[Access],
    done: &mut Vec<String>,
) -> Result<(), ConnectError> {
    const DOING: &str = "to make the publication";
    let wrong = published(session, &address.slot, access)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let exists = "SELECT 1 FROM pg_publication WHERE pubname = $1";
    let exists = !session
        .query(DOING, exists, &[address.slot.as_bytes()])?
        .is_empty();
    for statement in publish_statements(&address.slot, access, exists) {
        match session.simple(DOING, &statement) {
            // Only an owner may.
            Err(ConnectError::Server { code, .. }) if exists && code == "42501" => {
                return Err(not_whole(&address.slot, access, &wrong));
            }
            done => done?,
        };
    }
    let how = if exists { "changed" } else { "made" };
    done.push(format!(
        "{how} the publication {} ({} tables)",
        address.slot,
        access.len()
    ));
    Ok(())
}

/// What an owner of the tables has to run.
pub(super) fn publish_statements(name: &str, access: &[Access], exists: bool) -> Vec<String> {
    const WITH: &str =
        "publish = 'insert, update, delete, truncate', publish_via_partition_root = true";
    let name = Dialect::Postgres.quoted(name);
    let tables: Vec<String> = access.iter().map(|a| a.table.quoted()).collect();
    let tables = tables.join(", ");
    if exists {
        vec![
            format!("ALTER PUBLICATION {name} SET TABLE {tables}"),
            format!("ALTER PUBLICATION {name} SET ({WITH})"),
        ]
    } else {
        vec![format!(
            "CREATE PUBLICATION {name} FOR TABLE {tables} WITH ({WITH})"
        )]
    }
}

/// That the publication is wrong, with what has to be run.
pub(super) fn not_whole(name: &str, access: &[Access], wrong: &[String]) -> ConnectError {
    let statements = publish_statements(name, access, true).join("; ");
    ConnectError::Publication {
        publication: name.to_owned(),
        what: format!("{}; to be run: {statements}", wrong.join(", ")),
    }
}

/// What is wrong with the publication, as people read it; nothing when it is as it must be.
pub(super) fn published(
    session: &mut Session,
    name: &str,
    access: &[Access],
) -> Result<Vec<String>, ConnectError> {
    const DOING: &str = "looking at the publication";
    let sql = "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot \
               FROM pg_publication WHERE pubname = $1";
    let rows = session.query(DOING, sql, &[name.as_bytes()])?;
    let Some(row) = rows.first() else {
        return Ok(vec![format!("there is no publication {name}")]);
    };
    let is = |i: usize| row.get(i).and_then(Option::as_deref) == Some("t");
    let mut wrong = Vec::new();
    if !is(0) {
        wrong.push(format!(
            "the publication {name} does not publish every kind of change"
        ));
    }
    if !is(1) {
        wrong.push(format!(
            "the publication {name} does not publish partitions as their table"
        ));
    }
    // Filters and lists of columns exist from 15 on; asked through JSON, so that one statement
    // fits all servers. A list of all columns is one too: it leaves out those that are added.
    let sql = "SELECT t.schemaname, t.tablename, to_jsonb(t)->>'rowfilter', \
                 (SELECT to_jsonb(r)->>'prattrs' FROM pg_publication_rel r \
                  JOIN pg_publication p ON p.oid = r.prpubid \
                  JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE p.pubname = t.pubname AND c.relname = t.tablename AND n.nspname = t.schemaname) \
               FROM pg_publication_tables t WHERE t.pubname = $1";
    let rows = session.query(DOING, sql, &[name.as_bytes()])?;
    for access in access {
        let table = &access.table;
        let cell = |row: &[Option<String>], i: usize| row.get(i).cloned().flatten();
        let found = rows.iter().find(|row| {
            cell(row, 0).as_ref() == Some(&table.namespace)
                && cell(row, 1).as_ref() == Some(&table.relation)
        });
        let label = table.label();
        match found {
            None => wrong.push(format!("the publication {name} leaves out {label}")),
            Some(row) => {
                if cell(row, 2).is_some() {
                    wrong.push(format!("the publication {name} leaves out rows of {label}"));
                }
                if cell(row, 3).is_some() {
                    wrong.push(format!(
                        "the publication {name} leaves out columns of {label}"
                    ));
                }
            }
        }
    }
    Ok(wrong)
}
