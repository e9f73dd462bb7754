//! What a person says of a finding outside of any incident: an alarm that was right, or a false one.
//! Nothing follows from it but the count in the shadow report; the row stays as it was judged.

use crate::daybook::day_of;
use crate::repair::name_of;
use crate::{Desk, DeskError, Told};
use model::{FindingId, FindingKind, Operation, SourceName};
use plan::Act;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Batch, PutDocument};

const OPINIONS: &str = "finding-opinion";
/// Opinions counted of one report.
const MOST: u32 = 100_000;
const MOST_REASON_CHARS: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    pub finding: FindingId,
    pub source: SourceName,
    /// Day (since 1970, UTC) on which the change was seen.
    pub day: i64,
    /// The change was the shop's own: a false alarm.
    pub lawful: bool,
    /// The finding alarms; one that is only listed can be no false alarm.
    #[serde(default = "alarms")]
    pub alarms: bool,
    pub reason: String,
    pub by: String,
}

/// Opinions of earlier versions do not say.
const fn alarms() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub lawful: u64,
    pub unlawful: u64,
}

impl Desk {
    /// Puts a person's opinion of a finding on the record; a later one takes the place of an earlier one.
    pub fn judge_finding(
        &self,
        op: &Operation,
        finding: &FindingId,
        lawful: bool,
        reason: &str,
    ) -> Result<Opinion, DeskError> {
        self.may(op, Act::AcceptUnwitnessed)?;
        if reason.trim().is_empty() || reason.chars().count() > MOST_REASON_CHARS {
            return Err(DeskError::Refused(
                Told::new("say-why").with("most", MOST_REASON_CHARS),
            ));
        }
        let found = self.store().finding(finding)?;
        let found = found
            .ok_or_else(|| DeskError::NotFound(Told::new("finding-unknown").with("id", finding)))?;
        let opinion = Opinion {
            finding: finding.clone(),
            source: found.source,
            day: day_of(found.seen_at),
            lawful,
            alarms: found.kind.alarms(),
            reason: reason.to_owned(),
            by: name_of(&op.actor),
        };
        let known = self.store().document(OPINIONS, finding.as_str())?;
        let document = PutDocument {
            collection: OPINIONS,
            id: finding.to_string(),
            expect_version: known.map(|document| document.version),
            json: serde_json::to_string(&opinion)?,
            at: op.now,
        };
        let leaf =
            serde_json::json!({ "record": "finding_opinion", "at": op.now, "opinion": opinion });
        self.store().commit(Batch {
            documents: vec![document],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        Ok(opinion)
    }

    /// Findings of a source that are listed as unwitnessed and that no person has called lawful: their
    /// rows count as lawful meanwhile, and an audit does not name them.
    pub(crate) fn open_unwitnessed(&self, source: &SourceName) -> Result<u64, DeskError> {
        let counts = self.store().finding_counts(source)?;
        let listed = counts.into_iter().find(|(kind, _)| kind == "unwitnessed");
        let mut open = listed.map_or(0, |(_, count)| count);
        if open == 0 {
            return Ok(0);
        }
        for stored in self.store().documents(OPINIONS, MOST)? {
            let opinion: Opinion = serde_json::from_str(&stored.json)?;
            // What a window excused alarms nobody either.
            if opinion.source == *source && opinion.lawful && !opinion.alarms {
                let found = self.store().finding(&opinion.finding)?;
                let unwitnessed = found.is_some_and(|f| f.kind == FindingKind::Unwitnessed);
                open = open.saturating_sub(u64::from(unwitnessed));
            }
        }
        Ok(open)
    }

    /// The opinions of a source's alarms by the day of the change; read at once for all days.
    pub(crate) fn judged_by_day(
        &self,
        source: &SourceName,
    ) -> Result<BTreeMap<i64, Judged>, DeskError> {
        let mut days: BTreeMap<i64, Judged> = BTreeMap::new();
        for stored in self.store().documents(OPINIONS, MOST)? {
            let opinion: Opinion = serde_json::from_str(&stored.json)?;
            if opinion.source == *source && opinion.alarms {
                let judged = days.entry(opinion.day).or_default();
                judged.lawful += u64::from(opinion.lawful);
                judged.unlawful += u64::from(!opinion.lawful);
            }
        }
        Ok(days)
    }
}
