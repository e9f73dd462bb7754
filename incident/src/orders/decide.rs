//! From a command on an order to a fact, or to a refusal. Pure.

use super::{MAX_CHANGES, MAX_CONSTRAINTS, OrderCommand, OrderFact};
use crate::decide::{Asked, Decision, checks, people};
use crate::fact::Fact;
use crate::open::LEADING_GROUP;
use crate::people::{Addressee, Order, OrderState};
use crate::refusal::{BadValue, Refusal};
use model::{GroupId, Instant, OrderId, PositionId};
use plan::Act;

pub(crate) fn decide(asked: Asked<'_>, command: OrderCommand) -> Decision {
    let fact = match command {
        OrderCommand::Bind {
            constraints,
            verify,
        } => bind(asked, constraints, verify)?,
        OrderCommand::Change {
            order,
            seen,
            to,
            text,
            due_at,
        } => change(asked, order, seen, to, text, due_at)?,
        OrderCommand::Verify { order, seen } => {
            may_check(asked, &order, seen)?;
            OrderFact::Verified { order }
        }
        OrderCommand::SendBack { order, seen } => {
            may_check(asked, &order, seen)?;
            checks::reason(asked)?;
            OrderFact::SentBack { order }
        }
        OrderCommand::Remind { order, stage } => remind(asked, order, stage)?,
    };
    Ok(vec![Fact::Order(fact)])
}

/// What the person looked at is what stands; else somebody changed it meanwhile.
fn seen_is(order: &Order, seen: u32) -> Result<(), Refusal> {
    if order.course.version == seen {
        return Ok(());
    }
    Err(checks::conflict("order", "changed"))
}

fn bind(asked: Asked<'_>, constraints: Vec<String>, verify: bool) -> Result<OrderFact, Refusal> {
    let mut orders = asked.incident.orders.iter().rev();
    let mine = orders.find(|o| o.issuer.account() == asked.op.actor.account());
    let found = mine.ok_or_else(|| checks::unknown("order", ""))?;
    if found.state != OrderState::Issued {
        return Err(checks::wrong_state("order", found.state.code()));
    }
    checks::bound("constraints", constraints.len(), MAX_CONSTRAINTS)?;
    let rules = &asked.plan.orders;
    let known = |id: &String| rules.constraint(id).is_some();
    if !constraints.iter().all(known) {
        return Err(checks::bad("constraint", BadValue::NotInPlan));
    }
    // What the plan wants checked is checked, whatever was ticked.
    let asked_by_plan = constraints
        .iter()
        .filter_map(|id| rules.constraint(id))
        .any(|c| c.verify);
    Ok(OrderFact::Bound {
        order: found.id.clone(),
        constraints,
        verify: verify || asked_by_plan,
    })
}

fn change(
    asked: Asked<'_>,
    order: OrderId,
    seen: u32,
    to: Addressee,
    text: String,
    due_at: Instant,
) -> Result<OrderFact, Refusal> {
    let found = people::find(asked, &order)?;
    seen_is(found, seen)?;
    if !found.open() {
        return Err(checks::wrong_state("order", found.state.code()));
    }
    checks::room("changes", found.course.earlier.len(), MAX_CHANGES)?;
    people::known(asked, &to)?;
    checks::long_text("text", &text)?;
    checks::future("due", due_at, asked.op.now)?;
    checks::reason(asked)?;
    if found.to == to && found.text == text && found.due_at == due_at {
        return Err(checks::conflict("order", "unchanged"));
    }
    Ok(OrderFact::Changed {
        order,
        version: found.course.version.saturating_add(1),
        to,
        text,
        due_at,
    })
}

/// Who issues orders checks them; never whoever did the work.
fn may_check(asked: Asked<'_>, id: &OrderId, seen: u32) -> Result<(), Refusal> {
    let order = people::find(asked, id)?;
    seen_is(order, seen)?;
    if !order.to_verify() {
        return Err(checks::wrong_state("order", order.state.code()));
    }
    checks::act(asked, Act::IssueOrder)?;
    match order.doer() {
        Some(doer) => checks::second_person(asked, doer),
        None => Ok(()),
    }
}

fn remind(asked: Asked<'_>, id: OrderId, stage: u8) -> Result<OrderFact, Refusal> {
    let order = people::find(asked, &id)?;
    let rules = &asked.plan.orders;
    if order.reminder_due(rules.escalate_after_s, asked.op.now) != Some(stage) {
        return Err(checks::conflict("order", "too-early"));
    }
    let mut to: Vec<PositionId> = match stage {
        1 => crate::effect::ordered_positions(asked.plan, &order.to),
        _ => order.issuer.positions().iter().take(1).cloned().collect(),
    };
    if stage > 1 {
        let lead = asked.plan.group(&GroupId::from(LEADING_GROUP));
        to.extend(lead.map(|g| g.lead.clone()));
        to.dedup();
    }
    Ok(OrderFact::Reminded {
        order: id,
        stage,
        to,
        due_at: order.due_at,
    })
}
