//! What of the server's settings and the account's rights is in the way.

use super::session::Session;
use crate::ConnectError;
use crate::source::{Examination, GuardedTable, ServerAddress};

pub(super) fn run(
    session: &mut Session,
    _address: &ServerAddress,
    _tables: &[GuardedTable],
) -> Result<Examination, ConnectError> {
    Ok(Examination {
        server: session.version.clone(),
        ..Examination::default()
    })
}
