//! Whole journal folders: crashes, reopening, tampering.

mod crash;
mod support;
mod tamper;
