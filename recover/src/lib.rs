//! Live rows against lawful images: discrepancies, and a proposal that puts them right.
//!
//! [`seal`] keeps personal values out of the journal and digests comparable, [`images`] knows
//! where each lawful value stands, [`audit`] compares whole tables, [`propose`] words the repair.
//! Deliberately not here: the shop's database. Rows come in by the caller's hand, and a proposal
//! is applied elsewhere, after a second person has approved its digest.

pub mod audit;
mod error;
pub mod images;
mod order;
mod proposal;
mod reverse;
pub mod seal;
pub mod shape;
mod statement;
mod step;
mod stored;
mod token;
mod undo;
mod void;

pub use audit::{Candidate, Discrepancy, DiscrepancyKind, TableAudit, confirm, lawful_position};
pub use error::RecoverError;
pub use images::{advance, entry_image, lawful_image};
pub use order::first_portion;
pub use proposal::{
    NeedsPerson, PersonReason, ProposalLimits, ProposalRequest, Proposed, RowToRepair,
    expected_images, propose, propose_for,
};
pub use seal::{RowSealer, SealTable};
pub use undo::{UndoRequest, undo};
