//! Black-box tests of the policy compiler, the judge and its findings.

mod books;
mod findings;
mod judge;
mod policy;
mod shop;
mod strict_policy;
mod transactions;
mod walks;
mod world;
