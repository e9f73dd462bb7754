//! The order of calling: the lead, after the plan's time the deputy, then the members and whoever
//! stands in, and everyone again; and nobody once somebody who leads is there.

use crate::world::{World, holder, system};
use incident::people::CallState;
use incident::{Command, Fact};
use std::collections::BTreeMap;

/// Lets the plan's time pass and escalates what was not answered; gives the positions then called
/// in `group`.
fn silence(world: &mut World, group: &str) -> Vec<String> {
    world.later(601);
    let late: Vec<u32> = world
        .incident
        .calls
        .iter()
        .filter(|c| c.call.group.as_str() == group && c.state == CallState::Called)
        .map(|c| c.call.number)
        .collect();
    let mut called = Vec::new();
    for call in late {
        for fact in world.done(&system(), Command::Escalate { call }) {
            if let Fact::CalledOut { call } = fact.fact {
                called.push(call.position.to_string());
            }
        }
    }
    world.check();
    called
}

#[test]
fn silence_goes_from_the_lead_to_everyone() {
    let mut world = World::new();
    let first: Vec<&str> = world
        .incident
        .calls
        .iter()
        .filter(|c| c.call.group.as_str() == "response")
        .map(|c| c.call.position.as_str())
        .collect();
    assert_eq!(first, ["ciso"], "one odd row wakes one person of a group");
    assert_eq!(silence(&mut world, "response"), ["head_support"]);
    let all = silence(&mut world, "response");
    assert_eq!(
        all,
        [
            "head_legal",
            "security_engineer",
            "sysadmin",
            "cs_agent",
            "ciso",
            "head_support"
        ]
    );
    // From now on each is called again, never twice at once, and not for ever.
    for _ in 0..20 {
        silence(&mut world, "response");
        let mut open: BTreeMap<String, u32> = BTreeMap::new();
        for call in world
            .incident
            .calls
            .iter()
            .filter(|c| c.state == CallState::Called)
        {
            let at = format!("{} {}", call.call.group, call.call.position);
            *open.entry(at).or_default() += 1;
        }
        assert!(open.values().all(|n| *n == 1), "{open:?}");
    }
    let response = world
        .incident
        .calls
        .iter()
        .filter(|c| c.call.group.as_str() == "response");
    assert!(
        response.clone().all(|c| c.state != CallState::Called),
        "it ends"
    );
    assert!(response.count() <= 7 * 5);
}

#[test]
fn an_answer_of_the_deputy_ends_the_calling_of_the_group() {
    let mut world = World::new();
    assert_eq!(silence(&mut world, "response"), ["head_support"]);
    let call = world.incident.calls.last().expect("a call").call.number;
    world.done(&holder("head_support"), Command::Acknowledge { call });
    assert!(silence(&mut world, "response").is_empty());
}

#[test]
fn members_have_a_stage_of_their_own_where_the_plan_gives_it_a_time() {
    let mut plan = plan::built_in::plan().clone();
    for level in &mut plan.levels {
        level.everyone = false;
        level.stages.members_s = Some(90);
    }
    let mut world = World::under(Box::leak(Box::new(plan)), false);
    assert_eq!(silence(&mut world, "response"), ["head_support"]);
    let members = ["head_legal", "security_engineer", "sysadmin", "cs_agent"];
    assert_eq!(silence(&mut world, "response"), members);
    let last = world.incident.calls.last().expect("a call");
    assert_eq!(last.call.due_at, last.called_at.plus_s(90));
    let mut all = silence(&mut world, "response");
    all.sort();
    let mut everyone = members.to_vec();
    everyone.extend(["ciso", "head_support"]);
    everyone.sort_unstable();
    assert_eq!(all, everyone);
}

#[test]
fn whoever_refuses_is_not_called_back_while_others_are_called() {
    let mut world = World::new();
    silence(&mut world, "response");
    silence(&mut world, "response");
    let open = |world: &World, position: &str| {
        let mut calls = world.incident.calls.iter().rev();
        let found = calls
            .find(|c| c.call.position.as_str() == position && c.call.group.as_str() == "response");
        found.map(|c| (c.call.number, c.state == CallState::Called))
    };
    let (call, _) = open(&world, "sysadmin").expect("a call");
    let refused = Command::RefuseCall { call };
    let refused = world.give(&holder("sysadmin"), "on a train", refused);
    refused.expect("it may be refused");
    assert_eq!(open(&world, "sysadmin"), Some((call, false)));
    // The others are asked again in their time; who refused is not.
    let again = silence(&mut world, "response");
    assert!(again.contains(&"ciso".to_owned()), "{again:?}");
    assert!(!again.contains(&"sysadmin".to_owned()), "{again:?}");
}
