//! Paging: from "call this position" to a message that a person has, and what became of it.
//!
//! Deliberately not here: who must be called for an incident (room `incident`) and how a channel
//! speaks to its provider (room `connect`).

mod engine;
mod limit;
pub mod page;
#[cfg(test)]
mod simulation;
