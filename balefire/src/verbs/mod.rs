//! One module a verb: read arguments, call a room, print.

pub mod account;
pub mod audit;
pub mod bench;
pub mod demo;
pub mod incident;
pub mod init;
pub mod journal;
pub mod owner;
pub mod plan;
pub mod repair;
pub mod serve;
pub mod source;
