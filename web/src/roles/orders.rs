//! The routes of orders: their pages, and what is done with one.

use super::{Row, VIEW, act, page};
use crate::forms;
use crate::pages::orders;
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/incidents/{id}/orders", VIEW, orders::page),
    page("/orders", VIEW, orders::my_page),
    act(
        "/incidents/{id}/do/start-task",
        Act::CompleteTask,
        forms::start_task,
    ),
    act(
        "/incidents/{id}/do/issue-order",
        Act::IssueOrder,
        forms::issue_order,
    ),
    act(
        "/incidents/{id}/do/withdraw-order",
        Act::IssueOrder,
        forms::withdraw_order,
    ),
    act(
        "/incidents/{id}/do/accept-order",
        Act::AnswerOrder,
        forms::accept_order,
    ),
    act(
        "/incidents/{id}/do/refuse-order",
        Act::AnswerOrder,
        forms::refuse_order,
    ),
    act(
        "/incidents/{id}/do/complete-order",
        Act::AnswerOrder,
        forms::complete_order,
    ),
    act(
        "/incidents/{id}/do/change-order",
        Act::IssueOrder,
        forms::change_order,
    ),
    act(
        "/incidents/{id}/do/verify-order",
        Act::IssueOrder,
        forms::verify_order,
    ),
    act(
        "/incidents/{id}/do/send-back-order",
        Act::IssueOrder,
        forms::send_back_order,
    ),
];
