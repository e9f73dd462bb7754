//! Desks over shops on real servers.

mod holes_desk;
mod holes_postgres;
mod mariadb;
#[cfg(feature = "mysql-server")]
mod mysql;
mod postgres;
mod repair;
mod schema;
mod server_log;
mod shop;
mod stamps;
