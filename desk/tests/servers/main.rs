//! Desks over shops on real servers.

mod mariadb;
mod postgres;
mod repair;
mod schema;
mod shop;
mod stamps;
