//! The routes of triage: the stack, one report, its files, and what is decided on it; merge and split.

use super::{Needs, Row, VIEW, form, page};
use crate::pages::{joining, triage};
use plan::Act;

const DECIDES: Needs = Needs::Act(Act::OpenIncident);

pub static ROWS: &[Row] = &[
    page("/triage", DECIDES, triage::page),
    page("/triage/{receipt}", DECIDES, triage::report),
    form("/triage/{receipt}", DECIDES, triage::decide),
    page("/triage/{receipt}/files/{file}", DECIDES, triage::file),
    // Merge and split.
    page("/incidents/{id}/joining", VIEW, joining::page),
    form(
        "/incidents/{id}/do/merge",
        Needs::Act(Act::Close),
        joining::merge,
    ),
    form(
        "/incidents/{id}/do/split",
        Needs::Act(Act::Close),
        joining::split,
    ),
];
