//! Whole journal folders: crashes, reopening, tampering.

mod crash;
mod garbage;
mod support;
mod tamper;
