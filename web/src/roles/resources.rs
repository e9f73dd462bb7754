//! The routes of resources: their pages, and what is done with a request.

use super::{Needs, Row, VIEW, act, form, page};
use crate::forms;
use crate::pages::{guest, resources};
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/resources", VIEW, resources::register),
    page("/incidents/{id}/resources", VIEW, resources::page),
    page("/guest", Needs::Guest, guest::page),
    form("/guest/agree", Needs::Guest, guest::agree),
    form(
        "/incidents/{id}/guests",
        Needs::Act(Act::ManageGuests),
        guest::invite,
    ),
    act(
        "/incidents/{id}/do/change-guest",
        Act::ManageGuests,
        forms::change_guest,
    ),
    act(
        "/incidents/{id}/do/end-guest",
        Act::ManageGuests,
        forms::end_guest,
    ),
    act(
        "/incidents/{id}/do/request-resource",
        Act::RequestResource,
        forms::request_resource,
    ),
    act(
        "/incidents/{id}/do/withdraw-resource",
        Act::RequestResource,
        forms::withdraw_resource,
    ),
    act(
        "/incidents/{id}/do/grant-resource",
        Act::GrantResource,
        forms::grant_resource,
    ),
    act(
        "/incidents/{id}/do/refuse-resource",
        Act::GrantResource,
        forms::refuse_resource,
    ),
    act(
        "/incidents/{id}/do/return-resource",
        Act::ViewIncident,
        forms::return_resource,
    ),
];
