//! Desks over shops on real servers.

mod mariadb;
mod postgres;
mod repair;
mod schema;
mod server_log;
mod shop;
mod stamps;
