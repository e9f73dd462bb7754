//! From a word in the war room to a fact, or to a refusal. Pure.

use super::{
    MAX_CODE_NAME_CHARS, MAX_CODE_NAMES, MAX_MENTIONS, MAX_NOTES, MAX_OBJECTIVE_CHARS,
    MAX_OBJECTIVES, Mark, RoomCommand, RoomFact, Said,
};
use crate::decide::{Asked, Decision, checks, people};
use crate::fact::Fact;
use crate::open::LEADING_GROUP;
use crate::people::Addressee;
use crate::refusal::Refusal;
use model::Instant;
use plan::Act;

pub(crate) fn decide(asked: Asked<'_>, command: RoomCommand) -> Decision {
    let fact = match command {
        RoomCommand::Write {
            text,
            mark,
            mentions,
            corrects,
            said,
        } => write(asked, text, mark, mentions, corrects, said)?,
        RoomCommand::SetObjective { text } => set_objective(asked, text)?,
        RoomCommand::Rename { code_name } => rename(asked, code_name)?,
        RoomCommand::RemindBrief { due_at } => remind_brief(asked, due_at)?,
    };
    Ok(vec![Fact::Room(fact)])
}

fn write(
    asked: Asked<'_>,
    text: String,
    mark: Mark,
    mentions: Vec<Addressee>,
    corrects: Option<u32>,
    said: Option<Said>,
) -> Result<RoomFact, Refusal> {
    let room = &asked.incident.room;
    checks::long_text("text", &text)?;
    checks::room("notes", room.notes.len(), MAX_NOTES)?;
    checks::bound("mentions", mentions.len(), MAX_MENTIONS)?;
    for mention in &mentions {
        people::known(asked, mention)?;
    }
    // A decision is theirs who may decide, whatever it is called.
    if mark == Mark::Decision {
        checks::act(asked, Act::RecordDecision)?;
    }
    if let Some(said) = &said {
        checks::name("said-by", &said.by)?;
        checks::no_longer("said-place", &said.place, crate::bounds::MAX_NAME_CHARS)?;
        checks::past("said-at", said.at, asked.op.now)?;
    }
    if let Some(number) = corrects {
        let earlier = room
            .note(number)
            .ok_or_else(|| checks::unknown("note", number))?;
        if earlier.signed.by.account() != asked.op.actor.account() {
            return Err(checks::conflict("note", "of-another"));
        }
        if earlier.corrected_by.is_some() {
            return Err(checks::conflict("note", "changed"));
        }
    }
    let last = room.notes.last().map_or(0, |note| note.number);
    Ok(RoomFact::Written {
        note: last.saturating_add(1),
        text,
        mark,
        mentions,
        corrects,
        said,
    })
}

fn set_objective(asked: Asked<'_>, text: String) -> Result<RoomFact, Refusal> {
    let room = &asked.incident.room;
    checks::text("objective", &text, MAX_OBJECTIVE_CHARS)?;
    checks::room("objectives", room.objectives.len(), MAX_OBJECTIVES)?;
    if room.objective().is_some_and(|o| o.text == text) {
        return Err(checks::conflict("objective", "unchanged"));
    }
    Ok(RoomFact::ObjectiveSet { text })
}

fn remind_brief(asked: Asked<'_>, due_at: Instant) -> Result<RoomFact, Refusal> {
    let due = crate::brief::to_remind(asked.plan, asked.incident, asked.op.now);
    let lead = (asked.plan.groups.iter()).find(|g| g.id.as_str() == LEADING_GROUP);
    match lead.filter(|_| due == Some(due_at)) {
        Some(group) => Ok(RoomFact::BriefReminded {
            due_at,
            to: group.lead.clone(),
        }),
        None => Err(checks::conflict("brief", "too-early")),
    }
}

fn rename(asked: Asked<'_>, code_name: String) -> Result<RoomFact, Refusal> {
    let to = code_name.trim().to_owned();
    checks::text("code-name", &to, MAX_CODE_NAME_CHARS)?;
    checks::reason(asked)?;
    let names = asked.incident.room.former_names.len();
    checks::room("code-names", names, MAX_CODE_NAMES)?;
    let from = asked.incident.code_name.clone();
    if from == to {
        return Err(checks::conflict("code-name", "unchanged"));
    }
    Ok(RoomFact::Renamed { from, to })
}
