//! The hand-over between shifts: a sheet of how things stand, frozen with its digest, signed by
//! who leaves and by who takes over, which are never the same person.
//!
//! Deliberately not here: who is on duty when (`rota`), and the words of the sheet.

mod decide;
mod sheet;

use crate::incident::Incident;
use crate::people::Signed;
use crate::timeline::{Param, Params};
use model::{AccountId, Digest, Instant, PositionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use decide::decide;
pub use sheet::{Item, Sheet};

/// Hand-overs of one incident; at three shifts a day this is more than two months.
pub const MAX_HANDOVERS: usize = 200;
/// A sheet that nobody signed within this time, in seconds, no longer says how things stand.
pub const TAKE_WITHIN_S: i64 = 4 * 3600;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "handover_command",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum HandoverCommand {
    /// The leaving person's sheet: the state is the program's, the remarks are theirs.
    Prepare {
        position: PositionId,
        #[serde(default)]
        remarks: String,
    },
    /// The taking-over person has read that very sheet.
    Take { number: u32, digest: Digest },
    /// It was not to be; the operation's reason says why.
    Withdraw { number: u32 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "handover_fact", rename_all = "snake_case")]
pub enum HandoverFact {
    Prepared {
        number: u32,
        position: PositionId,
        remarks: String,
        sheet: Box<Sheet>,
        digest: Digest,
    },
    Taken {
        number: u32,
        digest: Digest,
        position: PositionId,
    },
    Withdrawn {
        number: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// From 1.
    pub number: u32,
    pub position: PositionId,
    pub remarks: String,
    pub sheet: Sheet,
    /// Of position, remarks and sheet; what both sign.
    pub digest: Digest,
    pub left: Signed,
    pub taken: Option<Signed>,
    pub withdrawn: Option<Signed>,
}

impl Handover {
    /// Still waits for the second signature.
    pub fn open(&self, now: Instant) -> bool {
        let waits = self.taken.is_none() && self.withdrawn.is_none();
        waits && now <= self.left.at.plus_s(TAKE_WITHIN_S)
    }
    /// `open`, `taken`, `withdrawn` or `stale`.
    pub fn code(&self, now: Instant) -> &'static str {
        match (&self.taken, &self.withdrawn) {
            (Some(_), _) => "taken",
            (None, Some(_)) => "withdrawn",
            (None, None) if self.open(now) => "open",
            (None, None) => "stale",
        }
    }
}

impl Incident {
    /// Who handed a position over last, and who took it.
    pub fn taken_over(&self, position: &PositionId) -> Option<(&AccountId, &AccountId)> {
        let mut last = self.handovers.iter().rev();
        let taken = last.find(|h| h.position == *position && h.taken.is_some())?;
        let by = taken.taken.as_ref()?.by.account()?;
        Some((taken.left.by.account()?, by))
    }
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 3] = ["handover-prepared", "handover-taken", "handover-withdrawn"];

impl HandoverFact {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Prepared { .. } => "handover-prepared",
            Self::Taken { .. } => "handover-taken",
            Self::Withdrawn { .. } => "handover-withdrawn",
        }
    }
    pub(crate) fn params(&self) -> Params {
        let n = |n: u32| ("n", Param::Number(i64::from(n)));
        match self {
            Self::Prepared {
                number,
                position,
                remarks,
                ..
            } => vec![
                n(*number),
                ("position", Param::Position(position.clone())),
                ("text", Param::Text(remarks.clone())),
            ],
            Self::Taken {
                number, position, ..
            } => vec![n(*number), ("position", Param::Position(position.clone()))],
            Self::Withdrawn { number } => vec![n(*number)],
        }
    }
}

/// Folds one fact into the hand-overs of an incident.
pub(crate) fn follow(all: &mut Vec<Handover>, fact: &HandoverFact, signed: Signed) {
    let found = |all: &'_ mut Vec<Handover>, number: u32| {
        all.iter().position(|handover| handover.number == number)
    };
    match fact {
        HandoverFact::Prepared {
            number,
            position,
            remarks,
            sheet,
            digest,
        } => all.push(Handover {
            number: *number,
            position: position.clone(),
            remarks: remarks.clone(),
            sheet: (**sheet).clone(),
            digest: *digest,
            left: signed,
            taken: None,
            withdrawn: None,
        }),
        HandoverFact::Taken { number, .. } => {
            if let Some(at) = found(all, *number) {
                all[at].taken = Some(signed);
            }
        }
        HandoverFact::Withdrawn { number } => {
            if let Some(at) = found(all, *number) {
                all[at].withdrawn = Some(signed);
            }
        }
    }
}
