//! From a command on resources to a fact, or to a refusal. Pure: what other incidents hold is
//! looked at by the desk, in the transaction that stores the fact.

use super::guest::{Guest, GuestCommand, GuestFact, GuestPage, MAX_GUESTS};
use super::state::ResourceRequest;
use super::{Late, MAX_REQUESTS, MAX_RETURNS, ResourceCommand, ResourceFact, ReturnCondition};
use crate::bounds::MAX_TEXT_CHARS;
use crate::decide::{Asked, Decision, checks};
use crate::fact::Fact;
use crate::refusal::{BadValue, Refusal};
use model::{AccountId, Digest, Instant, OrderId, PositionId, TaskId};
use plan::{RegisterEntry, ResourceKind};

/// Seconds in a day.
const DAY_S: i64 = 86_400;

pub(crate) fn decide(asked: Asked<'_>, command: ResourceCommand) -> Decision {
    let fact = match command {
        ResourceCommand::Request {
            what,
            amount,
            order,
            task,
            needed_by,
        } => request(asked, what, amount, (order, task), needed_by)?,
        ResourceCommand::Grant {
            request,
            amount,
            conditions,
            until,
        } => grant(asked, &request, amount, conditions, until)?,
        ResourceCommand::Refuse { request } => {
            let (found, entry) = to_answer(asked, &request)?;
            may_answer(asked, found, entry)?;
            checks::reason(asked)?;
            ResourceFact::Refused { request }
        }
        ResourceCommand::Withdraw { request } => {
            let found = open(asked, &request)?;
            if found.asked.by.account() != asked.op.actor.account() {
                return Err(not_addressed());
            }
            checks::reason(asked)?;
            ResourceFact::Withdrawn { request }
        }
        ResourceCommand::Return {
            request,
            amount,
            condition,
        } => give_back(asked, &request, amount, condition)?,
        ResourceCommand::Remind { request, about } => remind(asked, &request, about)?,
        ResourceCommand::Guest(command) => ResourceFact::Guest(guest(asked, command)?),
    };
    Ok(vec![Fact::Resource(fact)])
}

fn not_addressed() -> Refusal {
    Refusal::NotAddressed {
        what: "resource".to_owned(),
    }
}

fn entry<'a>(asked: Asked<'a>, what: &str) -> Result<&'a RegisterEntry, Refusal> {
    let found = asked.plan.registered(what);
    found.ok_or_else(|| checks::bad("what", BadValue::NotInPlan))
}

fn find<'a>(asked: Asked<'a>, id: &str) -> Result<&'a ResourceRequest, Refusal> {
    let found = asked.incident.resources.request(id);
    found.ok_or_else(|| checks::unknown("resource", id))
}

fn open<'a>(asked: Asked<'a>, id: &str) -> Result<&'a ResourceRequest, Refusal> {
    let found = find(asked, id)?;
    match found.asked() {
        true => Ok(found),
        false => Err(checks::wrong_state("resource", found.code())),
    }
}

fn to_answer<'a>(
    asked: Asked<'a>,
    id: &str,
) -> Result<(&'a ResourceRequest, &'a RegisterEntry), Refusal> {
    let found = open(asked, id)?;
    Ok((found, entry(asked, &found.what)?))
}

fn within(field: &str, amount: i64, most: i64) -> Result<(), Refusal> {
    match (1..=most).contains(&amount) {
        true => Ok(()),
        false => Err(checks::bad(field, BadValue::Number)),
    }
}

fn request(
    asked: Asked<'_>,
    what: String,
    amount: i64,
    purpose: (Option<OrderId>, Option<TaskId>),
    needed_by: Instant,
) -> Result<ResourceFact, Refusal> {
    let incident = asked.incident;
    let requests = incident.resources.requests.len();
    checks::room("resources", requests, MAX_REQUESTS)?;
    let entry = entry(asked, &what)?;
    within("amount", amount, entry.quantity)?;
    let (order, task) = purpose;
    if let Some(id) = &order
        && !incident.orders.iter().any(|o| o.id == *id)
    {
        return Err(checks::unknown("order", id));
    }
    if let Some(id) = &task
        && !incident.tasks.iter().any(|t| t.planned.id == *id)
    {
        return Err(checks::unknown("task", id));
    }
    checks::future("needed-by", needed_by, asked.op.now)?;
    checks::reason(asked)?;
    Ok(ResourceFact::Requested {
        request: format!("R-{}", requests + 1),
        what,
        amount,
        order,
        task,
        needed_by,
        grantor: entry.grantor.clone(),
    })
}

/// The grantor, or whoever stands in; never the one who asked where the plan wants two.
fn may_answer(
    asked: Asked<'_>,
    request: &ResourceRequest,
    entry: &RegisterEntry,
) -> Result<(), Refusal> {
    if !checks::answers_for(asked.plan, &asked.op.actor, &entry.grantor) {
        return Err(not_addressed());
    }
    match entry.four_eyes {
        true => checks::second_person(asked, &request.asked.by),
        false => Ok(()),
    }
}

fn grant(
    asked: Asked<'_>,
    id: &str,
    amount: i64,
    conditions: String,
    until: Instant,
) -> Result<ResourceFact, Refusal> {
    let (found, entry) = to_answer(asked, id)?;
    may_answer(asked, found, entry)?;
    within("amount", amount, found.amount)?;
    checks::no_longer("conditions", &conditions, MAX_TEXT_CHARS)?;
    checks::future("until", until, asked.op.now)?;
    let resources = &asked.incident.resources;
    let used = resources
        .out(&found.what)
        .checked_add(resources.gone(&found.what));
    let after = used.and_then(|used| used.checked_add(amount));
    if after.is_none_or(|after| after > entry.quantity) {
        return Err(checks::conflict("resource", "not-free"));
    }
    Ok(ResourceFact::Granted {
        request: id.to_owned(),
        what: found.what.clone(),
        amount,
        conditions,
        until,
    })
}

fn give_back(
    asked: Asked<'_>,
    id: &str,
    amount: i64,
    condition: ReturnCondition,
) -> Result<ResourceFact, Refusal> {
    let found = find(asked, id)?;
    if found.out() == 0 {
        return Err(checks::wrong_state("resource", found.code()));
    }
    within("amount", amount, found.out())?;
    checks::room("returns", found.returned.len(), MAX_RETURNS)?;
    if condition != ReturnCondition::Good {
        checks::reason(asked)?;
    }
    // What leaves the register for good is for whoever answers for it.
    if condition == ReturnCondition::WrittenOff
        && !checks::answers_for(asked.plan, &asked.op.actor, &found.grantor)
    {
        return Err(not_addressed());
    }
    let left = found.out() - amount;
    let guests = asked.incident.resources.guests.iter();
    let guests = guests.filter(|g| g.request == id && g.ended.is_none());
    let guests = guests.filter(|g| asked.op.now < g.until).count();
    // All at once ends them all; of a part nobody can say whose account it is.
    if left > 0 && i64::try_from(guests).unwrap_or(i64::MAX) > left {
        return Err(checks::conflict("resource", "guests"));
    }
    Ok(ResourceFact::Returned {
        request: id.to_owned(),
        what: found.what.clone(),
        amount,
        condition,
    })
}

fn remind(asked: Asked<'_>, id: &str, about: Late) -> Result<ResourceFact, Refusal> {
    let found = find(asked, id)?;
    if found.reminder_due(asked.op.now) != Some(about) {
        return Err(checks::conflict("resource", "too-early"));
    }
    let mut to: Vec<PositionId> = vec![found.grantor.clone()];
    if about == Late::Return {
        let asker = found.asked.by.positions().first();
        to.extend(asker.filter(|p| **p != found.grantor).cloned());
    }
    let due_at = match found.grant() {
        Some(grant) => grant.until,
        None => found.needed_by,
    };
    Ok(ResourceFact::Reminded {
        request: id.to_owned(),
        about,
        to,
        due_at,
    })
}

fn guest(asked: Asked<'_>, command: GuestCommand) -> Result<GuestFact, Refusal> {
    match command {
        GuestCommand::Invite {
            account,
            name,
            request,
            pages,
            may_act,
            until,
        } => {
            free_place(asked, &account, &request)?;
            checks::name("name", &name)?;
            let pages = scope(asked, pages, until, asked.op.now)?;
            Ok(GuestFact::Invited {
                account,
                name,
                request,
                pages,
                may_act,
                until,
            })
        }
        GuestCommand::Change {
            account,
            pages,
            may_act,
            until,
        } => {
            let since = living(asked, &account)?.invited.at;
            let pages = scope(asked, pages, until, since)?;
            Ok(GuestFact::Changed {
                account,
                pages,
                may_act,
                until,
            })
        }
        GuestCommand::End { account } => {
            living(asked, &account)?;
            checks::reason(asked)?;
            Ok(GuestFact::Ended { account })
        }
        GuestCommand::Agree { account } => agree(asked, account),
    }
}

/// One account for each person that the grant brought.
fn free_place(asked: Asked<'_>, account: &AccountId, request: &str) -> Result<(), Refusal> {
    let resources = &asked.incident.resources;
    checks::room("guests", resources.guests.len(), MAX_GUESTS)?;
    if resources.guest(account).is_some() {
        return Err(checks::conflict("guest", "taken"));
    }
    let found = find(asked, request)?;
    if entry(asked, &found.what)?.kind != ResourceKind::Expert {
        return Err(checks::bad("request", BadValue::NotInPlan));
    }
    if found.out() == 0 {
        return Err(checks::wrong_state("resource", found.code()));
    }
    let now = asked.op.now;
    let here = resources.guests.iter().filter(|g| g.request == request);
    let here = here.filter(|g| asked.incident.guest_now(&g.account, now).is_some());
    if i64::try_from(here.count()).unwrap_or(i64::MAX) >= found.out() {
        return Err(checks::conflict("guest", "not-free"));
    }
    Ok(())
}

fn living<'a>(asked: Asked<'a>, account: &AccountId) -> Result<&'a Guest, Refusal> {
    if asked.incident.resources.guest(account).is_none() {
        return Err(checks::unknown("guest", account));
    }
    let living = asked.incident.guest_now(account, asked.op.now);
    living.ok_or_else(|| checks::wrong_state("guest", "ended"))
}

/// Each page once, and an end that the plan allows, counted from the invitation.
fn scope(
    asked: Asked<'_>,
    mut pages: Vec<GuestPage>,
    until: Instant,
    since: Instant,
) -> Result<Vec<GuestPage>, Refusal> {
    let Some(rules) = &asked.plan.guests else {
        return Err(checks::bad("guest", BadValue::NotInPlan));
    };
    pages.sort();
    pages.dedup();
    if pages.is_empty() {
        return Err(checks::bad("pages", BadValue::Empty));
    }
    checks::future("until", until, asked.op.now)?;
    let most = since.plus_s(i64::from(rules.most_days) * DAY_S);
    if until > most {
        return Err(checks::bad("until", BadValue::Time));
    }
    Ok(pages)
}

fn agree(asked: Asked<'_>, account: AccountId) -> Result<GuestFact, Refusal> {
    if asked.op.actor.account() != Some(&account) {
        return Err(Refusal::NotAddressed {
            what: "guest".to_owned(),
        });
    }
    if living(asked, &account)?.agreed.is_some() {
        return Err(checks::wrong_state("guest", "agreed"));
    }
    let Some(rules) = &asked.plan.guests else {
        return Err(checks::bad("guest", BadValue::NotInPlan));
    };
    let words = &rules.confidentiality;
    let words = Digest::of(format!("{}\n{}", words.zh, words.en).as_bytes());
    Ok(GuestFact::Agreed { account, words })
}
