//! Black-box tests of the policy compiler, the judge and its findings.

mod findings;
mod judge;
mod policy;
mod shop;
mod walks;
