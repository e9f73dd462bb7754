//! A MariaDB or MySQL shop: read, followed, examined.
//!
//! The protocol is spoken here, synchronously and with a time limit on each read, as the traits
//! are: rows are decoded out of the connection's buffer without a copy for each cell, and MariaDB's
//! own binlog events are known.

mod attach;
mod catalog;
mod charset;
mod check;
mod dump;
mod event;
mod examine;
mod feed;
mod fold;
mod group;
mod gtid;
mod guarded;
mod image;
mod json;
mod json_parts;
mod kind;
mod lexer;
mod login;
mod place;
mod reader;
mod rsa;
mod scan;
mod session;
mod source;
mod statement;
mod tls;
mod url;
mod watched;
mod wire;

pub use attach::{attach, detach};
pub use feed::MysqlFeed;
pub use source::MysqlSource;
