//! The outside world: what is read from a shop's database (`source`), written to it after
//! an approval (`repair`), held back there (`contain`), told to people (`notify`) and heard from
//! them by mail (`letter`).
//!
//! Deliberately not here: the store, and any decision. What is read is handed over as it
//! stands; what is written was decided, approved and bounded elsewhere.

pub mod contain;
pub mod error;
pub mod letter;
pub mod notify;
pub mod outbound;
pub mod repair;
pub mod source;

pub use error::ConnectError;
