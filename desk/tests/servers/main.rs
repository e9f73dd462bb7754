//! Desks over shops on real servers.

mod postgres;
mod shop;
