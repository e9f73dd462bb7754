//! Putting tampered rows right, after two people approved it.

pub mod sqlite;

pub use sqlite::{Applied, MoneyCap, RepairError, RepairLimits, RowFault};

use crate::source::Location;
use model::RepairProposal;

/// Applies the proposal as a whole or not at all; a dry run does the same and rolls back. `writer` is
/// the account that may write, never the one that watches.
pub fn apply(
    writer: &Location,
    proposal: &RepairProposal,
    limits: &RepairLimits,
    dry_run: bool,
) -> Result<Applied, RepairError> {
    match writer {
        Location::Sqlite { path } => sqlite::apply(path, proposal, limits, dry_run),
        Location::Postgres(_) | Location::Mysql(_) => Err(RepairError::OtherDatabase {
            written_for: proposal.dialect,
        }),
    }
}
