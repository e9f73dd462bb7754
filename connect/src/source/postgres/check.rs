//! Checks across tables in the shop's own SQL; each row that one returns is a violation.

use super::session::{Session, literal};
use super::wire::{Reader, Wait};
use crate::ConnectError;
use crate::source::{CheckRow, MAX_CHECK_ROWS};
use std::time::Duration;

/// All violations of one check together; beyond it the check is wrong itself.
const MAX_CHECK_BYTES: usize = 64 << 20;
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
const DOING: &str = "running a check";

/// What the owner of the database set for everybody, if anything.
const OWNERS_PATH: &str = "\
    SELECT substr(c, 13) FROM pg_db_role_setting s, unnest(s.setconfig) c \
    WHERE s.setrole = 0 AND c LIKE 'search\\_path=%' \
      AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Runs one reading statement.
pub(super) fn run(session: &mut Session, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
    let owners = session.simple(DOING, OWNERS_PATH)?;
    let owners = owners.into_iter().flatten().flatten().next();
    let path = literal(&path(owners.as_deref()));
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT set_config('search_path', {path}, true)"
    );
    session.simple(DOING, &begin)?;
    let found = asked(session, sql);
    if !session.broken {
        session.simple(DOING, "ROLLBACK")?;
    }
    found
}

/// Where the names of a check are looked up: as the owner of the database says, else in `public`.
/// Not by the account's own path, and in no schema that is named after the account: whoever has
/// the account could put other tables before the shop's.
fn path(owners: Option<&str>) -> String {
    let own = |name: &&str| {
        let bare = name.trim_matches('"');
        !matches!(bare, "" | "$user" | "pg_temp" | "pg_catalog")
    };
    let names = owners.unwrap_or("public").split(',').map(str::trim);
    let names: Vec<&str> = names.filter(own).collect();
    ["pg_catalog"]
        .into_iter()
        .chain(names)
        .chain(["pg_temp"])
        .collect::<Vec<_>>()
        .join(", ")
}

fn asked(session: &mut Session, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
    if sql.contains('\0') {
        return Err(ConnectError::CheckWrites);
    }
    let columns = prepared(session, sql)?;
    match columns {
        None => return Err(ConnectError::CheckWrites),
        Some(3) => {}
        Some(found) => return Err(ConnectError::CheckColumns { found }),
    }
    let (mut found, mut bytes) = (Vec::new(), 0);
    let mut too_long = false;
    let text = |cell: Option<&Option<&[u8]>>| match cell {
        Some(Some(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => "NULL".to_owned(),
    };
    session.wire.put(b'B', |out| out.extend_from_slice(&[0; 8]));
    session.wire.put(b'E', |out| {
        out.push(0);
        out.extend_from_slice(&(MAX_CHECK_ROWS as u32).to_be_bytes());
    });
    session.wire.put(b'S', |_| {});
    let answered = session.answered(DOING, &mut |cells| {
        bytes += cells.iter().flatten().map(|c| c.len()).sum::<usize>();
        too_long |= bytes > MAX_CHECK_BYTES;
        if !too_long {
            found.push(CheckRow {
                table: text(cells.first()),
                key: text(cells.get(1)),
                detail: text(cells.get(2)),
            });
        }
        Ok(())
    });
    answered.map_err(writing)?;
    if too_long {
        return Err(ConnectError::CheckTooLong {
            most: MAX_CHECK_BYTES,
        });
    }
    Ok(found)
}

/// Prepares the statement, which must be a single one; how many columns it gives, `None` when it
/// gives no rows at all.
fn prepared(session: &mut Session, sql: &str) -> Result<Option<usize>, ConnectError> {
    session.put_parse(sql);
    session.wire.put(b'D', |out| out.extend_from_slice(b"S\0"));
    session.wire.put(b'S', |_| {});
    session.flush()?;
    let (mut columns, mut refused) = (None, None);
    loop {
        let message = session.message(Wait::Within(ANSWER_WITHIN))?;
        match message.tag {
            b'T' => {
                let count = Reader(session.wire.body(&message)).u16();
                columns = Some(count.unwrap_or(0).into());
            }
            b'E' => refused = Some(session.refusal(&message, DOING)),
            b'Z' => return refused.map_or(Ok(columns), |error| Err(writing(error))),
            _ => {}
        }
    }
}

/// The server's refusals that mean: this is not one reading statement.
fn writing(error: ConnectError) -> ConnectError {
    match &error {
        // Several commands (the server calls that a syntax error); read-only transaction.
        ConnectError::Server { code, message, .. }
            if code == "25006" || (code == "42601" && message.contains("multiple commands")) =>
        {
            ConnectError::CheckWrites
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_looked_up_where_the_account_could_have_put_it() {
        assert_eq!(path(None), "pg_catalog, public, pg_temp");
        let owners = Some("\"$user\", pg_temp, mine, \"Sales\", pg_catalog");
        assert_eq!(path(owners), "pg_catalog, mine, \"Sales\", pg_temp");
    }
}
