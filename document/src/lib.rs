//! Words and pages in zh-CN and English: the message catalogue, reports, the plan document.
//!
//! Deliberately not here: files, HTTP, decisions. What a user reads comes from `locales/`;
//! what a log or an error says is plain English elsewhere.

mod call_stages;
pub mod catalogue;
pub mod emergency;
pub mod plan_document;
pub mod report;
mod writer;

pub use call_stages::call_stages;
pub use catalogue::{Catalogue, Value, words};
pub use writer::logged_writer;
