//! The whole folder: which logs and indexes there are, what anchors say, what does not belong.

use super::hash::Hash;
use super::log::verify_log;
use super::{Fault, FaultKind, Progress, VerifyOptions, VerifyReport, index, signed};
use crate::keys::VerifierKey;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A report of more faults than this says no more than these.
const MAX_FAULTS: usize = 10_000;

/// A checkpoint that a log must contain, and where it is kept.
#[derive(Clone)]
pub struct Kept {
    pub size: u64,
    pub root: Hash,
    pub place: String,
}

/// What is gathered on the way.
pub struct Findings<'a> {
    pub dir: &'a Path,
    pub key: &'a [u8; 32],
    pub live: bool,
    /// The log or index at hand.
    pub log: String,
    pub report: VerifyReport,
    claimed: BTreeSet<PathBuf>,
    total: u64,
    entries: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Findings<'_> {
    pub fn add(&mut self, fault: Fault) {
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(fault);
        }
    }

    /// A fault of the log at hand.
    pub fn fault(
        &mut self,
        file: &Path,
        offset: u64,
        kind: FaultKind,
        entry: Option<u64>,
        detail: impl Into<String>,
    ) {
        let (file, log, detail) = (file.to_owned(), self.log.clone(), detail.into());
        self.add(Fault {
            file,
            offset,
            kind,
            log,
            entry,
            detail,
        });
    }

    pub fn unreadable(&mut self, file: &Path, offset: u64) {
        self.fault(
            file,
            offset,
            FaultKind::Unreadable,
            None,
            "the file cannot be read",
        );
    }

    /// The file belongs here.
    pub fn claim(&mut self, file: &Path) {
        self.claimed.insert(file.to_owned());
    }

    pub fn advance(&mut self, bytes: u64, entries: u64) {
        self.report.bytes += bytes;
        self.entries += entries;
        let (bytes_done, bytes_total) = (self.report.bytes, self.total);
        (self.progress)(Progress {
            bytes_done,
            bytes_total,
            entries: self.entries,
        });
    }
}

pub fn verify(
    dir: &Path,
    vkey: &VerifierKey,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> VerifyReport {
    let mut files = BTreeMap::new();
    let listed = list(dir, Path::new(""), &mut files);
    let mut findings = Findings {
        dir,
        key: vkey.public_key(),
        live: options.live,
        log: String::new(),
        report: VerifyReport::default(),
        claimed: BTreeSet::new(),
        total: files.values().sum(),
        entries: 0,
        progress,
    };
    if listed.is_err() {
        findings.unreadable(Path::new(""), 0);
        return findings.report;
    }
    let mut kept: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
    if let Some(note) = &options.checkpoint {
        keep_checkpoint(note, vkey, &mut kept, &mut findings);
    }
    verify_logs(vkey.name(), &mut kept, &mut findings);
    let sizes = findings
        .report
        .logs
        .iter()
        .map(|log| (log.log.clone(), log.size))
        .collect();
    for partition in partitions(dir, "index") {
        index::verify_index(
            &format!("index/{partition}"),
            vkey.name(),
            &sizes,
            &mut findings,
        );
    }
    findings.log.clear();
    let unknown: Vec<PathBuf> = files
        .into_keys()
        .filter(|file| !findings.claimed.contains(file))
        .collect();
    for file in unknown {
        // Beside a running server a file may be on its way to another name or just gone.
        if !options.live || (!is_passing(&file) && dir.join(&file).exists()) {
            let what = "nothing that the journal writes has this name";
            findings.fault(&file, 0, FaultKind::UnknownFile, None, what);
        }
    }
    findings.report
}

fn verify_logs(base: &str, kept: &mut BTreeMap<String, Vec<Kept>>, findings: &mut Findings<'_>) {
    let mut logs = vec!["root".to_owned(), "record".to_owned()];
    logs.extend(
        partitions(findings.dir, "ledger")
            .iter()
            .map(|number| format!("ledger/{number}")),
    );
    for log in logs {
        let origin = format!("{base}/{log}");
        let expected = kept.remove(&origin).unwrap_or_default();
        if !findings.dir.join(&log).is_dir() {
            let missing = log == "root" || !expected.is_empty();
            if missing {
                let detail = "the log's folder is missing";
                findings.log.clone_from(&log);
                findings.fault(
                    Path::new(&log),
                    0,
                    FaultKind::MissingSegment,
                    Some(0),
                    detail,
                );
            }
            continue;
        }
        findings.log.clone_from(&log);
        let anchors = log == "root";
        verify_log(
            &log,
            &origin,
            expected,
            findings,
            &mut |index, entry, findings| {
                if anchors {
                    keep_anchor(index, entry, base, kept, findings);
                }
            },
        );
    }
    for (origin, expected) in std::mem::take(kept) {
        findings.log.clear();
        let detail = format!("the log {origin} is missing, but {}", expected[0].place);
        findings.fault(Path::new(""), 0, FaultKind::MissingSegment, Some(0), detail);
    }
}

/// An entry of the root log is another log's signed checkpoint.
fn keep_anchor(
    index: u64,
    entry: &[u8],
    base: &str,
    kept: &mut BTreeMap<String, Vec<Kept>>,
    findings: &mut Findings<'_>,
) {
    let line = entry
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let origin = String::from_utf8_lossy(line).into_owned();
    let ours = origin
        .strip_prefix(base)
        .is_some_and(|rest| rest.starts_with('/'));
    match signed::checkpoint(entry, &origin, findings.key) {
        Ok(tree) if ours => {
            let place = format!(
                "entry {index} of the root log holds its checkpoint of {} entries",
                tree.size
            );
            let anchor = Kept {
                size: tree.size,
                root: tree.root,
                place,
            };
            kept.entry(origin).or_default().push(anchor);
        }
        _ => {
            let detail = "an entry of the root log is not a checkpoint of one of its logs";
            findings.fault(Path::new("root"), 0, FaultKind::Entry, Some(index), detail);
        }
    }
}

fn keep_checkpoint(
    note: &str,
    vkey: &VerifierKey,
    kept: &mut BTreeMap<String, Vec<Kept>>,
    findings: &mut Findings<'_>,
) {
    let origin = note.split('\n').next().unwrap_or_default();
    match signed::checkpoint(note.as_bytes(), origin, findings.key) {
        Ok(tree) if vkey.covers(origin) => {
            let place = format!("the kept checkpoint says {} entries", tree.size);
            let checkpoint = Kept {
                size: tree.size,
                root: tree.root,
                place,
            };
            kept.entry(origin.to_owned()).or_default().push(checkpoint);
        }
        Ok(_) => {
            let detail = "the kept checkpoint is of a log under another name";
            findings.fault(Path::new(""), 0, FaultKind::KeptCheckpoint, None, detail);
        }
        Err(fault) => {
            let (at, kind) = (fault.at as u64, FaultKind::KeptCheckpoint);
            findings.fault(Path::new(""), at, kind, None, fault.what);
        }
    }
}

/// Numbered folders below `kind`, in order.
fn partitions(dir: &Path, kind: &str) -> Vec<u32> {
    let entries = std::fs::read_dir(dir.join(kind))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut numbers: Vec<u32> = names
        .filter_map(|name| signed::decimal(&name).and_then(|number| u32::try_from(number).ok()))
        .collect();
    numbers.sort_unstable();
    numbers
}

fn is_passing(file: &Path) -> bool {
    file.extension()
        .is_some_and(|end| end == "new" || end == "run" || end == "seg")
}

/// All files below, with their lengths.
fn list(dir: &Path, below: &Path, files: &mut BTreeMap<PathBuf, u64>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(dir, &name, files)?;
        } else {
            files.insert(name, entry.metadata().map_or(0, |data| data.len()));
        }
    }
    Ok(())
}
