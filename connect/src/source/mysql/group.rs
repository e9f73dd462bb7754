//! Events put together to whole transactions.

use super::event::{Action, Event, Gtid, Header, Query, Rows};
use super::fold::{Folded, Group, unlogged};
use super::image::{self, Image};
use super::reader::Reader;
use super::statement::{self, Control};
use super::watched::{Mapped, Watched, WatchedTables};
use crate::source::{LostReason, UnreadableRow};
use model::{Instant, Observed, SourceTransaction};
use std::collections::HashMap;

/// Numbers of tables in the binlog; they come again with each transaction.
const MAX_MAPPED: usize = 65_536;
/// XA transactions that are prepared and not ended.
const MAX_PREPARED: usize = 1_024;
/// Stamps of one transaction that are told; a shop needs one.
const MAX_STAMPS: usize = 8;
/// Ends a statement and names no table.
const NO_TABLE: u64 = 0xff_ffff;

/// A transaction that touched guarded rows.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) told: SourceTransaction,
    pub(super) observed: Vec<Observed>,
    pub(super) unreadable: Vec<UnreadableRow>,
}

#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    Transaction(Box<Transaction>),
    /// A statement that may concern these tables in a way that rows do not tell.
    Statement {
        tables: Vec<String>,
        sql: String,
    },
    /// A table's rows are not of the columns that were found.
    Differs {
        table: String,
    },
    Lost(LostReason),
}

#[derive(Debug, Default)]
pub(super) struct Assembler {
    watched: WatchedTables,
    mapped: HashMap<u64, Mapped>,
    group: Option<Group>,
    /// Of the transaction begun last.
    gtid: Option<String>,
    prepared: HashMap<Vec<u8>, Group>,
}

impl Assembler {
    pub(super) fn new(watched: WatchedTables) -> Self {
        Self {
            watched,
            ..Self::default()
        }
    }

    pub(super) fn set_watched(&mut self, watched: WatchedTables) {
        self.watched = watched;
        self.mapped.clear();
    }

    /// Reading begins anew between two transactions. Prepared ones stay: they were read.
    pub(super) fn restart(&mut self) {
        self.group = None;
        self.mapped.clear();
    }

    pub(super) fn is_between(&self) -> bool {
        self.group.is_none()
    }

    pub(super) fn gtid(&self) -> Option<&str> {
        self.gtid.as_deref()
    }

    pub(super) fn lower_case(&self) -> bool {
        self.watched.lower_case
    }

    /// One event; `place` is where the source stands behind it.
    pub(super) fn take(&mut self, header: &Header, event: Event<'_>, place: u64) -> Told {
        let taken = match event {
            Event::Gtid(gtid) => self.begin(gtid),
            Event::Query(query) => self.query(header, &query, place),
            Event::XaPrepare { one_phase, xid } => {
                if one_phase {
                    Ok(self.finish(header, None, place))
                } else {
                    self.prepare(xid)
                }
            }
            Event::TableMap(_) | Event::Rows(_) | Event::Xid(_) | Event::Annotate(_)
                if self.group.is_none() =>
            {
                // Whoever put us here wrote another log than the one that was read.
                Err(LostReason::OtherHistory {
                    detail: "reading would begin within a transaction".to_owned(),
                })
            }
            Event::TableMap(map) => {
                if self.mapped.len() >= MAX_MAPPED {
                    self.mapped.clear();
                }
                self.mapped.insert(map.id, self.watched.map(&map));
                Ok(Told::Nothing)
            }
            Event::Rows(rows) => self.rows(&rows),
            Event::Xid(xid) => Ok(self.finish(header, Some(xid), place)),
            Event::Annotate(sql) => {
                let group = self.group.get_or_insert_default();
                let stamp = statement::stamp(sql).filter(|_| group.stamps.len() < MAX_STAMPS);
                group.stamps.extend(stamp);
                Ok(Told::Nothing)
            }
            Event::Rotate { .. } | Event::Heartbeat | Event::Nothing => Ok(Told::Nothing),
            Event::Incident => Err(unlogged("the server says that events are missing")),
            Event::Beyond(what) => Err(unlogged(what)),
            Event::Unknown(kind) => Err(unlogged(format!("an event of the unknown kind {kind}"))),
        };
        taken.unwrap_or_else(Told::Lost)
    }

    fn begin(&mut self, gtid: Gtid) -> Result<Told, LostReason> {
        self.gtid.get_or_insert_default().clone_from(&gtid.text);
        self.group = Some(Group {
            gtid: Some(gtid),
            ..Group::default()
        });
        Ok(Told::Nothing)
    }

    fn query(
        &mut self,
        header: &Header,
        query: &Query<'_>,
        place: u64,
    ) -> Result<Told, LostReason> {
        let has_rows = self.group.as_ref().is_some_and(|g| !g.rows.is_empty());
        match statement::control(&query.sql) {
            Control::Begin | Control::XaStart => {
                let group = self.group.get_or_insert_default();
                group.begun = true;
                group.thread = Some(query.thread);
                Ok(Told::Nothing)
            }
            Control::Commit => Ok(self.finish(header, None, place)),
            Control::Rollback if !has_rows => {
                self.group = None;
                Ok(Told::Nothing)
            }
            Control::RollbackTo if !has_rows => Ok(Told::Nothing),
            Control::Rollback | Control::RollbackTo => Err(unlogged(
                "rows were logged and rolled back, of which some engines keep a part",
            )),
            Control::Savepoint | Control::XaEnd => Ok(Told::Nothing),
            Control::XaRollback => {
                let group = self.group.take();
                let named = group.and_then(|g| g.gtid).and_then(|g| g.xid);
                if let Some(xid) = named.or_else(|| statement::xid(&query.sql)) {
                    self.prepared.remove(&xid);
                }
                Ok(Told::Nothing)
            }
            Control::XaCommit => self.complete(header, &query.sql, place),
            Control::None => Ok(self.statement(query)),
        }
    }

    /// A statement that neither begins nor ends a transaction.
    fn statement(&mut self, query: &Query<'_>) -> Told {
        // MariaDB says itself whether more follows; MySQL begins what has rows with BEGIN.
        let alone = self.group.as_ref().is_some_and(|group| {
            let told = group.gtid.as_ref().and_then(|gtid| gtid.standalone);
            told.unwrap_or(!group.begun && group.rows.is_empty())
        });
        if alone {
            self.group = None;
        }
        let names = self.watched.names();
        let tables: Vec<String> = statement::concerned(&query.sql, query.database, names)
            .into_iter()
            .map(|named| self.watched.label(named))
            .collect();
        if tables.is_empty() {
            return Told::Nothing;
        }
        Told::Statement {
            tables,
            sql: String::from_utf8_lossy(&query.sql).into_owned(),
        }
    }

    fn prepare(&mut self, xid: Vec<u8>) -> Result<Told, LostReason> {
        let group = self.group.take().unwrap_or_default();
        if self.prepared.len() >= MAX_PREPARED {
            return Err(unlogged(
                "too many XA transactions are prepared and not ended",
            ));
        }
        self.prepared.insert(xid, group);
        Ok(Told::Nothing)
    }

    /// A prepared transaction is committed only now.
    fn complete(&mut self, header: &Header, sql: &[u8], place: u64) -> Result<Told, LostReason> {
        let gtid = self.group.take().and_then(|g| g.gtid);
        let xid = gtid.as_ref().and_then(|g| g.xid.clone());
        // MySQL says it in the statement only.
        let xid = xid.or_else(|| statement::xid(sql));
        let Some(prepared) = xid.and_then(|xid| self.prepared.remove(&xid)) else {
            return Err(unlogged(
                "an XA transaction was committed that was prepared before reading began",
            ));
        };
        self.group = Some(Group { gtid, ..prepared });
        Ok(self.finish(header, None, place))
    }

    fn rows(&mut self, rows: &Rows<'_>) -> Result<Told, LostReason> {
        let Some(mapped) = self.mapped.get(&rows.table) else {
            return match rows.table {
                NO_TABLE => Ok(Told::Nothing),
                _ => Err(unlogged("rows of a table that was not named")),
            };
        };
        let (key, wires) = match mapped {
            Mapped::Other => return Ok(Told::Nothing),
            Mapped::Differs(table) => {
                return Ok(Told::Differs {
                    table: table.clone(),
                });
            }
            Mapped::Known { key, wires } => (key, wires),
        };
        let Some(watched) = self.watched.get(key) else {
            return Ok(Told::Nothing);
        };
        let name = watched.label();
        if watched.unseen {
            return unseen(watched, rows).map(|()| Told::Nothing);
        }
        if rows.columns != wires.len() {
            return Err(unlogged(format!("rows of {name} have other columns")));
        }
        let group = self.group.get_or_insert_default();
        let mut reader = Reader(&rows.data);
        while !reader.0.is_empty() {
            let mut next = |present| image::read(&mut reader, wires, &watched.columns, present);
            let cut = || unlogged(format!("a row of {name} is cut off or not of its columns"));
            let first = next(rows.present).ok_or_else(cut)?;
            let second = match rows.action {
                Action::Update if rows.partial => {
                    let (columns, present) = (&watched.columns, rows.present_after);
                    let read = image::read_partial(&mut reader, wires, columns, present, &first);
                    Some(read.ok_or_else(cut)?)
                }
                Action::Update => Some(next(rows.present_after).ok_or_else(cut)?),
                _ => None,
            };
            if !rows.tells_cascades {
                cascade(watched, rows.action, &first, second.as_ref())?;
            }
            group.write(watched, rows.action, first, second)?;
        }
        Ok(Told::Nothing)
    }

    fn finish(&mut self, header: &Header, xid: Option<u64>, place: u64) -> Told {
        let Some(group) = self.group.take() else {
            return Told::Nothing;
        };
        let observed: Vec<Observed> = group.rows.into_iter().filter_map(Folded::net).collect();
        if observed.is_empty() && group.unreadable.is_empty() {
            return Told::Nothing;
        }
        let gtid = group.gtid.as_ref();
        let named = gtid.map(|g| g.text.clone()).filter(|t| !t.is_empty());
        let named = named.unwrap_or_else(|| format!("{}:{}", place >> 32, place & 0xffff_ffff));
        // What a shop stamps is what it can know before its commit.
        let stamped = match (group.stamps.is_empty(), xid, group.thread) {
            (true, ..) => None,
            (_, _, Some(thread)) => Some(thread.to_string()),
            (_, Some(xid), None) => Some(xid.to_string()),
            _ => None,
        };
        let committed = gtid
            .and_then(|g| g.committed_us)
            .and_then(|us| i64::try_from(us).ok());
        Told::Transaction(Box::new(Transaction {
            told: SourceTransaction {
                position: place,
                id: stamped.unwrap_or(named),
                committed_at: committed
                    .map_or_else(|| Instant::from_secs(header.timestamp.into()), Instant),
                stamps: group.stamps,
                by: group.thread.map(|thread| format!("connection {thread}")),
                logged: None,
            },
            observed,
            unreadable: group.unreadable,
        }))
    }
}

/// Whether a change of rows that cannot be read may take guarded rows with it.
fn unseen(watched: &Watched, rows: &Rows<'_>) -> Result<(), LostReason> {
    let updated = watched.cascades.on_update.as_ref().map(|(child, _)| child);
    let child = match rows.action {
        Action::Delete => watched.cascades.on_delete.as_ref(),
        Action::Update => updated,
        Action::Insert => None,
    };
    match child.filter(|_| !rows.tells_cascades) {
        Some(child) => Err(unlogged(format!(
            "rows of {}, which cannot be seen, were changed and may have taken rows of {child} with them",
            watched.label()
        ))),
        None => Ok(()),
    }
}

/// Whether this change takes guarded rows with it that the binlog does not name.
fn cascade(
    watched: &Watched,
    action: Action,
    before: &Image,
    after: Option<&Image>,
) -> Result<(), LostReason> {
    let cascades = &watched.cascades;
    match (action, &cascades.on_delete, &cascades.on_update, after) {
        (Action::Delete, Some(child), ..) => Err(unlogged(format!(
            "a row was deleted that takes rows of {child} with it"
        ))),
        (Action::Update, _, Some((child, places)), Some(after)) => {
            let slot = |place: usize| {
                let before = watched.columns.get(..place)?;
                watched.columns.get(place)?.as_ref()?;
                Some(before.iter().flatten().count())
            };
            let differs = |place: &usize| match slot(*place) {
                Some(slot) => {
                    !after.absent.contains(&(slot as u16))
                        && before.row.get(slot) != after.row.get(slot)
                }
                None => true,
            };
            if places.iter().any(differs) {
                return Err(unlogged(format!(
                    "a key was changed that changes rows of {child} with it"
                )));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
