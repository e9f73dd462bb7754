//! The course of events: its page, and the same as files.

use super::{Row, VIEW, page};
use crate::pages::{timeline, timeline_export};

pub static ROWS: &[Row] = &[
    page("/incidents/{id}/timeline", VIEW, timeline::page),
    page(
        "/incidents/{id}/timeline/csv",
        VIEW,
        timeline_export::csv_file,
    ),
    page(
        "/incidents/{id}/timeline/json",
        VIEW,
        timeline_export::json_file,
    ),
];
