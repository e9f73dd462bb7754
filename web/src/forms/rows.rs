//! Forms about evidence, holds and repairs.

use super::{Commands, bad, digest, named_rows, one, text, time, whole};
use crate::visit::Visit;
use incident::bounds::MAX_KEYS_PER_COMMAND;
use incident::custody::EvidenceItem;
use incident::refusal::BadValue;
use incident::rows::{TableRows, count};
use incident::{Command, Incident};
use model::{EvidenceId, HoldId, ProposalId};

/// The longest hold that the form offers.
const MAX_HOLD_H: i64 = 24 * 30;

pub(crate) fn add_evidence(visit: &Visit, _: &Incident) -> Commands {
    let item = EvidenceItem {
        name: text(visit, "name"),
        kind: text(visit, "kind"),
        source: text(visit, "source"),
        witness: visit.form.given("witness").map(str::to_owned),
        collected_at: time(visit, "collected")?.unwrap_or_else(|| visit.desk().now()),
        method: text(visit, "method"),
        sha256: digest(visit, "sha256")?,
        size_bytes: u64::try_from(whole(visit, "size_bytes")?).unwrap_or(0),
        positions: Vec::new(),
        location: text(visit, "location"),
    };
    one(Command::CollectEvidence { item })
}

pub(crate) fn transfer_evidence(visit: &Visit, _: &Incident) -> Commands {
    one(Command::TransferEvidence {
        evidence: EvidenceId::new(visit.form.get("evidence")),
        to: visit.form.get("to").to_owned(),
        purpose: text(visit, "purpose"),
        sha256: digest(visit, "sha256")?,
    })
}

pub(crate) fn propose_hold(visit: &Visit, incident: &Incident) -> Commands {
    let hours = whole(visit, "until_h")?;
    if !(1..=MAX_HOLD_H).contains(&hours) {
        return bad("until", BadValue::Time);
    }
    let until = visit.desk().now().plus_s(hours * 3600);
    let rows = named_rows(visit, incident)?;
    Ok(split(rows)
        .into_iter()
        .map(|rows| Command::ProposeHold { rows, until })
        .collect())
}

/// As many lists as the bound of one command needs.
pub(super) fn split(rows: Vec<TableRows>) -> Vec<Vec<TableRows>> {
    if count(&rows) <= MAX_KEYS_PER_COMMAND {
        return vec![rows];
    }
    let mut out: Vec<Vec<TableRows>> = Vec::new();
    for table in rows {
        for keys in table.keys.chunks(MAX_KEYS_PER_COMMAND) {
            let part = TableRows {
                keys: keys.to_vec(),
                ..table.clone()
            };
            match out.last_mut() {
                Some(last) if count(last) + part.keys.len() <= MAX_KEYS_PER_COMMAND => {
                    last.push(part)
                }
                _ => out.push(vec![part]),
            }
        }
    }
    out
}

fn hold(visit: &Visit) -> HoldId {
    HoldId::new(visit.form.get("hold"))
}

pub(crate) fn approve_hold(visit: &Visit, _: &Incident) -> Commands {
    one(Command::ApproveHold { hold: hold(visit) })
}

pub(crate) fn refuse_hold(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RefuseHold { hold: hold(visit) })
}

pub(crate) fn lift_hold(visit: &Visit, _: &Incident) -> Commands {
    one(Command::LiftHold { hold: hold(visit) })
}

pub(crate) fn proposal(visit: &Visit) -> ProposalId {
    ProposalId::new(visit.form.get("proposal"))
}

pub(crate) fn approve_repair(visit: &Visit, _: &Incident) -> Commands {
    one(Command::ApproveRepair {
        proposal: proposal(visit),
        digest: digest(visit, "digest")?,
    })
}

pub(crate) fn reject_repair(visit: &Visit, _: &Incident) -> Commands {
    one(Command::RejectRepair {
        proposal: proposal(visit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SourceName;

    #[test]
    fn many_rows_are_split_and_none_is_lost() {
        let table = |name: &str, n: usize| TableRows {
            source: SourceName::from("shop"),
            table: name.to_owned(),
            keys: (0..n).map(|i| i.to_string()).collect(),
        };
        let parts = split(vec![table("orders", 1500), table("refunds", 700)]);
        assert!(parts.iter().all(|p| count(p) <= MAX_KEYS_PER_COMMAND));
        assert_eq!(parts.iter().map(|p| count(p)).sum::<usize>(), 2200);
        assert_eq!(split(vec![table("orders", 3)]).len(), 1);
    }
}
