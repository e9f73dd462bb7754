//! Making what following needs on the server, and removing it. The only statements of this room
//! that write to a shop's server beside those of a repair.

use super::guarded;
use super::session::{Purpose, Session};
use super::slot;
use crate::ConnectError;
use crate::source::{GuardedTable, ServerAddress};
use model::Dialect;

/// Makes publication and slot where they are missing, and says what it made. Never publishes a
/// table whose updates would fail for that.
pub fn attach(
    address: &ServerAddress,
    tables: &[GuardedTable],
) -> Result<Vec<String>, ConnectError> {
    let mut session = Session::open(address, Purpose::Attach)?;
    let access = guarded::find(&mut session, tables)?;
    for access in &access {
        if let Some(why) = access.not_followed() {
            return Err(ConnectError::CannotGuard {
                table: access.guarded.schema.name.clone(),
                why,
            });
        }
    }
    slot::attach(&mut session, address, &access)
}

/// Removes the slot and the publication. Nobody may be following.
pub fn detach(address: &ServerAddress) -> Result<Vec<String>, ConnectError> {
    let mut session = Session::open(address, Purpose::Attach)?;
    let name = &address.slot;
    let mut done = Vec::new();
    if slot::remove(&mut session, name)? {
        done.push(format!("dropped the replication slot {name}"));
    }
    let exists = "SELECT 1 FROM pg_publication WHERE pubname = $1";
    if !session
        .query("looking for the publication", exists, &[name.as_bytes()])?
        .is_empty()
    {
        let sql = format!("DROP PUBLICATION {}", Dialect::Postgres.quoted(name));
        session.simple("to drop the publication", &sql)?;
        done.push(format!("dropped the publication {name}"));
    }
    Ok(done)
}
