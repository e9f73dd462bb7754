//! What people say in the war room: notes, decisions, questions, words put on the record from
//! elsewhere, the one current objective, and the code name.
//!
//! Nothing said is ever taken back: who was wrong says so in a note that names the earlier one.
//! Deliberately not here: who `@name` is (room `desk`), and how a mention travels.

mod decide;

use crate::people::{Addressee, Signed};
use crate::timeline::{Param, Params};
use model::{Instant, PositionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use decide::decide;

/// Notes of one incident.
pub const MAX_NOTES: usize = 2_000;
/// Persons, positions and groups that one note names.
pub const MAX_MENTIONS: usize = 20;
/// Objectives and code names, the earlier ones included.
pub const MAX_OBJECTIVES: usize = 200;
pub const MAX_CODE_NAMES: usize = 50;
/// Characters of an objective: it stands in large type above everything else.
pub const MAX_OBJECTIVE_CHARS: usize = 200;
/// Characters of a code name.
pub const MAX_CODE_NAME_CHARS: usize = 40;

/// What a note is for its readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    #[default]
    Plain,
    Decision,
    Question,
}

impl Mark {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Decision, Self::Question];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Decision => "decision",
            Self::Question => "question",
        }
    }
}

/// Where words come from that were not first said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// As the other place names the person.
    pub by: String,
    /// For example the name of a chat.
    #[serde(default)]
    pub place: String,
    /// When it was said there.
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "room_command", rename_all = "snake_case", deny_unknown_fields)]
pub enum RoomCommand {
    Write {
        text: String,
        #[serde(default)]
        mark: Mark,
        #[serde(default)]
        mentions: Vec<Addressee>,
        /// The earlier note of the same person that this one puts right.
        #[serde(default)]
        corrects: Option<u32>,
        #[serde(default)]
        said: Option<Said>,
    },
    SetObjective {
        text: String,
    },
    /// The operation's reason says why.
    Rename {
        code_name: String,
    },
    /// System (clock): the brief to the management goes out at this time.
    #[schemars(skip)]
    RemindBrief {
        due_at: Instant,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "room_fact", rename_all = "snake_case")]
pub enum RoomFact {
    Written {
        note: u32,
        text: String,
        mark: Mark,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<Addressee>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        corrects: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Said>,
    },
    ObjectiveSet {
        text: String,
    },
    Renamed {
        from: String,
        to: String,
    },
    /// `to` is who leads and sees that objective and impact are true by then.
    BriefReminded {
        due_at: Instant,
        to: PositionId,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// From 1, in the order of recording.
    pub number: u32,
    pub text: String,
    pub mark: Mark,
    pub mentions: Vec<Addressee>,
    pub corrects: Option<u32>,
    pub corrected_by: Option<u32>,
    pub said: Option<Said>,
    /// Who recorded it, and when.
    pub signed: Signed,
}

impl Note {
    /// When it was said, which may be before it was recorded.
    pub fn at(&self) -> Instant {
        self.said.as_ref().map_or(self.signed.at, |said| said.at)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    pub text: String,
    pub signed: Signed,
}

/// What was said so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Room {
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The last one is in force.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// Earlier code names, the first one first.
    #[serde(default)]
    pub former_names: Vec<String>,
    /// The last brief of whose time somebody was reminded.
    #[serde(default)]
    pub brief_reminded: Option<Instant>,
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 8] = [
    "room-note",
    "room-decision",
    "room-question",
    "room-quoted",
    "room-corrected",
    "objective-set",
    "code-name-changed",
    "brief-reminded",
];

impl RoomFact {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Written {
                corrects: Some(_), ..
            } => "room-corrected",
            Self::Written { said: Some(_), .. } => "room-quoted",
            Self::Written { mark, .. } => match mark {
                Mark::Plain => "room-note",
                Mark::Decision => "room-decision",
                Mark::Question => "room-question",
            },
            Self::ObjectiveSet { .. } => "objective-set",
            Self::Renamed { .. } => "code-name-changed",
            Self::BriefReminded { .. } => "brief-reminded",
        }
    }

    /// When it happened, where that is not when it was recorded.
    pub(crate) fn happened_at(&self) -> Option<Instant> {
        match self {
            Self::Written { said, .. } => said.as_ref().map(|said| said.at),
            _ => None,
        }
    }

    pub(crate) fn params(&self) -> Params {
        let text = |text: &str| Param::Text(text.to_owned());
        match self {
            Self::Written {
                note,
                text: words,
                corrects,
                said,
                ..
            } => {
                let mut params = vec![
                    ("n", Param::Number(i64::from(*note))),
                    ("text", text(words)),
                ];
                params.extend(corrects.map(|n| ("earlier", Param::Number(i64::from(n)))));
                if let Some(said) = said {
                    params.push(("by", text(&said.by)));
                    params.push(("place", text(&said.place)));
                }
                params
            }
            Self::ObjectiveSet { text: words } => vec![("text", text(words))],
            Self::Renamed { from, to } => vec![("from", text(from)), ("to", text(to))],
            Self::BriefReminded { due_at, to } => vec![
                ("due", Param::Time(*due_at)),
                ("position", Param::Position(to.clone())),
            ],
        }
    }
}

impl Room {
    /// What everybody works towards now.
    pub fn objective(&self) -> Option<&Objective> {
        self.objectives.last()
    }

    pub fn note(&self, number: u32) -> Option<&Note> {
        self.notes.iter().find(|note| note.number == number)
    }

    /// The newest decisions that nobody put right, newest first.
    pub fn decisions(&self) -> impl Iterator<Item = &Note> {
        let marked = |n: &&Note| n.mark == Mark::Decision && n.corrected_by.is_none();
        self.notes.iter().rev().filter(marked)
    }

    pub(crate) fn follow(&mut self, fact: &RoomFact, signed: Signed) {
        match fact {
            RoomFact::Written {
                note,
                text,
                mark,
                mentions,
                corrects,
                said,
            } => {
                if let Some(earlier) = corrects
                    && let Some(found) = self.notes.iter_mut().find(|n| n.number == *earlier)
                {
                    found.corrected_by = Some(*note);
                }
                self.notes.push(Note {
                    number: *note,
                    text: text.clone(),
                    mark: *mark,
                    mentions: mentions.clone(),
                    corrects: *corrects,
                    corrected_by: None,
                    said: said.clone(),
                    signed,
                });
            }
            RoomFact::ObjectiveSet { text } => self.objectives.push(Objective {
                text: text.clone(),
                signed,
            }),
            RoomFact::Renamed { from, .. } => self.former_names.push(from.clone()),
            RoomFact::BriefReminded { due_at, .. } => self.brief_reminded = Some(*due_at),
        }
    }
}
