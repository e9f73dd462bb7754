//! The routes of the war room's discussion.

use super::{Row, VIEW, act, page};
use crate::forms;
use crate::pages::discussion;
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/incidents/{id}/discussion", VIEW, discussion::page),
    act(
        "/incidents/{id}/do/write-note",
        Act::WriteNote,
        forms::write_note,
    ),
    act(
        "/incidents/{id}/do/set-objective",
        Act::IssueOrder,
        forms::set_objective,
    ),
    act("/incidents/{id}/do/rename", Act::IssueOrder, forms::rename),
];
