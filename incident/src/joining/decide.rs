//! From half of a merge or a split to facts, or to a refusal. Pure.

use super::{Carried, JoiningCommand, JoiningFact, MAX_JOINED, MAX_MOVED};
use crate::access::{Access, AccessFact};
use crate::assessing::{self, DataClass, GivenFact};
use crate::decide::{Asked, Decision, checks};
use crate::fact::Fact;
use crate::refusal::Refusal;
use model::{Figure, IncidentId, ReceiptNo};
use plan::Metric;
use std::collections::BTreeMap;

pub(crate) fn decide(asked: Asked<'_>, command: JoiningCommand) -> Decision {
    checks::reason(asked)?;
    let joining = &asked.incident.joining;
    match command {
        JoiningCommand::MergeInto { into, access } => {
            not_itself(asked, &into)?;
            unless(asked.incident.acts_on_rows(), "acts-on-rows")?;
            unless(asked.incident.resources.unsettled(), "resources-out")?;
            let mut facts = access_facts(asked, &access);
            facts.push(JoiningFact::MergedInto { into }.into());
            Ok(facts)
        }
        JoiningCommand::Absorb { carried, access } => {
            not_itself(asked, &carried.incident)?;
            checks::room("merged", joining.absorbed.len(), MAX_JOINED)?;
            absorb(asked, *carried, &access)
        }
        JoiningCommand::SplitOff {
            into,
            reports,
            rows,
        } => {
            not_itself(asked, &into)?;
            checks::room("split", joining.split_into.len(), MAX_JOINED)?;
            checks::bound("reports", reports.len(), MAX_MOVED)?;
            unless(reports.is_empty() && rows.is_empty(), "nothing-chosen")?;
            unless(asked.incident.acts_on_rows(), "acts-on-rows")?;
            known_reports(asked, &reports)?;
            Ok(vec![
                JoiningFact::SplitOff {
                    into,
                    reports,
                    rows,
                }
                .into(),
            ])
        }
        JoiningCommand::SplitFrom { from, reports } => {
            not_itself(asked, &from)?;
            unless(joining.split_from.is_some(), "split-already")?;
            Ok(vec![JoiningFact::SplitFrom { from, reports }.into()])
        }
    }
}

/// What the other one knew earlier counts here too: clocks run from the first time, and a fact
/// that holds there holds here.
fn absorb(asked: Asked<'_>, carried: Carried, access: &Access) -> Decision {
    let (anchors, known) = (&asked.incident.anchors, &asked.incident.trigger_facts);
    let earlier = |own: Option<model::Instant>, other: Option<model::Instant>| match (own, other) {
        (Some(own), Some(other)) => (other < own).then_some(other),
        (None, other) => other,
        (Some(_), None) => None,
    };
    let occurred = earlier(anchors.occurred, carried.occurred);
    let discovered = earlier(anchors.discovered, carried.discovered);
    let holds = |name: &str, own: Option<bool>| {
        let there = carried.holds_true.iter().any(|n| n == name);
        (there && own != Some(true)).then_some(true)
    };
    let trigger_facts = Fact::TriggerFactsSet {
        cii: holds("cii", known.cii),
        personal_information: holds("personal_information", known.personal_information),
        suspected_crime: holds("suspected_crime", known.suspected_crime),
        interested_parties: holds("interested_parties", known.interested_parties),
        unauthorised_payment: holds("unauthorised_payment", known.unauthorised_payment),
    };
    let mut facts = access_facts(asked, access);
    let anything = !carried.holds_true.is_empty();
    let assessed = assessed(asked, &carried)?;
    facts.push(JoiningFact::Absorbed { carried }.into());
    if occurred.is_some() || discovered.is_some() {
        facts.push(Fact::AnchorsSet {
            occurred,
            discovered,
        });
    }
    if anything {
        facts.push(trigger_facts);
    }
    facts.extend(assessed);
    Ok(facts)
}

/// What people gave of the other one's assessment, where it is news here: a figure that may be
/// above the one counted, or is certainly above the one given; what is held to be met; which data
/// are affected.
fn assessed(asked: Asked<'_>, carried: &Carried) -> Decision {
    let incident = asked.incident;
    let news = |metric: &Metric, figure: Figure| {
        let own = incident.figures.number(*metric);
        let given_here = incident.figures_by_person.contains(metric);
        match given_here {
            _ if own == Figure::Unknown => true,
            true => figure.at_least() > own.at_most(),
            false => figure.at_most() > own.at_most(),
        }
    };
    let numbers = carried.figures.numbers.iter();
    let numbers = numbers.filter(|(metric, figure)| news(metric, **figure));
    let told = |metric: &Metric, figure: Figure| GivenFact {
        figure: no_less(figure, incident.figures.number(*metric)),
        basis: carried.code_name.clone(),
        ..GivenFact::default()
    };
    let facts: BTreeMap<Metric, GivenFact> = numbers
        .map(|(metric, figure)| (*metric, told(metric, *figure)))
        .collect();
    let own = &incident.figures.qualitative;
    // A plan of today need not know what an older one asked.
    let met = carried.figures.qualitative.iter();
    let met = met
        .filter(|judged| !own.contains(judged) && asked.plan.judges(judged))
        .cloned();
    let judged: Vec<(u8, String)> = own.iter().cloned().chain(met).collect();
    let known = |class: &DataClass| incident.assessing.classes.get(class);
    let classes = carried.classes.iter();
    let classes = classes.filter(|class| known(class).is_none_or(|c| c.affected != Some(true)));
    let classes: BTreeMap<DataClass, Option<bool>> =
        classes.map(|class| (*class, Some(true))).collect();
    if facts.is_empty() && classes.is_empty() && judged.len() == own.len() {
        return Ok(Vec::new());
    }
    assessing::give(asked, facts, judged, classes)
}

/// The figure, with what is certain here kept certain: an estimate from elsewhere raises what is
/// possible and never takes back what is known.
fn no_less(figure: Figure, own: Figure) -> Figure {
    match (own.at_least(), figure) {
        (Some(least), Figure::Estimated { low, high }) if low < least && least <= high => {
            Figure::Estimated { low: least, high }
        }
        _ => figure,
    }
}

/// What changes until the incident is seen by exactly those.
fn access_facts(asked: Asked<'_>, access: &Access) -> Vec<Fact> {
    let own = &asked.incident.access;
    let suspects = access.suspects.difference(&own.suspects);
    let suspects = suspects.map(|account| AccessFact::SuspectNamed {
        account: account.clone(),
    });
    let admitted = access.admitted.difference(&own.admitted);
    let admitted = admitted.map(|account| AccessFact::Admitted {
        account: account.clone(),
    });
    let stand_ins = (access.stand_ins != own.stand_ins).then(|| AccessFact::StandInsSet {
        stand_ins: access.stand_ins.clone(),
    });
    suspects
        .chain(admitted)
        .chain(stand_ins)
        .map(Fact::Access)
        .collect()
}

fn known_reports(asked: Asked<'_>, reports: &[ReceiptNo]) -> Result<(), Refusal> {
    let own = &asked.incident.reports;
    match reports.iter().find(|r| !own.contains(r)) {
        Some(unknown) => Err(checks::unknown("report", unknown)),
        None => Ok(()),
    }
}

fn not_itself(asked: Asked<'_>, other: &IncidentId) -> Result<(), Refusal> {
    unless(*other == asked.incident.id, "with-itself")
}

fn unless(wrong: bool, why: &str) -> Result<(), Refusal> {
    match wrong {
        true => Err(checks::conflict("incident", why)),
        false => Ok(()),
    }
}
