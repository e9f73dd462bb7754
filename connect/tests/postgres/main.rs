//! The guard of a PostgreSQL shop against a real, throwaway server.

mod shop;
mod trouble;
mod values;
