//! The routes of triage: the stack, one report, its files, and what is decided on it.

use super::{Needs, Row, form, page};
use crate::pages::triage;
use plan::Act;

const DECIDES: Needs = Needs::Act(Act::OpenIncident);

pub static ROWS: &[Row] = &[
    page("/triage", DECIDES, triage::page),
    page("/triage/{receipt}", DECIDES, triage::report),
    form("/triage/{receipt}", DECIDES, triage::decide),
    page("/triage/{receipt}/files/{file}", DECIDES, triage::file),
];
