//! What the tests of MariaDB ask, asked of MySQL's own server. Debian stable has none, so these stand
//! behind the feature `mysql-server` and are no part of the usual run:
//! `BALEFIRE_MYSQLD=/path/to/mysqld cargo test -p connect --features mysql-server --test mysql_server`.

mod failover;
#[path = "../mysql/failover.rs"]
mod failover_of;
mod follow;
#[path = "../mysql/shop.rs"]
#[expect(dead_code, reason = "shared with the tests of MariaDB")]
mod shop;
mod trouble;
