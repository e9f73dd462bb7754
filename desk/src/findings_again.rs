//! Findings made from what the ledger holds: of a change just judged, and again after a crash that
//! kept them from being stored. The same entry gives the same finding, with the same id.

use crate::DeskError;
use crate::intake::Intake;
use crate::window;
use detect::FindingAt;
use detect::policy::CompiledPolicy;
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::{Change, Finding, FindingKind, Judgement, Row, Standing, Verdict};

/// The findings of one judged change, those that a maintenance window excused under their own kind.
pub(crate) fn found_in(
    policy: &CompiledPolicy,
    change: &Change,
    judgement: &Judgement,
    at: FindingAt<'_>,
) -> Vec<Finding> {
    let Some((id, unexcused)) = window::unexcused(change, judgement) else {
        return detect::finding(policy, change, judgement, at);
    };
    let mut found = detect::finding(policy, change, &unexcused, at);
    for finding in &mut found {
        finding.kind = FindingKind::InWindow;
        finding.verdict = Verdict::Lawful;
        finding.detail = format!("window {id}");
    }
    found
}

/// Findings of the ledger's entries from `from` on, made again from what was journaled: the same
/// verdicts and the same ids, whatever the policy says by now.
pub(crate) fn findings_since(intake: &mut Intake, from: u64) -> Result<Vec<Finding>, DeskError> {
    let size = intake.ledger.reader.size();
    let mut found = Vec::new();
    for position in from..size {
        let bytes = intake.ledger.reader.entry(position)?;
        let LedgerEntry::Row(entry) = LedgerEntry::decode(&bytes)? else {
            continue;
        };
        let judged = &entry.judgement;
        if entry.kind != EntryKind::Change
            || (judged.verdict == Verdict::Lawful && judged.hits.is_empty())
        {
            continue;
        }
        let (entry, image) = intake.ledger.sealer.open_entry(entry)?;
        let judgement = entry.judgement.clone();
        let change = change_again(intake, entry, image)?;
        let at = FindingAt {
            log: &intake.ledger.name,
            position,
            stored_at: change.seen_at,
        };
        let mut again = found_in(&intake.policy, &change, &judgement, at);
        let subject = intake.subject(&change);
        again
            .iter_mut()
            .for_each(|f| f.subject.clone_from(&subject));
        found.append(&mut again);
    }
    Ok(found)
}

/// The change that an entry recorded, with the images before it taken from the chain of entries.
fn change_again(intake: &Intake, entry: RowEntry, new: Option<Row>) -> Result<Change, DeskError> {
    let (reader, sealer) = (&intake.ledger.reader, &intake.ledger.sealer);
    let open = |index| recover::images::entry_image(index, reader, sealer);
    let (mut old, mut lawful, mut standing) = (None, None, Standing::Gone);
    let mut next = entry.previous;
    let mut first = true;
    while let Some(index) = next {
        let (earlier, image) = open(index)?;
        if first {
            old.clone_from(&image);
            standing = earlier.judgement.standing.clone();
            first = false;
        }
        if earlier.judgement.standing == Standing::Clean {
            // The newest image that was wholly lawful holds the lawful values of what is tainted since.
            lawful = image;
            break;
        }
        next = earlier.previous;
    }
    Ok(Change {
        table: entry.table,
        key: entry.key,
        old,
        new,
        lawful: (standing != Standing::Clean && standing != Standing::Gone).then_some(lawful),
        standing,
        witnessed: entry.witnessed,
        coalesced: entry.coalesced,
        transaction: 0,
        stamp: model::Stamp::NotAsked,
        seen_at: entry.at,
    })
}
