//! One log: segment by segment, group by group, every entry hashed, every checkpoint checked.

use super::derived::{Derived, Rows};
use super::diagnose;
use super::folder::{Findings, Kept};
use super::hash::{self, Tree};
use super::signed;
use super::window::Window;
use super::{FaultKind, VerifiedLog};
use std::path::{Path, PathBuf};

pub const HEADER_BYTES: usize = 24;
pub const MAGIC: &[u8; 4] = b"BFG1";
/// No group is longer: 32 MiB of entries, one more, header and note.
pub const MAX_GROUP_BYTES: u64 = (33 << 20) + HEADER_BYTES as u64;

type Visit<'v> = &'v mut dyn FnMut(u64, &[u8], &mut Findings<'_>);

/// The log as far as it was read.
pub struct State<'a> {
    pub origin: &'a str,
    pub tree: Tree,
    pub derived: Derived,
    kept: Vec<Kept>,
    pub checkpoints: u64,
    /// Something in the segment at hand was wrong.
    damaged: bool,
}

/// The fixed fields at the head of a group.
pub struct Head {
    pub body: usize,
    pub entries: u64,
    pub note: usize,
    pub first: u64,
}

impl Head {
    pub fn read(bytes: &[u8]) -> Option<Head> {
        let number = |from: usize, to: usize| {
            bytes[from..to]
                .iter()
                .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        if bytes.len() < HEADER_BYTES || bytes[..4] != MAGIC[..] {
            return None;
        }
        let (body, note) = (number(4, 8) as usize, number(12, 16) as usize);
        let head = Head {
            body,
            entries: number(8, 12),
            note,
            first: number(16, 24),
        };
        (head.total() <= MAX_GROUP_BYTES && head.entries > 0).then_some(head)
    }

    pub fn total(&self) -> u64 {
        (HEADER_BYTES + self.body + self.note) as u64
    }
}

/// What became of a place in a segment.
pub enum Step {
    /// Sound, or damaged but bridged: go on here.
    On(u64),
    /// The rest of the segment's bytes belong to no group.
    Tail,
    /// Nothing behind this can be checked.
    Stop,
}

pub fn verify_log(
    log: &str,
    origin: &str,
    mut kept: Vec<Kept>,
    findings: &mut Findings<'_>,
    visit: Visit<'_>,
) {
    kept.sort_by_key(|kept| kept.size);
    let derived = Derived::open(log, findings);
    let mut state = State {
        origin,
        tree: Tree::default(),
        derived,
        kept,
        checkpoints: 0,
        damaged: false,
    };
    state.meet_kept(Path::new(log), findings);
    let segments = segments(log, findings);
    let mut end = (Path::new(log).join(format!("{:020}.seg", 0)), 0);
    let mut whole = true;
    for (at, (first, name)) in segments.iter().enumerate() {
        if *first != state.tree.leaves && !bridge(&mut state, *first, name, findings) {
            whole = false;
            break;
        }
        let last = at + 1 == segments.len();
        let Some(length) = verify_segment(name, last, &mut state, findings, visit) else {
            whole = false;
            break;
        };
        end = (name.clone(), length);
    }
    if whole {
        finish(&state, &end, findings);
    }
    findings.report.logs.push(VerifiedLog {
        log: log.to_owned(),
        origin: origin.to_owned(),
        size: state.tree.leaves,
        root: state.tree.root(),
        checkpoints: state.checkpoints,
    });
}

/// Segments in order; the name of each is the index of its first entry.
fn segments(log: &str, findings: &mut Findings<'_>) -> Vec<(u64, PathBuf)> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(findings.dir.join(log))
        .into_iter()
        .flatten()
        .flatten()
    {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let digits = name
            .strip_suffix(".seg")
            .filter(|digits| digits.len() == 20);
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            segments.push((first, Path::new(log).join(name)));
        }
    }
    segments.sort();
    segments.iter().for_each(|(_, name)| findings.claim(name));
    segments
}

/// Goes over entries whose segment is missing by means of the leaves kept beside.
fn bridge(state: &mut State<'_>, to: u64, next: &Path, findings: &mut Findings<'_>) -> bool {
    let have = state.tree.leaves;
    let missing = next.with_file_name(format!("{have:020}.seg"));
    let detail = format!("entries {have} to {to} belong to a segment that is missing");
    findings.fault(&missing, 0, FaultKind::MissingSegment, Some(have), detail);
    let Some(leaves) = state.derived.leaves(have, to) else {
        return false;
    };
    leaves
        .into_iter()
        .for_each(|leaf| state.tree.add(leaf, |_, _| ()));
    true
}

/// The length of the segment when it was read to its end.
fn verify_segment(
    name: &Path,
    last: bool,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
    visit: Visit<'_>,
) -> Option<u64> {
    let Ok(mut window) = Window::open(&findings.dir.join(name)) else {
        findings.unreadable(name, 0);
        return None;
    };
    let mut rows = Rows::default();
    let mut at = 0;
    state.damaged = false;
    if window.length == 0 && !findings.live {
        let detail = "a segment was begun and holds nothing";
        findings.fault(name, 0, FaultKind::TornTail, None, detail);
    }
    while at < window.length {
        let first = state.tree.leaves;
        let sound = sound_group(&mut window, at, name, state, findings, &mut rows, visit);
        let step = match sound {
            Ok(Some(end)) => Step::On(end),
            Ok(None) => {
                state.damaged = true;
                diagnose::group(&mut window, at, name, last, state, findings)
            }
            Err(_) => {
                findings.unreadable(name, at);
                Step::Stop
            }
        };
        match step {
            Step::On(end) => {
                findings.advance(end - at, state.tree.leaves - first);
                at = end;
            }
            Step::Tail => return Some(at),
            Step::Stop => return None,
        }
    }
    Some(at)
}

/// Checks a group; `None` when anything about it is wrong, and then nothing has changed.
fn sound_group(
    window: &mut Window,
    at: u64,
    name: &Path,
    state: &mut State<'_>,
    findings: &mut Findings<'_>,
    rows: &mut Rows,
    visit: Visit<'_>,
) -> std::io::Result<Option<u64>> {
    let first = state.tree.leaves;
    let Some(bytes) = window.part(at, HEADER_BYTES)? else {
        return Ok(None);
    };
    let Some(head) = Head::read(bytes).filter(|head| head.first == first) else {
        return Ok(None);
    };
    let Some(bytes) = window.part(at, head.total() as usize)? else {
        return Ok(None);
    };
    let (body, note) = bytes[HEADER_BYTES..].split_at(head.body);
    let Ok(signed) = signed::checkpoint(note, state.origin, findings.key) else {
        return Ok(None);
    };
    rows.clear();
    let mut tree = state.tree.clone();
    let mut crossed = Vec::new();
    let mut next_kept = state.kept.first().map_or(u64::MAX, |kept| kept.size);
    let mut rest = body;
    for _ in 0..head.entries {
        let Some(entry) = take_entry(&mut rest) else {
            return Ok(None);
        };
        let place = at as u32 + (bytes.len() - note.len() - rest.len() - entry.len() - 2) as u32;
        rows.places.extend_from_slice(&place.to_be_bytes());
        tree.add(hash::leaf(entry), |height, hash| rows.take(height, hash));
        if tree.leaves == next_kept {
            crossed.push((next_kept, tree.root()));
            let later = state.kept.iter().find(|kept| kept.size > next_kept);
            next_kept = later.map_or(u64::MAX, |kept| kept.size);
        }
    }
    let whole = rest.is_empty() && signed.size == tree.leaves && one_signature(note);
    if !whole || signed.root != tree.root() {
        return Ok(None);
    }
    let mut rest = body;
    for index in first..tree.leaves {
        let Some(entry) = take_entry(&mut rest) else {
            break;
        };
        visit(index, entry, findings);
    }
    state.tree = tree;
    state.checkpoints += 1;
    for (size, root) in crossed {
        state.meet(size, &root, name, at, findings);
    }
    // Bytes added or gone before this place moved it, which is not the offsets' fault.
    if state.damaged && state.derived.place(first) != Some(at + HEADER_BYTES as u64) {
        rows.places.clear();
    }
    state.derived.compare(first, rows, findings);
    Ok(Some(at + head.total()))
}

/// The log writes exactly one signature line; more would be bytes that nothing vouches for.
pub fn one_signature(note: &[u8]) -> bool {
    let lines = note
        .windows(2)
        .rposition(|pair| pair == b"\n\n")
        .map(|at| &note[at + 2..]);
    lines.is_some_and(|lines| lines.iter().filter(|byte| **byte == b'\n').count() == 1)
}

fn take_entry<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, behind) = rest.split_first_chunk::<2>()?;
    let (entry, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = behind;
    Some(entry)
}

impl State<'_> {
    /// Goes on over entries that are known by their leaves alone.
    pub fn take_leaves(
        &mut self,
        leaves: &[hash::Hash],
        name: &Path,
        at: u64,
        findings: &mut Findings<'_>,
    ) {
        for leaf in leaves {
            self.tree.add(*leaf, |_, _| ());
            if self
                .kept
                .first()
                .is_some_and(|kept| kept.size == self.tree.leaves)
            {
                let root = self.tree.root();
                self.meet(self.tree.leaves, &root, name, at, findings);
            }
        }
    }

    /// Kept checkpoints of the size already reached (of an empty log, at the beginning).
    fn meet_kept(&mut self, name: &Path, findings: &mut Findings<'_>) {
        let (size, root) = (self.tree.leaves, self.tree.root());
        self.meet(size, &root, name, 0, findings);
    }

    /// Holds the root of this size against what was kept of it.
    fn meet(
        &mut self,
        size: u64,
        root: &hash::Hash,
        name: &Path,
        at: u64,
        findings: &mut Findings<'_>,
    ) {
        while self.kept.first().is_some_and(|kept| kept.size <= size) {
            let kept = self.kept.remove(0);
            if kept.size == size && kept.root != *root {
                let detail = format!("{} with another root", kept.place);
                findings.fault(name, at, FaultKind::OtherHistory, Some(size), detail);
            }
        }
    }
}

/// What only the end can show: a cut tail, and derived files of another length.
fn finish(state: &State<'_>, end: &(PathBuf, u64), findings: &mut Findings<'_>) {
    let size = state.tree.leaves;
    let known = state.derived.witnessed();
    let cut = !findings.live && state.derived.check_lengths(size, findings);
    let lost = match (state.kept.last(), cut) {
        (Some(kept), _) => kept.place.clone(),
        (None, true) => format!("its tiles hold {known}"),
        (None, false) => return,
    };
    let detail = format!("the log ends with {size} entries, but {lost}");
    let (name, length) = end;
    let begins_segment = known > size && state.derived.place(size) == Some(HEADER_BYTES as u64);
    if begins_segment && *length > 0 {
        let name = name.with_file_name(format!("{size:020}.seg"));
        findings.fault(&name, 0, FaultKind::MissingSegment, Some(size), detail);
    } else {
        findings.fault(name, *length, FaultKind::CutTail, Some(size), detail);
    }
}
