//! The routes of the war room's discussion and of the hand-over.

use super::{Row, VIEW, act, page};
use crate::forms;
use crate::pages::{discussion, handover};
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
    page("/incidents/{id}/handover", VIEW, handover::page),
    act(
        "/incidents/{id}/do/prepare-handover",
        Act::WriteNote,
        forms::prepare_handover,
    ),
    act(
        "/incidents/{id}/do/take-handover",
        Act::WriteNote,
        forms::take_handover,
    ),
    act(
        "/incidents/{id}/do/withdraw-handover",
        Act::WriteNote,
        forms::withdraw_handover,
    ),
];
