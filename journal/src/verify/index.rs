//! An index of images: its manifest's signature, and every byte of the runs that it names.

use super::folder::Findings;
use super::window::Window;
use super::{FaultKind, hash, signed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::path::Path;

/// A run as the manifest names it.
struct Named {
    file: String,
    blocks: u64,
    list: u64,
    hash: hash::Hash,
}

struct Listed {
    covered: u64,
    runs: Vec<Named>,
}

/// Beside a running server the manifest is read again when a run that it named is gone.
const LIVE_ATTEMPTS: u32 = 5;

pub fn verify_index(
    log: &str,
    base: &str,
    sizes: &BTreeMap<String, u64>,
    findings: &mut Findings<'_>,
) {
    log.clone_into(&mut findings.log);
    let manifest = Path::new(log).join("manifest");
    let before = findings.report.faults.len();
    for attempt in 1..=LIVE_ATTEMPTS {
        let Ok(bytes) = std::fs::read(findings.dir.join(&manifest)) else {
            // An index that was never flushed has no runs that count.
            if claim_runs(log, findings) {
                findings.fault(
                    &manifest,
                    0,
                    FaultKind::Index,
                    None,
                    "the manifest is missing",
                );
            }
            return;
        };
        findings.claim(&manifest);
        let listed = match read_manifest(&bytes, &format!("{base}/{log}"), findings.key) {
            Ok(listed) => listed,
            Err(fault) => {
                // Without it nothing can be said of the runs; they are not strangers for that.
                claim_runs(log, findings);
                let at = fault.at as u64;
                return findings.fault(&manifest, at, FaultKind::Index, None, fault.what);
            }
        };
        findings.advance(bytes.len() as u64, 0);
        let ledger = log.replacen("index", "ledger", 1);
        let size = sizes.get(&ledger).copied().unwrap_or_default();
        let ledger_sound = findings
            .report
            .faults
            .iter()
            .all(|fault| fault.log != ledger);
        if listed.covered > size && ledger_sound && !findings.live {
            let covered = listed.covered;
            let what = format!("the index covers {covered} entries, the log has {size}");
            findings.fault(&manifest, 0, FaultKind::Index, None, what);
        }
        for run in &listed.runs {
            verify_run(log, run, findings);
        }
        if !findings.live || attempt == LIVE_ATTEMPTS || findings.report.faults.len() == before {
            return;
        }
        let again = std::fs::read(findings.dir.join(&manifest)).unwrap_or_default();
        if again == bytes {
            return;
        }
        findings.report.faults.truncate(before);
    }
}

/// Claims whatever runs there are; true when there is one.
fn claim_runs(log: &str, findings: &mut Findings<'_>) -> bool {
    let files = std::fs::read_dir(findings.dir.join(log))
        .into_iter()
        .flatten()
        .flatten();
    let names = files.map(|file| Path::new(log).join(file.file_name()));
    let runs: Vec<_> = names
        .filter(|name| name.extension().is_some_and(|end| end == "run"))
        .collect();
    runs.iter().for_each(|run| findings.claim(run));
    !runs.is_empty()
}

fn read_manifest(bytes: &[u8], origin: &str, key: &[u8; 32]) -> Result<Listed, signed::NoteFault> {
    let text = signed::text(bytes, origin, key)?;
    let broken = |at| signed::NoteFault {
        at,
        what: "the manifest's lines are not as they must be",
    };
    if !super::log::one_signature(bytes) {
        return Err(signed::NoteFault {
            at: text.len(),
            what: "more than one signature line",
        });
    }
    let mut lines = text.lines();
    if lines.next() != Some(origin) {
        return Err(broken(0));
    }
    let covered = lines.next().and_then(|line| line.strip_prefix("covered "));
    let covered = covered
        .and_then(signed::decimal)
        .ok_or_else(|| broken(origin.len() + 1))?;
    let runs = lines
        .map(read_named)
        .collect::<Option<_>>()
        .ok_or_else(|| broken(0))?;
    Ok(Listed { covered, runs })
}

fn read_named(line: &str) -> Option<Named> {
    let [word, number, blocks, list, hash] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some(Named {
        file: format!(
            "{:010}.run",
            signed::decimal(number).filter(|_| word == "run")?
        ),
        blocks: signed::decimal(blocks)?,
        list: signed::decimal(list)?,
        hash: STANDARD.decode(hash).ok()?.try_into().ok()?,
    })
}

fn verify_run(log: &str, run: &Named, findings: &mut Findings<'_>) {
    let name = Path::new(log).join(&run.file);
    findings.claim(&name);
    let Ok(mut window) = Window::open(&findings.dir.join(&name)) else {
        return findings.fault(&name, 0, FaultKind::Index, None, "a run is missing");
    };
    let length = run.blocks + run.list;
    if window.length != length {
        let what = format!("the run has {} bytes instead of {length}", window.length);
        findings.fault(
            &name,
            window.length.min(length),
            FaultKind::Index,
            None,
            what,
        );
    }
    let list = window
        .part(run.blocks, run.list as usize)
        .ok()
        .flatten()
        .map(<[u8]>::to_vec);
    let Some(list) = list.filter(|list| hash::plain(list) == run.hash) else {
        let what = "the run's list of blocks is not as signed";
        return findings.fault(&name, run.blocks, FaultKind::Index, None, what);
    };
    let mut at = 0;
    for (length, hash) in blocks(&list) {
        let block = window.part(at, length as usize).ok().flatten();
        if block.is_none_or(|block| hash::plain(block) != hash) {
            findings.fault(
                &name,
                at,
                FaultKind::Index,
                None,
                "a block of the run is not as signed",
            );
        }
        at += u64::from(length);
    }
    if at != run.blocks {
        findings.fault(
            &name,
            at,
            FaultKind::Index,
            None,
            "the run's blocks do not fill their place",
        );
    }
    findings.advance(length, 0);
}

/// Length and hash of each block of a list whose own hash was signed.
fn blocks(list: &[u8]) -> Vec<(u32, hash::Hash)> {
    let mut found = Vec::new();
    let Some((count, mut rest)) = list.split_first_chunk::<4>() else {
        return found;
    };
    for _ in 0..u32::from_be_bytes(*count) {
        let Some((head, behind)) = rest.split_first_chunk::<38>() else {
            break;
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(&head[4..36]);
        found.push((
            u32::from_be_bytes([head[0], head[1], head[2], head[3]]),
            hash,
        ));
        let key = (usize::from(head[36]) << 8) + usize::from(head[37]);
        rest = behind.get(key..).unwrap_or_default();
    }
    found
}
