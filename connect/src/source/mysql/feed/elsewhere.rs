//! Where to read on in another server's binlog: behind the transaction that was read last, by its
//! name.
//!
//! Files and offsets are each server's own; names of transactions (GTIDs) are not. A replica that
//! has the transaction has all before it, in the same order, so that reading goes on exactly once.
//! Where that is not so, nothing is found: several domains in MariaDB, replicas of MySQL that do
//! not keep the order of commits.

use crate::ConnectError;
use crate::source::ServerAddress;
use crate::source::mysql::dump::{Came, Dump};
use crate::source::mysql::event::Event;
use crate::source::mysql::place::{self, FIRST, File};
use crate::source::mysql::session::{Session, literal, quoted};
use crate::source::mysql::wire::Wait;
use std::time::{Duration, Instant};

/// A file is read until the name is found; a replica that needs longer for one file is of no use.
const WITHIN: Duration = Duration::from_secs(120);
/// The server says something each second.
const SILENCE: Duration = Duration::from_secs(20);
const DOING: &str = "looking for the last transaction on another server";

/// The place behind the transaction of this name that was begun in this second, `None` when the server's binlog does not have it.
pub(super) fn behind(
    session: &mut Session,
    address: &ServerAddress,
    name: &str,
    begun: u32,
) -> Result<Option<u64>, ConnectError> {
    if name.is_empty() || !keeps_order(session)? {
        return Ok(None);
    }
    let files = place::files(session)?;
    for file in files.iter().rev() {
        // The newest file that begins before the transaction is the one that has it.
        if !begins_behind(session, file, name)? {
            return search(address, file, name, begun);
        }
    }
    Ok(None)
}

/// Whether transactions come in the order of the server that they were first committed on.
fn keeps_order(session: &mut Session) -> Result<bool, ConnectError> {
    if session.mariadb {
        let state = session.value(DOING, "SELECT @@GLOBAL.gtid_binlog_state")?;
        let state = state.unwrap_or_default();
        let mut domains = state.split(',').filter_map(|g| g.split('-').next());
        let first = domains.next();
        return Ok(domains.all(|d| Some(d) == first));
    }
    let sql = "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
               ('replica_preserve_commit_order', 'slave_preserve_commit_order')";
    let rows = session.rows(DOING, sql)?;
    let on = |row: &Vec<Option<String>>| row.get(1).and_then(Option::as_deref) == Some("ON");
    Ok(rows.iter().any(on))
}

/// Whether the transaction stands in an earlier file: each one begins with a list of what does.
fn begins_behind(session: &mut Session, file: &File, name: &str) -> Result<bool, ConnectError> {
    let sql = format!("SHOW BINLOG EVENTS IN {} LIMIT 3", text(&file.name));
    let rows = session.rows(DOING, &sql)?;
    let list = rows.iter().find_map(|row| {
        let kind = row.get(2)?.as_deref()?;
        let lists = ["Gtid_list", "Previous_gtids"].contains(&kind);
        row.get(5)?.clone().filter(|_| lists)
    });
    let list = list.unwrap_or_default();
    if session.mariadb {
        return Ok(lists(&list, name));
    }
    let list = if list.contains(':') {
        list.as_str()
    } else {
        ""
    };
    let sql = format!("SELECT GTID_SUBSET({}, {})", literal(name), literal(list));
    Ok(session.value(DOING, &sql)?.as_deref() == Some("1"))
}

/// `SHOW BINLOG EVENTS` takes no literal with a character set.
fn text(name: &str) -> String {
    quoted(name).replace('`', "'")
}

/// Whether `[0-1-42]` has a name of its domain that is as late.
fn lists(list: &str, name: &str) -> bool {
    let parts = |gtid: &str| -> Option<(u64, u64)> {
        let mut parts = gtid.trim_matches(['[', ']', ' ']).split('-');
        let (domain, _, number) = (parts.next()?, parts.next()?, parts.next()?);
        Some((domain.parse().ok()?, number.parse().ok()?))
    };
    let Some((domain, number)) = parts(name) else {
        return false;
    };
    let mut listed = list.split(',').filter_map(parts);
    listed.any(|(d, n)| d == domain && n >= number)
}

fn search(
    address: &ServerAddress,
    file: &File,
    name: &str,
    begun: u32,
) -> Result<Option<u64>, ConnectError> {
    let mut dump = Dump::open(address, &file.name, place::place(file.number, FIRST))?;
    let began = Instant::now();
    let mut found = false;
    // Behind the event before.
    let mut last = place::place(file.number, FIRST);
    while began.elapsed() < WITHIN {
        let (header, event, place) = match dump.next(Wait::Within(SILENCE))? {
            Came::Event(header, event, place) => (header, event, place),
            Came::Nothing | Came::Lost(_) => return Ok(None),
        };
        let (ends, next_file) = match &event {
            // Another transaction of the same name: the server was set up anew, or is a stranger.
            Event::Gtid(gtid) if gtid.text == name && header.timestamp != begun => {
                return Ok(None);
            }
            Event::Gtid(gtid) if found && gtid.text != name => (true, false),
            Event::Gtid(gtid) => {
                found = gtid.text == name;
                (false, false)
            }
            Event::Heartbeat => (true, false),
            Event::Rotate { .. } => (place >> 32 != file.number, true),
            _ => (false, false),
        };
        if ends {
            let at = if next_file { place } else { last };
            return Ok(found.then_some(at));
        }
        last = last.max(place);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_what_is_not_later() {
        assert!(lists("[0-1-42]", "0-7-42") && lists("[1-1-9,0-2-43]", "0-1-42"));
        assert!(!lists("[0-1-41]", "0-1-42") && !lists("[1-1-99]", "0-1-42"));
        assert!(!lists("[]", "0-1-42") && !lists("[0-1-42]", "odd"));
        assert_eq!(text("binlog.000001"), "'binlog.000001'");
    }
}
