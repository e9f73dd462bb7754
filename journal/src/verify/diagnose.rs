//! Finds out what is wrong with a group that is not sound, with the leaves and places kept beside
//! as witnesses: they are believed only when they give the root that was signed.

use super::FaultKind;
use super::folder::Findings;
use super::hash::{self, Hash, Tree};
use super::log::{HEADER_BYTES, Head, MAGIC, MAX_GROUP_BYTES, State, Step, one_signature};
use super::signed::{self, SignedTree};
use super::window::Window;
use std::path::Path;

/// More wrong entries of one group than this are not listed one by one.
const MAX_ENTRIES_NAMED: usize = 64;

/// A note longer than it should be by more than this is not followed to its end.
const MOST_BYTES_GAINED: usize = 256;

struct Case<'c> {
    name: &'c Path,
    /// Where the group begins in the segment, and the bytes from there on.
    at: u64,
    bytes: &'c [u8],
    last: bool,
}

pub fn group(
    window: &mut Window,
    at: u64,
    name: &Path,
    last: bool,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
) -> Step {
    let reach = (window.length - at).min(MAX_GROUP_BYTES) as usize;
    let Ok(Some(bytes)) = window.part(at, reach) else {
        findings.unreadable(name, at);
        return Step::Stop;
    };
    let case = Case {
        name,
        at,
        bytes,
        last,
    };
    let head = Head::read(bytes);
    if let Some(head) = &head
        && head.first != state.tree.leaves
        && let Some(step) = out_of_order(&case, head, state, findings)
    {
        return step;
    }
    let found = find_note(bytes, state, findings.key);
    let own = head.as_ref().filter(|head| head.first == state.tree.leaves);
    // A whole group but for its note; at the log's end a note cut short is a torn tail instead.
    let reach = bytes.len() as u64;
    let body_end = |head: &&Head| HEADER_BYTES as u64 + head.body as u64;
    if let Some(head) = own.filter(|head| head.total() <= reach || !last && body_end(head) <= reach)
        && found
            .as_ref()
            .is_none_or(|(start, _)| *start != HEADER_BYTES + head.body)
        && let Some(step) = bad_note(&case, head, state, findings)
    {
        return step;
    }
    match found {
        Some((start, signed)) => with_note(&case, start, &signed, state, findings),
        None => without_note(&case, state, findings),
    }
}

/// A whole group that belongs elsewhere: those before it are gone, or it stands twice.
fn out_of_order(
    case: &Case<'_>,
    head: &Head,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
) -> Option<Step> {
    let have = state.tree.leaves;
    let entry = entry_at(case.bytes, HEADER_BYTES, case.bytes.len())?;
    let known = state.derived.leaves(head.first, head.first + 1)?;
    if hash::leaf(entry) != known[0] {
        return None;
    }
    if head.first < have {
        let detail = format!("the group of entry {} stands here once more", head.first);
        findings.fault(
            case.name,
            case.at,
            FaultKind::Group,
            Some(head.first),
            detail,
        );
        return Some(Step::On(
            case.at + head.total().min(case.bytes.len() as u64),
        ));
    }
    let leaves = state.derived.leaves(have, head.first)?;
    let detail = format!(
        "entries {have} to {} are missing before this place",
        head.first
    );
    findings.fault(
        case.name,
        case.at,
        FaultKind::MissingEntries,
        Some(have),
        detail,
    );
    leaves
        .into_iter()
        .for_each(|leaf| state.tree.add(leaf, |_, _| ()));
    Some(Step::On(case.at))
}

/// The next checkpoint of a larger size whose signature holds: where it starts.
fn find_note(bytes: &[u8], state: &State<'_>, key: &[u8; 32]) -> Option<(usize, SignedTree)> {
    let line = format!("{}\n", state.origin);
    let mut from = 0;
    while let Some(found) = find(&bytes[from..], line.as_bytes()) {
        let start = from + found;
        from = start + 1;
        let Some(length) = note_length(&bytes[start..]) else {
            continue;
        };
        let note = &bytes[start..start + length];
        if let Ok(signed) = signed::checkpoint(note, state.origin, key)
            && signed.size > state.tree.leaves
        {
            return Some((start, signed));
        }
    }
    None
}

/// The group's own checkpoint holds: which of the bytes before it does not?
fn with_note(
    case: &Case<'_>,
    note: usize,
    signed: &SignedTree,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
) -> Step {
    let first = state.tree.leaves;
    let witnesses = state.derived.leaves(first, signed.size);
    let witnesses = witnesses.filter(|leaves| root_with(&state.tree, leaves) == signed.root);
    let Some(leaves) = witnesses else {
        return unwitnessed(case, note, signed, state, findings);
    };
    if !name_entries(case, note, &leaves, state, findings) {
        name_header(case, note, signed, first, findings);
    }
    state.take_leaves(&leaves, case.name, case.at, findings);
    state.checkpoints += 1;
    Step::On(case.at + (note + signed.length) as u64)
}

/// Names the entries that are not those of the leaves; false when all are.
fn name_entries(
    case: &Case<'_>,
    note: usize,
    leaves: &[Hash],
    state: &State<'_>,
    findings: &mut Findings<'_>,
) -> bool {
    let first = state.tree.leaves;
    let mut at = HEADER_BYTES;
    let mut named = 0;
    for (index, leaf) in (first..).zip(leaves) {
        let entry = entry_at(case.bytes, at, note);
        if let Some(entry) = entry
            && hash::leaf(entry) == *leaf
        {
            at += 2 + entry.len();
            continue;
        }
        let next = if index + 1 == first + leaves.len() as u64 {
            Some(note)
        } else {
            let place = state.derived.place(index + 1);
            place
                .and_then(|place| place.checked_sub(case.at))
                .map(|place| place as usize)
        };
        let aligned = entry.is_some_and(|entry| next == Some(at + 2 + entry.len()));
        // Only where the bytes behind the length are still those of the entry is it the length.
        let whole = next.and_then(|next| case.bytes.get(at + 2..next));
        let length_only = !aligned && whole.is_some_and(|whole| hash::leaf(whole) == *leaf);
        let (kind, what) = match length_only {
            true => (FaultKind::EntryLength, "the entry's length was changed"),
            false => (
                FaultKind::Entry,
                "the entry is not the one that was journaled",
            ),
        };
        findings.fault(case.name, case.at + at as u64, kind, Some(index), what);
        named += 1;
        match next {
            Some(next) if (aligned || length_only) && named < MAX_ENTRIES_NAMED => at = next,
            _ => return true,
        }
    }
    if at != note && named == 0 {
        let (offset, index) = (case.at + at as u64, first + leaves.len() as u64);
        let what = "bytes stand between the last entry and its checkpoint";
        findings.fault(case.name, offset, FaultKind::Group, Some(index - 1), what);
        named += 1;
    }
    named > 0
}

/// All entries are sound, so the head is not: its bytes are known from them.
fn name_header(
    case: &Case<'_>,
    note: usize,
    signed: &SignedTree,
    first: u64,
    findings: &mut Findings<'_>,
) {
    let mut expected = MAGIC.to_vec();
    expected.extend_from_slice(&((note - HEADER_BYTES) as u32).to_be_bytes());
    expected.extend_from_slice(&((signed.size - first) as u32).to_be_bytes());
    expected.extend_from_slice(&(signed.length as u32).to_be_bytes());
    expected.extend_from_slice(&first.to_be_bytes());
    let wrong = expected
        .iter()
        .zip(case.bytes)
        .position(|(expected, found)| expected != found);
    let offset = case.at + wrong.unwrap_or_default() as u64;
    let what = "the head of a group does not say what the group holds";
    findings.fault(case.name, offset, FaultKind::GroupHeader, Some(first), what);
}

/// No leaves to tell which: the group is named as a whole, or its head when the entries fit.
fn unwitnessed(
    case: &Case<'_>,
    note: usize,
    signed: &SignedTree,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
) -> Step {
    let first = state.tree.leaves;
    let end = case.at + (note + signed.length) as u64;
    if let Some(leaves) = read_leaves(case.bytes, note, signed.size - first)
        && root_with(&state.tree, &leaves) == signed.root
    {
        name_header(case, note, signed, first, findings);
        state.take_leaves(&leaves, case.name, case.at, findings);
        return Step::On(end);
    }
    let detail = format!(
        "entries {first} to {} do not give the root that was signed, and no leaf hashes are left \
         to tell which; what follows could not be checked",
        signed.size
    );
    findings.fault(case.name, case.at, FaultKind::Group, Some(first), detail);
    Step::Stop
}

/// No checkpoint behind this holds, and these bytes are not a whole group without one.
fn without_note(case: &Case<'_>, state: &State<'_>, findings: &mut Findings<'_>) -> Step {
    let first = state.tree.leaves;
    let durable = state.derived.witnessed() > first;
    if findings.live && case.last && !durable {
        return Step::Tail;
    }
    let detail = match durable {
        true => "a group that had been acknowledged is cut off or damaged with its checkpoint",
        false => "these bytes follow the last valid checkpoint",
    };
    let entry = durable.then_some(first);
    findings.fault(case.name, case.at, FaultKind::TornTail, entry, detail);
    if case.last { Step::Tail } else { Step::Stop }
}

/// The entries are whole, so the text that must have been signed is known byte for byte.
fn bad_note(
    case: &Case<'_>,
    head: &Head,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
) -> Option<Step> {
    let first = state.tree.leaves;
    let start = HEADER_BYTES + head.body;
    let size = first + head.entries;
    let leaves = read_leaves(case.bytes, start, head.entries)?;
    let end = behind_note(case.bytes, start, head.note, size);
    let note = &case.bytes[start..end];
    if state
        .derived
        .leaves(first, size)
        .is_some_and(|witnesses| witnesses != leaves)
    {
        return None;
    }
    let root = root_with(&state.tree, &leaves);
    let expected = signed::unsigned_note(state.origin, size, &root, findings.key);
    let wrong = expected
        .iter()
        .zip(note)
        .position(|(expected, found)| expected != found);
    let fault = signed::checkpoint(note, state.origin, findings.key).err();
    let at = wrong
        .or(fault.map(|fault| fault.at))
        .unwrap_or(expected.len());
    let what = if one_signature(note) {
        "the checkpoint's text or signature is not what the log signed"
    } else {
        "the checkpoint does not have one signature line"
    };
    let offset = case.at + (start + at) as u64;
    findings.fault(
        case.name,
        offset,
        FaultKind::Checkpoint,
        Some(size - 1),
        what,
    );
    state.take_leaves(&leaves, case.name, case.at, findings);
    Some(Step::On(case.at + end as u64))
}

/// Where a note that may have lost or gained bytes ends: at the next group, or at its length.
fn behind_note(bytes: &[u8], start: usize, length: usize, size: u64) -> usize {
    let until = (start + length + MOST_BYTES_GAINED).min(bytes.len());
    let next = |at: &usize| Head::read(&bytes[*at..]).is_some_and(|head| head.first == size);
    (start..until)
        .find(next)
        .unwrap_or((start + length).min(bytes.len()))
}

/// The leaves of a body that reaches to `end`; `None` when the entries do not fill it.
fn read_leaves(bytes: &[u8], end: usize, count: u64) -> Option<Vec<Hash>> {
    let mut leaves = Vec::new();
    let mut at = HEADER_BYTES;
    for _ in 0..count {
        let entry = entry_at(bytes, at, end)?;
        at += 2 + entry.len();
        leaves.push(hash::leaf(entry));
    }
    (at == end).then_some(leaves)
}

fn root_with(before: &Tree, leaves: &[Hash]) -> Hash {
    let mut tree = before.clone();
    leaves.iter().for_each(|leaf| tree.add(*leaf, |_, _| ()));
    tree.root()
}

fn entry_at(bytes: &[u8], at: usize, end: usize) -> Option<&[u8]> {
    let length = bytes.get(at..at + 2)?;
    let stop = at + 2 + (usize::from(length[0]) << 8) + usize::from(length[1]);
    if stop > end {
        None
    } else {
        bytes.get(at + 2..stop)
    }
}

fn note_length(bytes: &[u8]) -> Option<usize> {
    let text = find(bytes, b"\n\n")? + 2;
    Some(text + find(&bytes[text..], b"\n")? + 1)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
