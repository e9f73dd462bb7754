//! What is alike, and why it is suggested, in a reader's words.

use crate::view::View;
use desk::likeness::Reason;
use desk::triage_stack::{AlikeIncident, AlikeReport, WhyIncident};
use desk::{ReportState, ReportView};
use document::Value;

/// A report that may tell the same.
pub(crate) struct Alike {
    pub report: ReportView,
    pub points: u32,
    pub why: Vec<String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
}

impl Alike {
    pub fn of(v: &View<'_>, alike: &AlikeReport) -> Self {
        Self {
            report: alike.report.clone(),
            points: alike.likeness.points,
            why: reasons(v, &alike.likeness.reasons),
            incident: match &alike.report.state {
                ReportState::Joined { incident } => Some(incident.to_string()),
                _ => None,
            },
        }
    }
}

/// An incident that a report may belong to.
pub(crate) struct AlikeCase {
    pub id: String,
    pub code_name: String,
    pub closed: bool,
    pub points: u32,
    pub why: Vec<String>,
}

impl AlikeCase {
    pub fn of(v: &View<'_>, alike: &AlikeIncident) -> Self {
        let why = alike.why.iter().flat_map(|why| match why {
            WhyIncident::Rows(keys) => vec![v.w("triage-why-rows", "which", keys.join(", "))],
            WhyIncident::SameRows(rows) => {
                vec![v.w(
                    "triage-why-same-rows",
                    "which",
                    rows.join(v.t("common-list-comma").as_ref()),
                )]
            }
            WhyIncident::Source(minutes) => {
                vec![v.n("triage-why-source", minutes.div_ceil(60).max(1))]
            }
            WhyIncident::Record(marks) => {
                vec![v.w("triage-why-record", "which", marks.join(", "))]
            }
            WhyIncident::Report(receipt, why) => {
                let mut words = vec![v.w("triage-why-report", "receipt", receipt.as_str())];
                words.extend(reasons(v, why));
                words
            }
            WhyIncident::Opening(why) => {
                let mut words = vec![v.t("triage-why-opening").into_owned()];
                words.extend(reasons(v, why));
                words
            }
        });
        Self {
            id: alike.head.id.to_string(),
            code_name: alike.head.code_name.clone(),
            closed: alike.head.closed(),
            points: alike.points,
            why: why.collect(),
        }
    }
}

fn reasons(v: &View<'_>, reasons: &[Reason]) -> Vec<String> {
    let words = v.visit.words();
    let one = |reason: &Reason| match reason {
        Reason::SameMarks(marks) => v.w("triage-why-marks", "which", marks.join(", ")),
        Reason::Text(percent) => v.n("triage-why-text", *percent),
        Reason::Place => v.t("triage-why-place").into_owned(),
        Reason::Risk => v.t("triage-why-risk").into_owned(),
        Reason::Minutes(minutes) if *minutes < 60 => words.with(
            "triage-why-minutes",
            &[("n", Value::from(i64::from(*minutes)))],
        ),
        Reason::Minutes(minutes) => v.n("triage-why-hours", *minutes / 60),
    };
    reasons.iter().map(one).collect()
}
