//! Forms of the war room's discussion, and of the hand-over between shifts.

use super::{Commands, bad, digest, one, text, time};
use crate::visit::Visit;
use incident::handover::HandoverCommand;
use incident::refusal::BadValue;
use incident::room::{Mark, RoomCommand, Said};
use incident::{Command, Incident, Refusal};
use model::PositionId;

pub(crate) fn write_note(visit: &Visit, _: &Incident) -> Commands {
    let words = text(visit, "text");
    let marked = visit.form.get("mark");
    one(Command::Room(RoomCommand::Write {
        mentions: visit.desk().mentions(&visit.viewer(), &words).unwrap_or_else(|error| {
            tracing::error!(error = %crate::perform::chain(&error), "whom a note names cannot be looked up");
            Vec::new()
        }),
        text: words,
        mark: Mark::ALL
            .into_iter()
            .find(|mark| mark.code() == marked)
            .unwrap_or_default(),
        // Zero is no note's number; the incident answers that it is unknown.
        corrects: visit.form.given("corrects").map(|n| n.parse().unwrap_or(0)),
        said: said(visit)?,
    }))
}

/// Words from elsewhere name who said them and when.
fn said(visit: &Visit) -> Result<Option<Said>, Refusal> {
    let (by, place) = (text(visit, "said_by"), text(visit, "said_place"));
    let at = time(visit, "said_at")?;
    if by.is_empty() && place.is_empty() && at.is_none() {
        return Ok(None);
    }
    let Some(at) = at else {
        return bad("said-at", BadValue::Time);
    };
    Ok(Some(Said { by, place, at }))
}

pub(crate) fn set_objective(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Room(RoomCommand::SetObjective {
        text: text(visit, "text").trim().to_owned(),
    }))
}

pub(crate) fn rename(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Room(RoomCommand::Rename {
        code_name: text(visit, "code_name"),
    }))
}

pub(crate) fn prepare_handover(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Handover(HandoverCommand::Prepare {
        position: PositionId::new(visit.form.get("position")),
        remarks: text(visit, "remarks"),
    }))
}

pub(crate) fn take_handover(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Handover(HandoverCommand::Take {
        number: handover(visit),
        digest: digest(visit, "digest")?,
    }))
}

pub(crate) fn withdraw_handover(visit: &Visit, _: &Incident) -> Commands {
    one(Command::Handover(HandoverCommand::Withdraw {
        number: handover(visit),
    }))
}

/// Zero is no hand-over's number; the incident answers that it is unknown.
fn handover(visit: &Visit) -> u32 {
    visit.form.get("number").parse().unwrap_or(0)
}
