//! Policies in, changes in; verdicts and findings out.
//!
//! [`policy::compile`] holds what an operator declared against what the shop's schema says.
//! [`Judge`] is a pure fold over batches of row changes. [`finding`] words a verdict as findings.
//! Deliberately not here: files, clocks, SQL, and the lawful images themselves; the caller
//! brings them with each change.

mod balances;
mod company;
pub mod decimal;
mod findings;
mod first_pass;
mod guilt;
mod judge;
pub mod learn;
pub mod policy;
mod relations;
pub mod replay;
mod rules;
mod second_pass;
pub mod stamp;
mod strict_rules;

pub use findings::{FindingAt, finding};
pub use judge::{Judge, JudgeOptions};
pub use policy::{CompiledPolicy, CompiledTable, PolicyProblem, compile, compile_for};
