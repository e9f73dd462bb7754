//! Triage: one attack makes one incident, not thirty; later findings join it.

use crate::commander::Ask;
use crate::error::CommandError;
use crate::{Desk, DeskError, Told};
use incident::rows::FindingsBatch;
use incident::{Category, Command, Incident, OpenRequest, Origin, Subclass};
use model::{
    Actor, Figure, Finding, FindingKind, IncidentId, Operation, RequestId, Risk, SourceName,
};
use plan::Metric;
use std::collections::{BTreeMap, BTreeSet};
use store::Batch;

/// Joins alarms to the open incident of their source, or opens one.
pub(crate) fn raise(
    desk: &Desk,
    source: &SourceName,
    alarms: &[Finding],
) -> Result<IncidentId, CommandError> {
    let Some(first) = alarms.first() else {
        return Err(DeskError::NotFound(Told::new("no-alarm")).into());
    };
    // The request id comes from the findings, so that a replay after a crash adds nothing twice.
    let op = Operation {
        actor: Actor::system("triage"),
        reason: String::new(),
        request: RequestId::new(format!("triage-{}", first.id)),
        now: desk.now(),
    };
    // What was split off is a case of its own: what comes later joins the rest.
    let open = desk
        .open_incidents()
        .into_iter()
        .filter(|i| joins(i, source));
    let open = open.min_by_key(|i| i.joining.split_from.is_some());
    let earlier = match &open {
        Some(incident) => desk.findings_of(&incident.id)?,
        None => Vec::new(),
    };
    let numbers = numbers(earlier.iter().chain(alarms));
    let commands: Vec<Command> = FindingsBatch::of(alarms)
        .into_iter()
        .map(|batch| Command::AddFindings {
            batch: FindingsBatch {
                ongoing: true,
                ..batch
            },
            numbers: numbers.clone(),
        })
        .collect();
    let id = match &open {
        Some(incident) => incident.id.clone(),
        None => IncidentId::new(desk.new_id("i")?),
    };
    // With the facts or not at all: a finding without an incident is one that nobody was told of.
    let assign = alarms.iter().map(|f| (f.id.clone(), id.clone())).collect();
    let batch = Box::new(Batch {
        assign,
        ..Batch::default()
    });
    desk.ask(match open {
        Some(_) => Ask::Commands {
            op,
            id: id.clone(),
            commands,
            batch,
        },
        None => Ask::Open {
            op,
            request: Box::new(open_request(desk, source, id.clone(), alarms)?),
            with: commands,
            batch,
        },
    })?;
    Ok(id)
}

/// Raises the alarms that were stored but joined no incident: the program ended between the two,
/// or the incident could not be written.
pub(crate) fn raise_waiting(desk: &Desk, source: &SourceName) -> Result<(), CommandError> {
    let mut after = None;
    loop {
        let mut page = desk.without_incident(source, after)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.clone());
        page.retain(|finding| finding.kind.alarms());
        if !page.is_empty() {
            raise(desk, source, &page)?;
        }
    }
}

fn joins(incident: &Incident, source: &SourceName) -> bool {
    !incident.closed() && !incident.exercise && incident.takes_findings_of(source)
}

fn open_request(
    desk: &Desk,
    source: &SourceName,
    id: IncidentId,
    alarms: &[Finding],
) -> Result<OpenRequest, DeskError> {
    let discovered = alarms
        .iter()
        .map(|f| f.seen_at)
        .min()
        .unwrap_or_else(|| desk.now());
    let witnessed = alarms.iter().all(|f| f.witnessed);
    Ok(OpenRequest {
        id,
        exercise: false,
        code_name: desk.code_name()?,
        risk: Risk::R2,
        category: category(alarms),
        discovered_at: discovered,
        // What was seen as it happened also says when it happened.
        occurred_at: witnessed.then_some(discovered),
        source: Some(source.clone()),
        origin: Origin::Findings,
        access: incident::access::Access::default(),
    })
}

/// GB/T 20986-2023 class 3, data security: forged rows alone are 数据假冒, anything altered or deleted 数据篡改.
fn category(alarms: &[Finding]) -> Category {
    let forged_only = alarms.iter().all(|f| f.kind == FindingKind::Forged);
    let subclass = if forged_only {
        Subclass::Counterfeit
    } else {
        Subclass::Tampering
    };
    Category::DataSecurity { subclass }
}

/// The figures that can be counted from findings. Persons whose data *leaked* cannot: that stays unknown.
fn numbers<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeMap<Metric, Figure> {
    let mut rows = BTreeSet::new();
    let mut orders = BTreeSet::new();
    let mut users = BTreeSet::new();
    let mut at_risk_minor: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for finding in findings {
        if !matches!(
            finding.kind,
            FindingKind::Altered | FindingKind::Forged | FindingKind::Deleted
        ) {
            continue;
        }
        let row = (finding.table.as_str(), finding.key.as_str());
        rows.insert(row);
        if finding.table.contains("order") {
            orders.insert(&finding.key);
        }
        users.extend(finding.subject.as_ref());
        if let Some(money) = finding.at_risk.as_ref().filter(|m| m.currency == "CNY") {
            let most = at_risk_minor.entry(row).or_insert(0);
            *most = (*most).max(money.amount_minor);
        }
    }
    let yuan = at_risk_minor
        .values()
        .fold(0_i64, |sum, v| sum.saturating_add(*v))
        / 100;
    let count = |n: usize| Figure::known(i64::try_from(n).unwrap_or(i64::MAX));
    BTreeMap::from([
        (Metric::RowsTampered, count(rows.len())),
        (Metric::OrdersAffected, count(orders.len())),
        (Metric::UsersAffected, count(users.len())),
        (Metric::MoneyAtRiskCny, Figure::known(yuan)),
        // Money at risk bounds the loss from above; what is really gone, people find out.
        (
            Metric::DirectLossCny,
            Figure::Estimated { low: 0, high: yuan },
        ),
    ])
}
