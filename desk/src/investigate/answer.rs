//! An investigation for somebody: personal values by what the person may read, and the proofs that
//! make it evidence.

use super::report::{Investigation, Question};
use crate::{Desk, DeskError, Told};
use model::Instant;
use plan::Act;
use serde::{Deserialize, Serialize};

/// Entries that are proven in one answer; at about 3 KiB each this is 6 MB.
pub const MOST_PROOFS: usize = 2_000;
/// Times without a zone are China's, as on every page.
const OFFSET: &str = "+08:00";

/// A report with the proofs of the entries that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub report: Investigation,
    /// Empty when none were asked for.
    pub proofs: Vec<Proof>,
    /// Entries that are cited beyond [`MOST_PROOFS`].
    pub unproven: u64,
    /// The journal's public key, to check the proofs by.
    pub verifier_key: String,
}

/// The proof of one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    pub log: String,
    pub index: u64,
    /// C2SP tlog-proof with the entry in it; `balefire journal verify --proof` checks it.
    pub bundle: String,
}

impl Proof {
    /// Under which name it is written.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tlog-proof", self.log.replace('/', "-"), self.index)
    }
}

impl Desk {
    /// Answers for the person behind a session token, or for whoever runs the program (`None`),
    /// who sees personal values masked.
    pub fn investigate_for(
        &self,
        question: &Question,
        session: Option<&str>,
        proofs: bool,
    ) -> Result<Answer, DeskError> {
        let in_full = match session {
            None => false,
            Some(token) => self.reads_evidence(token)?,
        };
        let report = self.investigate(question, in_full)?;
        self.with_proofs(report, proofs)
    }

    /// Puts the proofs of the cited entries beside a report.
    pub fn with_proofs(&self, report: Investigation, proofs: bool) -> Result<Answer, DeskError> {
        let mut cited = if proofs { report.cited() } else { Vec::new() };
        let unproven = cited.len().saturating_sub(MOST_PROOFS) as u64;
        cited.truncate(MOST_PROOFS);
        let prove = |index| {
            Ok(Proof {
                log: report.log.clone(),
                index,
                bundle: self.prove(&report.log, index)?,
            })
        };
        Ok(Answer {
            proofs: cited
                .into_iter()
                .map(prove)
                .collect::<Result<_, DeskError>>()?,
            unproven,
            verifier_key: self.vkey(),
            report,
        })
    }

    fn reads_evidence(&self, token: &str) -> Result<bool, DeskError> {
        let person = self
            .session(token)
            .ok_or_else(|| DeskError::Refused(Told::new("log-in-first")))?;
        if self.plan().allows(Act::ReadEvidence, &person.positions) {
            return Ok(true);
        }
        Err(DeskError::Refused(Told::new("not-in-full")))
    }
}

/// A time as people write it: RFC 3339, or `2026-01-02 03:04` in Beijing time; the date alone is
/// its midnight.
pub fn parse_time(text: &str) -> Option<Instant> {
    let text = text.trim();
    if let Ok(at) = Instant::parse(text) {
        return Some(at);
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00{OFFSET}"),
        _ => format!("{}{OFFSET}", text.replacen(' ', "T", 1)),
    };
    Instant::parse(&whole).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = Instant::parse("2026-11-22T12:23:00Z").unwrap();
        for text in [
            "2026-11-22T12:23:00Z",
            "2026-11-22T20:23:00+08:00",
            "2026-11-22 20:23",
            "2026-11-22T20:23",
            " 2026-11-22 20:23:00 ",
        ] {
            assert_eq!(parse_time(text), Some(at), "{text}");
        }
        assert_eq!(
            parse_time("2026-11-22"),
            Instant::parse("2026-11-21T16:00:00Z").ok()
        );
        for text in ["", "yesterday", "2026-13-01", "20:23"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
