//! Who fills the places of those who may not know of an incident.
//!
//! Deliberately not here: absence (the rota's), and being out of reach (the call-out's).

use model::PositionId;
use plan::Plan;
use serde::{Deserialize, Serialize};

/// A place, and the position whose holders fill it in one incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StandIn {
    pub position: PositionId,
    pub by: PositionId,
}

/// For each position that somebody holds and whose holders all are kept out: the first stand-in
/// of the plan with a holder who may know, then the plan's last resort. A place for which nobody
/// is left is given apart.
///
/// `holders(position)` gives whether anybody holds it and whether one of them may know.
pub fn stand_ins(
    plan: &Plan,
    holders: impl Fn(&PositionId) -> (bool, bool),
) -> (Vec<StandIn>, Vec<PositionId>) {
    let (mut filled, mut empty) = (Vec::new(), Vec::new());
    for position in &plan.positions {
        let (held, knows) = holders(&position.id);
        if !held || knows {
            continue;
        }
        let mut candidates = position
            .stand_ins
            .iter()
            .chain(&plan.need_to_know.last_resort);
        match candidates.find(|p| **p != position.id && holders(p).1) {
            Some(by) => filled.push(StandIn {
                position: position.id.clone(),
                by: by.clone(),
            }),
            None => empty.push(position.id.clone()),
        }
    }
    (filled, empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn check(kept_out: &[&str], nobody_holds: &[&str]) -> (Vec<String>, Vec<String>) {
        let kept_out: BTreeSet<_> = kept_out.iter().map(|p| PositionId::new(*p)).collect();
        let vacant: BTreeSet<_> = nobody_holds.iter().map(|p| PositionId::new(*p)).collect();
        let plan = plan::built_in::plan();
        let (filled, empty) = stand_ins(plan, |p| {
            let held = !vacant.contains(p);
            (held, held && !kept_out.contains(p))
        });
        let filled = filled.iter().map(|s| format!("{} by {}", s.position, s.by));
        (
            filled.collect(),
            empty.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn the_first_stand_in_who_may_know_fills_the_place() {
        assert_eq!(check(&[], &[]), (vec![], vec![]));
        assert_eq!(check(&["cio"], &[]).0, ["cio by ciso"]);
        // The whole line below the CIO is kept out with the CIO.
        let line = [
            "cio",
            "ciso",
            "head_support",
            "security_engineer",
            "sysadmin",
        ];
        let (filled, empty) = check(&line, &[]);
        assert_eq!(
            filled,
            [
                "cio by head_legal",
                "ciso by head_legal",
                "head_support by head_legal",
                "security_engineer by head_legal",
                "sysadmin by head_legal",
            ]
        );
        assert!(empty.is_empty());
    }

    #[test]
    fn a_place_for_which_nobody_is_left_is_named() {
        let resort = ["cio", "ciso", "head_support", "head_legal", "head_cs"];
        let (filled, empty) = check(&resort, &["senior_management"]);
        assert!(
            !filled.iter().any(|line| line.starts_with("cio ")),
            "{filled:?}"
        );
        assert_eq!(empty, ["cio"]);
    }
}
