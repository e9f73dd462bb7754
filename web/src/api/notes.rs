//! Words that a program puts on the record of an incident, for example a chat's robot.
//!
//! Deliberately not here: what a note may say (room `incident`) and whom `@` names (room `desk`).

use super::guard;
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::StatusCode;
use incident::Command;
use incident::room::{Mark, RoomCommand, Said};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    text: String,
    #[serde(default)]
    mark: Mark,
    #[serde(default)]
    corrects: Option<u32>,
    #[serde(default)]
    said: Option<Said>,
}

/// No `If-Match`: a note changes nothing that somebody else saw.
pub(crate) fn write(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        let asked: NoteBody = guard::body(visit)?;
        let desk = visit.desk();
        let mentions = desk.mentions(&visit.viewer(), &asked.text);
        let command = Command::Room(RoomCommand::Write {
            mentions: mentions.map_err(|error| guard::inside(visit, &error))?,
            text: asked.text,
            mark: asked.mark,
            corrects: asked.corrects,
            said: asked.said,
        });
        desk.execute(change.op.clone(), &incident.id, command)
            .map_err(|error| perform::failed(visit, &incident, &error))?;
        Ok(guard::stands(visit, StatusCode::CREATED, &incident.id))
    })
}
