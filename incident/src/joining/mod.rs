//! Two incidents that are one, and one that is two: merging and splitting, with pointers both ways.
//!
//! A merged incident closes and stays readable as it stood; what goes on, goes on in the other
//! one. Each command here is half of a change of two incidents, so only the desk gives them, both
//! in one transaction. Deliberately not here: that transaction, and which findings go where.

mod decide;

use crate::access::Access;
use crate::assessing::DataClass;
use crate::containment::{HoldState, RepairState};
use crate::fact::Fact;
use crate::incident::Incident;
use crate::rows::TableRows;
use crate::timeline::{Param, Params};
use model::{Figure, IncidentId, Instant, OrderId, ReceiptNo, SourceName, TaskId};
use plan::grading::Figures;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub(crate) use decide::decide;

/// Incidents merged into one, and split from one.
pub const MAX_JOINED: usize = 50;
/// Reports that one split moves.
pub const MAX_MOVED: usize = 500;

/// Halves of a merge or a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "joining", rename_all = "snake_case", deny_unknown_fields)]
pub enum JoiningCommand {
    /// This incident goes on in another one, and closes. The operation's reason says why.
    MergeInto { into: IncidentId, access: Access },
    /// The other half: this one takes on what goes on of another.
    Absorb {
        carried: Box<Carried>,
        access: Access,
    },
    /// These reports and rows become an incident of their own.
    SplitOff {
        into: IncidentId,
        reports: Vec<ReceiptNo>,
        rows: Vec<TableRows>,
    },
    /// The other half: this incident begins as a part of another.
    SplitFrom {
        from: IncidentId,
        reports: Vec<ReceiptNo>,
    },
}

/// What of an incident goes on in the one that absorbs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    pub incident: IncidentId,
    pub code_name: String,
    /// Later findings of these join the incident that absorbed.
    pub sources: BTreeSet<SourceName>,
    pub reports: Vec<ReceiptNo>,
    /// Open orders and tasks: they stay where they are, and are listed.
    pub orders: Vec<OrderId>,
    pub tasks: Vec<TaskId>,
    pub occurred: Option<Instant>,
    pub discovered: Option<Instant>,
    /// Facts on which clocks depend, as far as they are known to hold.
    pub holds_true: Vec<String>,
    /// Of the assessment, what people gave; what is counted follows the findings.
    #[serde(default)]
    pub figures: Figures,
    /// Classes of data that people know to be affected.
    #[serde(default)]
    pub classes: Vec<DataClass>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "joining", rename_all = "snake_case")]
pub enum JoiningFact {
    MergedInto {
        into: IncidentId,
    },
    Absorbed {
        carried: Carried,
    },
    SplitOff {
        into: IncidentId,
        reports: Vec<ReceiptNo>,
        rows: Vec<TableRows>,
    },
    SplitFrom {
        from: IncidentId,
        reports: Vec<ReceiptNo>,
    },
}

/// How an incident hangs together with others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    #[serde(default)]
    pub merged_into: Option<IncidentId>,
    #[serde(default)]
    pub absorbed: Vec<Carried>,
    #[serde(default)]
    pub split_into: Vec<IncidentId>,
    #[serde(default)]
    pub split_from: Option<IncidentId>,
    /// Sources, beside its own, whose findings join it.
    #[serde(default)]
    pub sources: BTreeSet<SourceName>,
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 4] = ["merged-into", "absorbed", "split-off", "split-from"];

impl Carried {
    pub fn of(incident: &Incident) -> Self {
        let facts = &incident.trigger_facts;
        let known = [
            ("cii", facts.cii),
            ("personal_information", facts.personal_information),
            ("suspected_crime", facts.suspected_crime),
            ("interested_parties", facts.interested_parties),
            ("unauthorised_payment", facts.unauthorised_payment),
        ];
        let open_orders = incident.orders.iter().filter(|o| o.open());
        let open_tasks = incident.tasks.iter().filter(|t| t.open());
        let mut sources = incident.joining.sources.clone();
        sources.extend(incident.source.clone());
        Self {
            incident: incident.id.clone(),
            code_name: incident.code_name.clone(),
            sources,
            reports: incident.reports.clone(),
            orders: open_orders.map(|o| o.id.clone()).collect(),
            tasks: open_tasks.map(|t| t.planned.id.clone()).collect(),
            occurred: incident.anchors.occurred,
            discovered: incident.anchors.discovered,
            holds_true: known
                .into_iter()
                .filter(|(_, holds)| *holds == Some(true))
                .map(|(name, _)| name.to_owned())
                .collect(),
            figures: given(incident),
            classes: affected(incident),
        }
    }
}

/// The figures that people gave and know, and what they hold to be met.
fn given(incident: &Incident) -> Figures {
    let by_person = incident.figures_by_person.iter();
    let numbers = by_person.map(|metric| (*metric, incident.figures.number(*metric)));
    Figures {
        numbers: numbers.filter(|(_, f)| *f != Figure::Unknown).collect(),
        qualitative: incident.figures.qualitative.clone(),
    }
}

fn affected(incident: &Incident) -> Vec<DataClass> {
    let classes = incident.assessing.classes.iter();
    let affected = classes.filter(|(_, record)| record.affected == Some(true));
    affected.map(|(class, _)| *class).collect()
}

impl Incident {
    /// Whether findings of a source join it while it is open.
    pub fn takes_findings_of(&self, source: &SourceName) -> bool {
        self.source.as_ref() == Some(source) || self.joining.sources.contains(source)
    }

    /// A hold or a repair that is under way: it must end before the incident goes on elsewhere.
    pub fn acts_on_rows(&self) -> bool {
        let holds = |s: &HoldState| matches!(s, HoldState::Proposed | HoldState::Active);
        let repairs = |s: &RepairState| {
            matches!(
                s,
                RepairState::Proposed | RepairState::Approved | RepairState::Applying { .. }
            )
        };
        self.holds.iter().any(|h| holds(&h.state)) || self.repairs.iter().any(|r| repairs(&r.state))
    }
}

impl Joining {
    pub(crate) fn apply(&mut self, fact: &JoiningFact) {
        match fact {
            JoiningFact::MergedInto { into } => self.merged_into = Some(into.clone()),
            JoiningFact::Absorbed { carried } => {
                self.sources.extend(carried.sources.iter().cloned());
                self.absorbed.push(carried.clone());
            }
            JoiningFact::SplitOff { into, .. } => self.split_into.push(into.clone()),
            JoiningFact::SplitFrom { from, .. } => self.split_from = Some(from.clone()),
        }
    }
}

/// Who may see two incidents once they are one: neither list loses anybody that it keeps out.
/// `None` where they are restricted to different positions, which people have to settle first.
pub fn united(one: &Access, other: &Access) -> Option<Access> {
    if one.positions != other.positions {
        return None;
    }
    let suspects: BTreeSet<_> = one.suspects.union(&other.suspects).cloned().collect();
    let admitted = one.admitted.union(&other.admitted);
    let admitted = admitted
        .filter(|a| !suspects.contains(*a))
        .cloned()
        .collect();
    Some(Access {
        positions: one.positions.clone(),
        admitted,
        suspects,
        stand_ins: Vec::new(),
    })
}

impl JoiningFact {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::MergedInto { .. } => "merged-into",
            Self::Absorbed { .. } => "absorbed",
            Self::SplitOff { .. } => "split-off",
            Self::SplitFrom { .. } => "split-from",
        }
    }
    pub(crate) fn params(&self) -> Params {
        let count = |n: usize| Param::Number(n as i64);
        let incident = |id: &IncidentId| ("incident", Param::Text(id.to_string()));
        match self {
            Self::MergedInto { into } => vec![incident(into)],
            Self::Absorbed { carried } => vec![
                incident(&carried.incident),
                ("reports", count(carried.reports.len())),
                ("orders", count(carried.orders.len())),
                ("tasks", count(carried.tasks.len())),
            ],
            Self::SplitOff {
                into,
                reports,
                rows,
            } => vec![
                incident(into),
                ("reports", count(reports.len())),
                ("rows", count(crate::rows::count(rows))),
            ],
            Self::SplitFrom { from, reports } => {
                vec![incident(from), ("reports", count(reports.len()))]
            }
        }
    }
}

impl From<JoiningFact> for Fact {
    fn from(fact: JoiningFact) -> Self {
        Self::Joining(Box::new(fact))
    }
}
