//! What the next shift must know, as data: how things stand at one instant.

use crate::clocks;
use crate::conditions::reached;
use crate::containment::HoldState;
use crate::incident::Incident;
use crate::people::TaskState;
use crate::room::Mark;
use model::{Grade, GroupId, Instant, Level};
use plan::{Plan, StepId};
use serde::{Deserialize, Serialize};

/// Things of one kind on a sheet; what is beyond is counted. With the longest texts and remarks a
/// sheet stays below `MAX_FACT_BYTES`, so that it can always be made.
const MOST: usize = 15;
/// Characters of a text on a sheet: enough to know which one is meant.
const MOST_CHARS: usize = 80;

/// One thing that the next shift has to look after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id within the incident or the plan.
    pub id: String,
    /// In the words of whoever wrote it; empty where the plan has the words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub at: Instant,
    /// Facts before this number are in it.
    pub sequence: u32,
    pub grade: Grade,
    pub level: Level,
    pub step: StepId,
    #[serde(default)]
    pub objective: String,
    pub rows_found: u64,
    pub rows_open: u64,
    /// The attacker still writes, as far as the guard knows.
    pub ongoing: bool,
    /// The earliest first.
    pub orders: Vec<Item>,
    pub tasks: Vec<Item>,
    /// Legal deadlines that run or are overdue.
    pub clocks: Vec<Item>,
    pub holds: Vec<Item>,
    pub questions: Vec<Item>,
    pub decisions: Vec<Item>,
    pub not_reached: Vec<GroupId>,
    /// Things that found no room above.
    pub left_out: u32,
}

impl Sheet {
    pub(crate) fn of(plan: &Plan, i: &Incident, now: Instant) -> Self {
        let mut left_out = 0;
        let mut some = |mut items: Vec<Item>| {
            items.sort_by_key(|item| item.due_at.unwrap_or(Instant(i64::MAX)));
            left_out += items.len().saturating_sub(MOST) as u32;
            items.truncate(MOST);
            items
        };
        let orders = i.orders.iter().filter(|o| !o.settled());
        let orders = orders.map(|o| item(&o.id, &o.text, Some(o.due_at)));
        let tasks = i.tasks.iter().filter(|t| t.state == TaskState::Open);
        let tasks = tasks.map(|t| item(&t.planned.id, "", Some(t.planned.due_at)));
        let clocks = clocks::clocks(plan, i, now);
        let clocks = clocks.iter().filter_map(|c| {
            let due = clocks::due(&c.state)?;
            let settled = matches!(
                clocks::state_code(&c.state),
                "filed" | "filed_late" | "waived"
            );
            (!settled).then(|| item(&c.clock.id, "", Some(due)))
        });
        let holds = i.holds.iter();
        let holds = holds
            .filter(|h| matches!(h.state, HoldState::Active | HoldState::Proposed))
            .map(|h| item(&h.id, &h.reason, Some(h.until)));
        let open = |n: &&crate::room::Note| n.mark == Mark::Question && n.corrected_by.is_none();
        let questions = i.room.notes.iter().rev().filter(open);
        let questions = questions.map(|n| item(&n.number, &n.text, None));
        let said = i.room.decisions().map(|n| item(&n.number, &n.text, None));
        let formal = i.decisions.iter().rev();
        let formal = formal.map(|d| item(&format!("D-{}", d.number), &d.text, None));
        Self {
            at: now,
            sequence: i.next_sequence,
            grade: i.grade(),
            level: i.level,
            step: i.step,
            objective: i
                .room
                .objective()
                .map_or_else(String::new, |o| o.text.clone()),
            rows_found: i.findings.counts.total(),
            rows_open: i.findings.open.total(),
            ongoing: i.watch.ongoing,
            orders: some(orders.collect()),
            tasks: some(tasks.collect()),
            clocks: some(clocks.collect()),
            holds: some(holds.collect()),
            questions: some(questions.take(MOST).collect()),
            decisions: some(said.take(8).chain(formal.take(7)).collect()),
            not_reached: plan
                .groups
                .iter()
                .filter(|g| !reached(i, &g.id))
                .map(|g| g.id.clone())
                .collect(),
            left_out,
        }
    }
}

fn item(id: &impl ToString, text: &str, due_at: Option<Instant>) -> Item {
    Item {
        id: id.to_string(),
        text: text.chars().take(MOST_CHARS).collect(),
        due_at,
    }
}
