//! Checks across tables in the shop's own SQL; each row that one returns is a violation.

use super::session::Session;
use crate::ConnectError;
use crate::source::{CheckRow, MAX_CHECK_ROWS};

/// All violations of one check together; beyond it the check is wrong itself.
const MAX_CHECK_BYTES: usize = 64 << 20;
const CHECK_WITHIN_S: u64 = 45;
const DOING: &str = "running a check";

/// Runs one reading statement. The connection takes one statement at a time, writes nothing, and
/// the server ends the statement when it takes too long.
pub(super) fn run(session: &mut Session, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
    if !reads(sql) {
        return Err(ConnectError::CheckWrites);
    }
    let limit = |seconds: u64| {
        if session.mariadb {
            format!("max_statement_time = {seconds}")
        } else {
            format!("max_execution_time = {}", seconds * 1_000)
        }
    };
    let (limited, free) = (limit(CHECK_WITHIN_S), limit(0));
    session.run(
        DOING,
        &format!("SET SESSION {limited}, character_set_results = utf8mb4"),
    )?;
    session.run(DOING, "START TRANSACTION READ ONLY")?;
    let found = asked(session, sql);
    if !session.broken {
        session.run(DOING, "ROLLBACK")?;
        session.run(
            DOING,
            &format!("SET SESSION {free}, character_set_results = NULL"),
        )?;
    }
    found
}

fn asked(session: &mut Session, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    let answered = session.each_row(DOING, sql, &mut |cells| {
        bytes += (0..cells.len())
            .filter_map(|i| cells.get(i))
            .map(<[u8]>::len)
            .sum::<usize>();
        let text = |i| match cells.get(i) {
            Some(text) => String::from_utf8_lossy(text).into_owned(),
            None => "NULL".to_owned(),
        };
        if bytes <= MAX_CHECK_BYTES && found.len() < MAX_CHECK_ROWS {
            found.push(CheckRow {
                table: text(0),
                key: text(1),
                detail: text(2),
            });
        }
        Ok(())
    });
    answered.map_err(|error| match &error {
        // Not allowed in a read-only transaction; several statements are a syntax error.
        ConnectError::Server { code, .. } if code.ends_with("/1792") => ConnectError::CheckWrites,
        _ => error,
    })?;
    if session.columns != 3 {
        return Err(ConnectError::CheckColumns {
            found: session.columns,
        });
    }
    if bytes > MAX_CHECK_BYTES {
        return Err(ConnectError::CheckTooLong {
            most: MAX_CHECK_BYTES,
        });
    }
    Ok(found)
}

/// Whether the first word is one of a reading statement. The read-only transaction keeps tables
/// from being written; what ends it, sets variables or writes files begins with other words or
/// needs rights that the standing account does not have.
fn reads(sql: &str) -> bool {
    let start = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word = start.split(|c: char| !c.is_ascii_alphabetic()).next();
    word.is_some_and(|word| {
        ["SELECT", "WITH", "VALUES"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
    })
}
