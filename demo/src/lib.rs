//! The demo: an embedded shop, its lawful trade, the attacker who writes into its file, and the
//! people who run the plan through the web interface.
//!
//! What a test would believe without looking is not here: everything that the demo counts
//! comes from what Balefire stored.

pub mod attacker;
pub mod browser;
pub mod conductor;
mod error;
pub mod narrator;
pub mod outcome;
pub mod people;
pub mod players;
pub mod shop;
pub mod trade;

pub use conductor::{DemoOptions, Staged, stage};
pub use error::DemoError;
