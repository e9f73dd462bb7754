//! Desks over shops on real servers.

mod mariadb;
mod postgres;
mod repair;
mod shop;
mod stamps;
