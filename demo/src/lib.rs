//! The demo: an embedded shop, its lawful trade, and the attacker who writes into its file.
//!
//! What a test would believe without looking is not here: everything that the demo counts
//! comes from what Balefire stored.

pub mod attacker;
pub mod shop;
pub mod trade;
