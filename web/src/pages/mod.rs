//! The pages, one module each: what is asked of the desk, and the template that shows it.
//!
//! Deliberately not here: who may see them (module `roles`) and how they travel (`reply`).

pub(crate) mod access;
pub(crate) mod answer;
pub(crate) mod assessment;
pub(crate) mod assessment_lines;
pub(crate) mod board;
pub(crate) mod brief;
pub(crate) mod call_out;
pub(crate) mod chat;
pub(crate) mod custody;
pub(crate) mod discussion;
pub(crate) mod error;
pub(crate) mod evidence;
pub(crate) mod findings;
pub(crate) mod guest;
pub(crate) mod handover;
pub(crate) mod incident_parts;
pub(crate) mod incidents;
pub(crate) mod investigation;
pub(crate) mod investigation_lines;
pub mod investigation_paper;
pub(crate) mod joining;
pub(crate) mod journal;
pub(crate) mod login;
pub(crate) mod notices;
pub(crate) mod orders;
pub(crate) mod outbox;
pub(crate) mod plan;
pub(crate) mod plan_tasks;
pub(crate) mod receipt;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod resources;
pub(crate) mod rota;
pub(crate) mod rota_form;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod sign_on;
pub(crate) mod source;
pub(crate) mod sources;
pub(crate) mod summary;
pub(crate) mod timeline;
pub(crate) mod timeline_export;
pub(crate) mod triage;
pub(crate) mod triage_words;
pub(crate) mod war_acts;
pub(crate) mod war_parts;
pub(crate) mod war_room;
pub(crate) mod welcome;

use crate::assets;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::header;

pub(crate) fn asset(visit: &Visit) -> Reply {
    match assets::find(visit.params.get("hash"), visit.params.get("name")) {
        Some(asset) => Reply::bytes(asset.kind, asset.bytes)
            .with_header(header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        None => Reply::not_found(visit),
    }
}
