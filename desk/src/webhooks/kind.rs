//! The kinds of events that other programs may subscribe to, and which fact makes which.
//!
//! Deliberately not here: what an event says (`event`). Facts that are not named here are nobody
//! else's business: access, suspicion, evidence.

use incident::Fact;
use incident::orders::OrderFact;
use serde::{Deserialize, Serialize};

/// A receiver must bear kinds that it does not know: more are added, none changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "incident.opened")]
    Opened,
    #[serde(rename = "incident.graded")]
    Graded,
    #[serde(rename = "incident.step_entered")]
    StepEntered,
    #[serde(rename = "incident.closed")]
    Closed,
    #[serde(rename = "finding.raised")]
    FindingRaised,
    #[serde(rename = "report.received")]
    ReportReceived,
    #[serde(rename = "call.made")]
    CallMade,
    #[serde(rename = "call.acknowledged")]
    CallAcknowledged,
    #[serde(rename = "order.issued")]
    OrderIssued,
    #[serde(rename = "order.completed")]
    OrderCompleted,
    #[serde(rename = "order.overdue")]
    OrderOverdue,
    #[serde(rename = "hold.placed")]
    HoldPlaced,
    #[serde(rename = "hold.ended")]
    HoldEnded,
    #[serde(rename = "repair.applied")]
    RepairApplied,
    #[serde(rename = "notice.sent")]
    NoticeSent,
    #[serde(rename = "filing.made")]
    FilingMade,
    #[serde(rename = "brief.sent")]
    BriefSent,
    #[serde(rename = "decision.recorded")]
    DecisionRecorded,
    /// Sent when a person asks for it, whatever the subscription names.
    #[serde(rename = "webhook.test")]
    Test,
}

impl EventKind {
    /// Those that a subscription may name.
    pub const ALL: [Self; 18] = [
        Self::Opened,
        Self::Graded,
        Self::StepEntered,
        Self::Closed,
        Self::FindingRaised,
        Self::ReportReceived,
        Self::CallMade,
        Self::CallAcknowledged,
        Self::OrderIssued,
        Self::OrderCompleted,
        Self::OrderOverdue,
        Self::HoldPlaced,
        Self::HoldEnded,
        Self::RepairApplied,
        Self::NoticeSent,
        Self::FilingMade,
        Self::BriefSent,
        Self::DecisionRecorded,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "incident.opened",
            Self::Graded => "incident.graded",
            Self::StepEntered => "incident.step_entered",
            Self::Closed => "incident.closed",
            Self::FindingRaised => "finding.raised",
            Self::ReportReceived => "report.received",
            Self::CallMade => "call.made",
            Self::CallAcknowledged => "call.acknowledged",
            Self::OrderIssued => "order.issued",
            Self::OrderCompleted => "order.completed",
            Self::OrderOverdue => "order.overdue",
            Self::HoldPlaced => "hold.placed",
            Self::HoldEnded => "hold.ended",
            Self::RepairApplied => "repair.applied",
            Self::NoticeSent => "notice.sent",
            Self::FilingMade => "filing.made",
            Self::BriefSent => "brief.sent",
            Self::DecisionRecorded => "decision.recorded",
            Self::Test => "webhook.test",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == text)
    }

    /// The event that a fact makes, with the id of the one thing that it is about.
    pub(crate) fn of(fact: &Fact) -> Option<(Self, Option<String>)> {
        let bare = |kind| Some((kind, None));
        let about = |kind, id: &dyn ToString| Some((kind, Some(id.to_string())));
        match fact {
            Fact::Opened(_) => bare(Self::Opened),
            Fact::GradeConfirmed { .. } => bare(Self::Graded),
            Fact::StepEntered { .. } => bare(Self::StepEntered),
            Fact::Closed => bare(Self::Closed),
            Fact::FindingsAdded { .. } => bare(Self::FindingRaised),
            Fact::CalledOut { call } => about(Self::CallMade, &call.number),
            Fact::CallAcknowledged { call } => about(Self::CallAcknowledged, call),
            Fact::OrderIssued { order, .. } => about(Self::OrderIssued, order),
            Fact::OrderCompleted { order, .. } => about(Self::OrderCompleted, order),
            Fact::Order(OrderFact::Reminded { order, .. }) => about(Self::OrderOverdue, order),
            Fact::HoldApproved { hold } => about(Self::HoldPlaced, hold),
            Fact::HoldLifted { hold } | Fact::HoldExpired { hold } => about(Self::HoldEnded, hold),
            Fact::RepairApplied { proposal, .. } => about(Self::RepairApplied, proposal),
            Fact::NoticeSent { notice, .. } => about(Self::NoticeSent, notice),
            Fact::ReportFiled { clock, .. } => about(Self::FilingMade, clock),
            Fact::BriefSent { number, .. } => about(Self::BriefSent, number),
            Fact::DecisionRecorded { number, .. } => about(Self::DecisionRecorded, number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_stored_by_its_code() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
            assert_eq!(EventKind::parse(kind.code()), Some(kind));
        }
        assert_eq!(EventKind::parse("webhook.test"), None);
    }
}
