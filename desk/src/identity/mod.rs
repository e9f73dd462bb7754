//! Who may come in, and how: membership, second factors, sessions, tokens, emergency codes.
//!
//! Passwords and the login itself are in `account`. Deliberately not here: what a person may do
//! with an incident (the plan's authority), pages, and cookies.

pub mod api_token;
pub mod break_glass;
pub mod config;
pub mod control;
pub mod membership;
pub mod people;
pub mod proposal;
mod seal;
pub mod second_factor;
pub mod sessions;
pub mod sign_on;
pub mod totp;

pub use membership::{AccountRefusal, Member, Step};
pub use proposal::{AccountProposal, Collected, Proposed};
