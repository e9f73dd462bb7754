//! What differs between two plans, readable: a path whose elements are ids, the value before
//! and the value after.
//!
//! Generic over the plan's JSON, so that a new chapter needs no code here. Deliberately not
//! here: whether a change is good (`check`), and who approved it.

use crate::Plan;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// One difference. Absent before: added; absent after: removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// For example `groups.leading.deputy`; `.order` at the end: the same elements stand in
    /// another sequence.
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "~ {}: {before} -> {after}", self.path),
            (None, Some(after)) => write!(f, "+ {}: {after}", self.path),
            (Some(before), None) => write!(f, "- {}: {before}", self.path),
            (None, None) => write!(f, "~ {}", self.path),
        }
    }
}

/// The differences from one plan to another, chapters by name; empty when equal.
pub fn diff(before: &Plan, after: &Plan) -> Vec<Difference> {
    // A struct of strings and numbers always serialises.
    let before = serde_json::to_value(before).unwrap_or_default();
    let after = serde_json::to_value(after).unwrap_or_default();
    let mut out = Vec::new();
    compare("", Some(&before), Some(&after), &mut out);
    out
}

/// Keys that name an element of a list, the first one present counts.
const NAMES: [&str; 5] = ["id", "act", "risk", "level", "grade"];

/// The name of a list's element: its id, or itself where it is a plain text.
pub(crate) fn name(element: &Value) -> Option<String> {
    match element {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => NAMES.iter().find_map(|key| match fields.get(*key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }),
        _ => None,
    }
}

pub(crate) fn join(path: &str, element: &str) -> String {
    if path.is_empty() {
        element.to_owned()
    } else {
        format!("{path}.{element}")
    }
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<Difference>) {
    // A place that is null is a place left empty.
    let given = |value: &&Value| !value.is_null();
    match (before.filter(given), after.filter(given)) {
        (a, b) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                compare(&join(path, key), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => match (names(a), names(b)) {
            (Some(names_a), Some(names_b)) => by_name(path, (&names_a, a), (&names_b, b), out),
            _ => by_place(path, a, b, out),
        },
        (a, b) => out.push(Difference {
            path: path.to_owned(),
            before: a.map(shown),
            after: b.map(shown),
        }),
    }
}

/// The names of all elements, where every one has a name of its own.
fn names(list: &[Value]) -> Option<Vec<String>> {
    let names: Vec<String> = list.iter().map(name).collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}

fn by_name(
    path: &str,
    (names_a, a): (&[String], &[Value]),
    (names_b, b): (&[String], &[Value]),
    out: &mut Vec<Difference>,
) {
    let find = |names: &[String], name: &String| names.iter().position(|n| n == name);
    for (name, value) in names_a.iter().zip(a) {
        let other = find(names_b, name).map(|i| &b[i]);
        compare(&join(path, name), Some(value), other, out);
    }
    for (name, value) in names_b.iter().zip(b) {
        if find(names_a, name).is_none() {
            compare(&join(path, name), None, Some(value), out);
        }
    }
    let kept = |names: &[String], others: &[String]| -> Vec<String> {
        let both = names.iter().filter(|n| others.contains(n));
        both.cloned().collect()
    };
    let (order_a, order_b) = (kept(names_a, names_b), kept(names_b, names_a));
    if order_a != order_b {
        out.push(Difference {
            path: join(path, "order"),
            before: Some(order_a.join(", ")),
            after: Some(order_b.join(", ")),
        });
    }
}

/// Elements without names: what is equal at both ends is left out, so that one sentence put in
/// shows as one difference.
fn by_place(path: &str, a: &[Value], b: &[Value], out: &mut Vec<Difference>) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[head..], &b[head..]);
    let pairs = rest_a.iter().rev().zip(rest_b.iter().rev());
    let tail = pairs.take_while(|(x, y)| x == y).count();
    let rest_a = &rest_a[..rest_a.len() - tail];
    let rest_b = &rest_b[..rest_b.len() - tail];
    for i in 0..rest_a.len().max(rest_b.len()) {
        let element = join(path, &(head + i + 1).to_string());
        compare(&element, rest_a.get(i), rest_b.get(i), out);
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.len() == 2 => match (fields.get("zh"), fields.get("en")) {
            (Some(Value::String(zh)), Some(Value::String(en))) => format!("{zh} / {en}"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::plan;
    use crate::{Act, Words};
    use expect_test::{Expect, expect};
    use model::{GroupId, PositionId};

    fn check(change: impl FnOnce(&mut Plan), expected: Expect) {
        let mut changed = plan().clone();
        change(&mut changed);
        let lines: Vec<String> = diff(plan(), &changed)
            .iter()
            .map(|d| d.to_string())
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn equal_plans_have_no_difference() {
        check(|_| {}, expect![""]);
    }

    #[test]
    fn paths_are_made_of_ids() {
        check(
            |plan| {
                plan.version = "1.1".into();
                plan.groups[0].deputy = Some(PositionId::new("head_support"));
                plan.groups[1].deputy = None;
                plan.levels[2].ack_within_s = 240;
                plan.steps[2].tasks[0].title.en = "Collect evidence".into();
                plan.schemes[0].grades[2].numeric[0].at_least = Some(2_000_000);
            },
            expect![[r#"
                ~ groups.leading.deputy: ciso -> head_support
                - groups.response.deputy: head_support
                ~ levels.3.ack_within_s: 300 -> 240
                ~ schemes.cn_cac_2025.grades.relatively_major.numeric.persons.at_least: 1000000 -> 2000000
                ~ steps.P3.tasks.p3-collect-evidence.title.en: Collect and secure evidence -> Collect evidence
                ~ version: 1.0 -> 1.1"#]],
        );
    }

    #[test]
    fn added_and_removed_elements_are_named() {
        check(
            |plan| {
                plan.groups[3]
                    .members
                    .push(PositionId::new("legal_counsel"));
                plan.authority.retain(|rule| rule.act != Act::ReadOutbox);
                plan.levels[3].call_out = vec![GroupId::new("response"), GroupId::new("leading")];
            },
            expect![[r#"
                - authority.read_outbox: {"act":"read_outbox","positions":["cio","ciso","head_support","head_cs","head_legal","head_marketing","security_engineer","sysadmin","auditor"]}
                + groups.communication.members.legal_counsel: legal_counsel
                ~ levels.4.call_out.order: leading, response -> response, leading"#]],
        );
    }

    #[test]
    fn a_sentence_put_in_is_one_difference() {
        check(
            |plan| plan.goals.insert(1, Words::new("新增目标", "A new goal")),
            expect!["+ goals.2: 新增目标 / A new goal"],
        );
    }
}
