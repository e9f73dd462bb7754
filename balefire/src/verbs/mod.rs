//! One module a verb: read arguments, call a room, print.

pub mod accept;
pub mod account;
pub mod audit;
pub mod bench;
pub mod demo;
pub mod incident;
pub mod init;
pub mod intake;
pub mod investigate;
pub mod journal;
pub mod learn;
pub mod owner;
pub mod plan;
pub mod policy_file;
pub mod repair;
pub mod replay;
pub mod serve;
pub mod shadow;
pub mod source;
pub mod stamp;
pub mod window;
