//! The JSON API: what the pages show and do, for programs. Errors are problem+json (RFC 9457),
//! lists go by cursor, changes carry `Idempotency-Key` and, on an incident, `If-Match`.
//!
//! Every route stands in the role matrix (`roles`) like every page, and in [`doc::all`], from
//! which the OpenAPI document is made; a test holds the two against each other.

mod act;
mod assessment;
pub(crate) mod briefs;
pub(crate) mod channels;
mod command_schema;
mod cursor;
pub mod doc;
mod doc_more;
pub(crate) mod duty;
mod guard;
mod incidents;
pub(crate) mod investigation;
pub(crate) mod joining;
pub(crate) mod mail;
pub(crate) mod notes;
mod openapi;
pub(crate) mod own;
pub(crate) mod parts;
pub(crate) mod people;
pub(crate) mod read;
mod schemas;
pub(crate) mod standing;
pub(crate) mod triage;
pub(crate) mod webhooks;

pub(crate) use act::{command, incident_act, report_opens, window_act, window_ask};
pub(crate) use assessment::{assess, assessment};
pub(crate) use incidents::{findings, incident, incidents, timeline};
pub(crate) use openapi::document;
