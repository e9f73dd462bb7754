//! Taking an applied repair back. That is a repair too: proposed, approved, and refused for a row that
//! is no longer as the first one left it.

use crate::RecoverError;
use crate::proposal::same;
use crate::statement::Words;
use model::proposal::SetAside;
use model::{
    ColumnChange, Instant, ProposalId, RepairAction, RepairProposal, RepairStep, SourcePolicy,
    TableSchema, Value,
};

/// What an undo is made for and by.
#[derive(Clone, Copy, Debug)]
pub struct UndoRequest<'a> {
    pub id: &'a ProposalId,
    pub policy: &'a SourcePolicy,
    /// The shop's tables, in any order.
    pub schemas: &'a [TableSchema],
    pub made_at: Instant,
    pub ledger_size: u64,
}

/// Words what writes the images from before `applied` back, last step first.
pub fn undo(
    request: &UndoRequest<'_>,
    applied: &RepairProposal,
) -> Result<RepairProposal, RecoverError> {
    let mut steps = Vec::with_capacity(applied.steps.len());
    for step in applied.steps.iter().rev() {
        let schema = request.schemas.iter().find(|s| s.name == step.table);
        let words = schema.map(|schema| Words {
            dialect: applied.dialect,
            schema,
        });
        let undone = words.and_then(|words| undone(words, step));
        steps.push(undone.ok_or_else(|| RecoverError::CannotUndo {
            table: step.table.clone(),
            key: step.key.clone(),
        })?);
    }
    Ok(RepairProposal {
        id: request.id.clone(),
        source: applied.source.clone(),
        made_at: request.made_at,
        ledger_size: request.ledger_size,
        policy: request.policy.digest(),
        dialect: applied.dialect,
        undo_of: Some(applied.id.clone()),
        steps,
    })
}

/// `None`: the table's columns are others now, or the step wrote a reversing entry, which is in its
/// turn only ever reversed.
fn undone(words: Words<'_>, step: &RepairStep) -> Option<RepairStep> {
    let known = |values: &[(String, Value)]| {
        let mut names = values.iter().map(|(name, _)| name);
        names.all(|name| words.schema.column(name).is_some())
    };
    if !known(&step.expect_live) || !known(&step.expect_after) || !known(&step.key_values) {
        return None;
    }
    let (before, after) = (&step.expect_live, &step.expect_after);
    let mut undo = RepairStep {
        expect_live: after.clone(),
        expect_after: before.clone(),
        columns: swapped(step),
        ..step.clone()
    };
    undo.set_aside = SetAside::Mark;
    match (step.action, step.set_aside) {
        (RepairAction::Reinsert, _) => {
            (undo.action, undo.set_aside) = (RepairAction::Void, SetAside::Delete);
            (undo.sql, undo.parameters) = words.delete(&step.key_values, after);
        }
        (RepairAction::Void, SetAside::Delete) => {
            // A column added since would come back with its default, not with what it held.
            if before.len() != words.schema.columns.len() {
                return None;
            }
            undo.action = RepairAction::Reinsert;
            (undo.sql, undo.parameters) = words.insert(before);
        }
        (RepairAction::Void, SetAside::Entry) => return None,
        (RepairAction::RestoreColumns, _) | (RepairAction::Void, SetAside::Mark) => {
            let holds = |column: &(String, Value)| {
                let mut others = after.iter();
                others.any(|(name, value)| *name == column.0 && same(value, &column.1))
            };
            let set: Vec<_> = before.iter().filter(|c| !holds(c)).cloned().collect();
            let touched = |c: &&(String, Value)| set.iter().any(|(name, _)| *name == c.0);
            let present: Vec<_> = after.iter().filter(touched).cloned().collect();
            if set.is_empty() {
                return None;
            }
            undo.action = RepairAction::RestoreColumns;
            (undo.sql, undo.parameters) = words.update(&set, &step.key_values, &present);
        }
    }
    Some(undo)
}

/// For people: what stands there now is what the repair wrote.
fn swapped(step: &RepairStep) -> Vec<ColumnChange> {
    let now = |name: &str| {
        let found = step.expect_after.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_ref().to_string())
    };
    let back = |name: &str| {
        let found = step.expect_live.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_ref().to_string())
    };
    let columns = step.columns.iter().map(|column| ColumnChange {
        name: column.name.clone(),
        lawful: back(&column.name),
        live: now(&column.name),
        personal: column.personal,
    });
    columns
        .filter(|column| column.lawful != column.live)
        .collect()
}
