//! Putting tampered rows right, after two people approved it.
//!
//! What stands between an approval and harm, in order:
//! 1. caps on rows and money, and only one plain `INSERT`, `UPDATE` or `DELETE` a step, on the step's
//!    own table and of the kind that the step names;
//! 2. one transaction of the shop's database, with timeouts for locks and statements; triggers that
//!    the repair would set off are refused unless they are allowed by name;
//! 3. every row is locked, and must stand as it stood when the repair was proposed, else nothing is
//!    done; the statements ask for it once more themselves;
//! 4. the first step is applied and read back alone before the others are touched;
//! 5. each statement must change exactly one row, and nothing beside it through triggers or
//!    cascades, nor other columns of it, unless the limits allow that; each row is read back;
//! 6. no foreign key may be broken that was whole before, and nothing is left to be checked, or to be
//!    changed by a deferred trigger, at the commit.
//!
//! Whatever fails rolls everything back. Deliberately not here: who may approve, and which
//! columns a policy allows; the statements were built and shown before.

mod applied;
mod limits;
mod mysql;
mod postgres;
mod procedure;
mod refusal;
mod server;
pub mod sqlite;
mod statement;

pub use applied::{Applied, Image, StepDone};
pub use limits::{MoneyCap, RepairLimits};
pub use refusal::{RepairError, RowFault};

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
        Location::Postgres(address) => {
            on_its_own(|| postgres::apply(address, proposal, limits, dry_run))
        }
        Location::Mysql(address) => on_its_own(|| mysql::apply(address, proposal, limits, dry_run)),
    }
}

/// The clients of servers wait within a runtime of their own, which must not be begun within another:
/// whoever calls may stand in one.
fn on_its_own<T: Send>(
    work: impl FnOnce() -> Result<T, RepairError> + Send,
) -> Result<T, RepairError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(work);
        thread.join().unwrap_or(Err(RepairError::Interrupted))
    })
}
