//! Where row changes come from.

pub mod sqlite;
