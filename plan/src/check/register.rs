//! The register of resources: each entry whole, and granted by somebody who may.

use super::{Found, GapCode};
use crate::{Act, Plan, RegisterEntry, ResourceKind};

pub(super) fn register(plan: &Plan, found: &mut Found) {
    for entry in &plan.register {
        let place = format!("register.{}", entry.id);
        let granted = plan.allows(Act::GrantResource, std::slice::from_ref(&entry.grantor));
        found.add_if(!granted, GapCode::RegisterGrantor, || {
            format!("{place}.grantor ({})", entry.grantor)
        });
        found.add_if(!whole(entry), GapCode::RegisterEntry, || place.clone());
    }
    if let Some(guests) = &plan.guests {
        let known = plan.position(&guests.position).is_some();
        found.add_if(!known, GapCode::UnknownReference, || {
            format!("guests.position ({})", guests.position)
        });
        let may: Vec<Act> = Act::ALL
            .into_iter()
            .filter(|act| plan.allows(*act, std::slice::from_ref(&guests.position)))
            .filter(|act| *act != Act::AnswerOrder)
            .collect();
        for act in may {
            found.add(GapCode::GuestMay, format!("authority.{}", act.code()));
        }
        found.add_if(guests.most_days == 0, GapCode::GuestRules, || {
            "guests.most_days".to_owned()
        });
    }
    let experts = plan.register.iter().any(|e| e.kind == ResourceKind::Expert);
    found.add_if(
        experts && plan.guests.is_none(),
        GapCode::GuestRules,
        || "guests".to_owned(),
    );
}

/// A budget has a currency, an expert has terms, and nothing else has either.
fn whole(entry: &RegisterEntry) -> bool {
    let currency = match (&entry.currency, entry.kind) {
        (Some(currency), ResourceKind::Budget) => {
            currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase())
        }
        (None, ResourceKind::Budget) | (Some(_), _) => false,
        (None, _) => true,
    };
    let expert = entry.expert.is_some() == (entry.kind == ResourceKind::Expert);
    entry.quantity > 0 && currency && expert
}
