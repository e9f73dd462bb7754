//! Attaching makes nothing on the server: a replica is known to it only while it is connected.

use super::dump::server_id;
use super::place;
use super::session::Session;
use super::{examine, guarded};
use crate::ConnectError;
use crate::source::{GuardedTable, ServerAddress};

/// Verifies that the tables can be followed; what was found, as people read it.
pub fn attach(
    address: &ServerAddress,
    tables: &[GuardedTable],
) -> Result<Vec<String>, ConnectError> {
    let mut session = Session::open(address)?;
    guarded::find(&mut session, tables)?;
    let examined = examine::run(&mut session, address, tables)?;
    if let Some(problem) = examined.problems.into_iter().next() {
        return Err(ConnectError::CannotGuard {
            table: "*".to_owned(),
            why: format!("{}; {}", problem.what, problem.mend),
        });
    }
    let end = place::end(&mut session)?;
    Ok(vec![
        format!("nothing has to be made on {}", examined.server),
        format!(
            "the binlog stands at file {}, offset {}; it is read as replica {}",
            end >> 32,
            end & 0xffff_ffff,
            server_id(&address.slot)
        ),
    ])
}

/// Says that nothing is left behind.
pub fn detach(address: &ServerAddress) -> Result<Vec<String>, ConnectError> {
    let session = Session::open(address)?;
    Ok(vec![format!(
        "nothing was made on {}, so nothing is left there; the account can be dropped",
        session.server
    )])
}
