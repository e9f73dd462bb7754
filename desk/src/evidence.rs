//! Evidence: findings, the histories of their rows and the proofs of their entries, written into
//! one file that an outsider can check offline, hashed, and taken into custody (form F-06).

use crate::error::CommandError;
use crate::{Desk, DeskError};
use document::Value;
use incident::Command;
use incident::bounds::MAX_POSITIONS;
use incident::custody::{EvidenceItem, JournalPosition};
use model::digest::hex;
use model::{Digest, Finding, IncidentId, Operation};
use serde::Serialize;

/// Entries whose proofs go into one file; each takes about 3 KiB.
const MOST_PROOFS: usize = 5_000;

/// A file that somebody takes into custody, with what custody says of it.
pub struct Collected {
    pub name: String,
    /// Of which kind the evidence is, as in [`EvidenceItem`].
    pub kind: String,
    /// The system that it comes from.
    pub source: String,
    pub method: String,
    /// Of the file's name, with its dot.
    pub ending: &'static str,
    pub bytes: Vec<u8>,
    /// Entries that it rests on.
    pub positions: Vec<JournalPosition>,
}

#[derive(Serialize)]
struct EvidenceFile<'a> {
    about: &'static str,
    incident: &'a IncidentId,
    collected_at: model::Instant,
    verifier_key: String,
    findings: &'a [Finding],
    entries: Vec<ProvenEntry>,
}

#[derive(Serialize)]
struct ProvenEntry {
    log: String,
    index: u64,
    /// The entry as it was journaled, in hex; personal values in it are sealed.
    entry: String,
    /// C2SP tlog-proof bundle; `balefire journal verify --proof` checks it.
    proof: String,
}

impl Desk {
    /// Collects what the journal holds of an incident's rows.
    pub fn collect_evidence(&self, op: Operation, id: &IncidentId) -> Result<(), CommandError> {
        self.may_collect(&op)?;
        let incident = self.incident(id).ok_or(CommandError::UnknownIncident)?;
        let concerned = incident.source.clone();
        let mut findings = self.findings_of(id)?;
        // Personal values stay sealed in the entries; the list names the column only.
        for column in findings
            .iter_mut()
            .flat_map(|f| &mut f.columns)
            .filter(|c| c.personal)
        {
            column.lawful = column.lawful.as_ref().map(|_| "(sealed)".into());
            column.live = column.live.as_ref().map(|_| "(sealed)".into());
        }
        let (entries, positions) = self.proven(&findings)?;
        let file = EvidenceFile {
            about: "Findings with the journal entries that they rest on, and proofs that the entries stand in the signed log (RFC 6962, C2SP tlog-proof).",
            incident: id,
            collected_at: op.now,
            verifier_key: self.vkey(),
            findings: &findings,
            entries,
        };
        let bytes = serde_json::to_vec_pretty(&file).map_err(DeskError::from)?;
        let collected = Collected {
            name: self.name_of_findings(findings.len(), positions.len()),
            kind: "rows".into(),
            source: concerned.map_or_else(String::new, |s| s.to_string()),
            method: format!("balefire {} evidence export", env!("CARGO_PKG_VERSION")),
            ending: ".json",
            bytes,
            positions,
        };
        self.take_into_custody(op, id, collected)
    }

    /// In the language of the house: it stays on the record as it is written now.
    fn name_of_findings(&self, findings: usize, entries: usize) -> String {
        let count = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
        let values = [("n", count(findings)), ("entries", count(entries))];
        document::words(self.config().web.language).with("evidence-name-findings", &values)
    }

    /// Writes the file into the folder of evidence, durably, and enters it into the incident's
    /// custody with its hash.
    pub fn take_into_custody(
        &self,
        op: Operation,
        id: &IncidentId,
        collected: Collected,
    ) -> Result<(), CommandError> {
        self.may_collect(&op)?;
        if self.incident(id).is_none() {
            return Err(CommandError::UnknownIncident);
        }
        let sha256 = Digest::of(&collected.bytes);
        let file = format!("{id}-{}{}", sha256.short(), collected.ending);
        write_durably(&self.folder().evidence().join(&file), &collected.bytes)?;
        let item = EvidenceItem {
            name: collected.name,
            kind: collected.kind,
            source: collected.source,
            witness: None,
            collected_at: op.now,
            method: collected.method,
            sha256,
            size_bytes: collected.bytes.len() as u64,
            // The whole list stands in the hashed file; the custody entry holds the first of it.
            positions: collected
                .positions
                .into_iter()
                .take(MAX_POSITIONS)
                .collect(),
            location: format!("evidence/{file}"),
        };
        self.execute(op, id, Command::CollectEvidence { item })?;
        Ok(())
    }

    fn may_collect(&self, op: &Operation) -> Result<(), CommandError> {
        let act = plan::Act::CollectEvidence;
        if self.plan().allows(act, op.actor.positions()) {
            return Ok(());
        }
        Err(incident::Refusal::NotAllowed { act }.into())
    }

    /// The entries of the findings, each once, with their proofs.
    fn proven(
        &self,
        findings: &[Finding],
    ) -> Result<(Vec<ProvenEntry>, Vec<JournalPosition>), DeskError> {
        let mut positions: Vec<JournalPosition> = findings
            .iter()
            .map(|f| JournalPosition {
                log: f.log.clone(),
                index: f.position,
            })
            .collect();
        positions.sort();
        positions.dedup();
        positions.truncate(MOST_PROOFS);
        let mut entries = Vec::with_capacity(positions.len());
        for position in &positions {
            let Some(reader) = self.log_reader(&position.log) else {
                continue;
            };
            entries.push(ProvenEntry {
                log: position.log.clone(),
                index: position.index,
                entry: hex(&reader.entry(position.index)?),
                proof: journal::proof::make(&reader, position.index)?,
            });
        }
        Ok((entries, positions))
    }
}

/// On disk before it is in custody.
fn write_durably(path: &std::path::Path, bytes: &[u8]) -> Result<(), DeskError> {
    use std::io::Write as _;
    let failed = |e| DeskError::file(path, e);
    let mut file = std::fs::File::create(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // The name of a new file is durable only with its folder.
    let folder = path.parent().unwrap_or(std::path::Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
