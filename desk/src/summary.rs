//! Proposals as documents, code names, log status, and the summary report.

use crate::repair::PROPOSALS;
use crate::view::{LogStatus, ProposalView, ReportFormat};
use crate::{Desk, DeskError, LogReader, Told};
use document::report::{JournalPositions, ReportExtras};
use incident::ClosedIncident;
use model::{IncidentId, Instant, ProposalId};
use plan::Lang;
use std::path::PathBuf;
use store::{Batch, PutDocument};

/// Words for code names, in the language of the folder: neither people nor places.
const CODE_WORDS_ZH: [&str; 32] = [
    "松涛", "云栖", "海棠", "朝露", "银杏", "白鹭", "青岚", "晨钟", "秋水", "远山", "竹影", "星野",
    "雪松", "流萤", "归帆", "望舒", "沧浪", "丹枫", "明月", "春汀", "长风", "寒梅", "碧落", "霜叶",
    "清泉", "孤屿", "飞瀑", "素心", "扶摇", "听雨", "照夜", "停云",
];
const CODE_WORDS_EN: [&str; 32] = [
    "Alder", "Amber", "Anchor", "Aspen", "Bramble", "Cedar", "Cinder", "Cobalt", "Copper", "Drift",
    "Ember", "Fennel", "Flint", "Granite", "Harbour", "Heron", "Indigo", "Juniper", "Kestrel",
    "Lantern", "Larch", "Linen", "Marble", "Meadow", "Osprey", "Pebble", "Quartz", "Rowan",
    "Saffron", "Thistle", "Umber", "Willow",
];

impl Desk {
    /// A name for an incident that says nothing about it.
    pub(crate) fn code_name(&self) -> Result<String, DeskError> {
        let mut bytes = [0_u8; 3];
        crate::account::random(&mut bytes)?;
        let words = match self.config().web.language {
            Lang::Zh => CODE_WORDS_ZH,
            Lang::En => CODE_WORDS_EN,
        };
        let word = words[usize::from(bytes[0]) % words.len()];
        Ok(format!(
            "{word}-{:02}",
            u16::from_be_bytes([bytes[1], bytes[2]]) % 100
        ))
    }

    pub(crate) fn put_proposal(&self, view: &ProposalView, at: Instant) -> Result<(), DeskError> {
        let document = PutDocument {
            collection: PROPOSALS,
            id: view.proposal.id.to_string(),
            expect_version: None,
            json: serde_json::to_string(view)?,
            at,
        };
        self.store().commit(Batch {
            documents: vec![document],
            ..Batch::default()
        })?;
        Ok(())
    }

    /// A proposal with its state in its incident.
    pub fn proposal(&self, id: &ProposalId) -> Option<ProposalView> {
        let stored = self.store().document(PROPOSALS, id.as_str()).ok()??;
        let mut view: ProposalView = serde_json::from_str(&stored.json).ok()?;
        let incident = view.incident.as_ref().and_then(|i| self.incident(i));
        if let Some(repair) = incident
            .as_ref()
            .and_then(|i| i.repairs.iter().find(|r| r.proposal == *id))
        {
            view.state = repair.state.code().to_owned();
            view.approved_by = repair
                .approved
                .as_ref()
                .map(|s| crate::repair::name_of(&s.by));
        }
        Some(view)
    }

    /// The summary report (or its draft while the incident is open).
    pub fn summary_report(
        &self,
        id: &IncidentId,
        lang: Lang,
        format: ReportFormat,
    ) -> Option<String> {
        let incident = self.incident(id)?;
        let findings = self.findings_of(id).ok()?;
        let size = |log: &str| self.log_reader(log).map_or(0, |r| r.size());
        let journal = JournalPositions {
            ledger_size: size("ledger/0"),
            record_size: size("record"),
            root_checkpoint: self
                .log_reader("root")
                .map_or(String::new(), |r| r.checkpoint()),
        };
        let extras = ReportExtras {
            findings: &findings,
            journal: &journal,
            generated_at: self.now(),
        };
        let plan = self.plan();
        Some(match format {
            ReportFormat::Html => document::report::html(&incident, &plan, &extras, lang),
            ReportFormat::Markdown => document::report::markdown(&incident, &plan, &extras, lang),
        })
    }

    /// Writes the report of a closed incident into the folder; gives the HTML and Markdown paths.
    pub fn write_report(
        &self,
        id: &IncidentId,
        lang: Lang,
    ) -> Result<(PathBuf, PathBuf), DeskError> {
        let incident = self
            .incident(id)
            .ok_or_else(|| DeskError::NotFound(Told::new("incident-unknown").with("id", id)))?;
        ClosedIncident::of((*incident).clone())
            .map_err(|_| DeskError::Refused(Told::new("not-closed")))?;
        let mut paths = Vec::new();
        for (format, ending) in [(ReportFormat::Html, "html"), (ReportFormat::Markdown, "md")] {
            let text = self
                .summary_report(id, lang, format)
                .ok_or_else(|| DeskError::NotFound(Told::new("no-report")))?;
            let path = self
                .folder()
                .reports()
                .join(format!("{id}.{lang}.{ending}"));
            std::fs::write(&path, text).map_err(|e| DeskError::file(&path, e))?;
            paths.push(path);
        }
        let markdown = paths.pop().unwrap_or_default();
        Ok((paths.pop().unwrap_or_default(), markdown))
    }
}

impl LogStatus {
    pub(crate) fn of(name: &str, reader: &LogReader) -> Self {
        let checkpoint = reader.checkpoint();
        // A checkpoint's third line is the root in base64 (C2SP tlog-checkpoint).
        let root = checkpoint.lines().nth(2).unwrap_or_default().to_owned();
        Self {
            name: name.to_owned(),
            size: reader.size(),
            root,
            checkpoint,
        }
    }
}
