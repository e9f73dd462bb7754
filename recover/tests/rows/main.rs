//! Black-box tests on a real journal and a real SQLite shop.

mod audit;
mod repair;
mod seal;
mod world;
