//! The routes of resources: their pages, and what is done with a request.

use super::{Row, VIEW, act, page};
use crate::forms;
use crate::pages::resources;
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/resources", VIEW, resources::register),
    page("/incidents/{id}/resources", VIEW, resources::page),
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
