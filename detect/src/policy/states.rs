//! The states of one table as small numbers, and what can be reached from where.

use model::{TablePolicy, ValueRef};

/// A set of states is one machine word.
pub(crate) const MAX_STATES: usize = 60;

/// Number of a state in its table; [`UNKNOWN`] and [`ABSENT`] are no states of the policy.
pub(crate) type StateId = u8;
/// A value that the policy does not name, NULL too.
pub(crate) const UNKNOWN: StateId = 61;
/// There is no row, or the table has no states.
pub(crate) const ABSENT: StateId = 62;

/// Bit `n` stands for state `n`; [`UNKNOWN`] and [`ABSENT`] have bits of their own.
pub(crate) type StateSet = u64;

pub(crate) const fn bit(state: StateId) -> StateSet {
    1 << state
}

#[derive(Clone, Debug, Default)]
pub(crate) struct StateMachine {
    names: Vec<String>,
    edges: Vec<StateSet>,
    /// Reachable in one step or more.
    reach: Vec<StateSet>,
    /// From which states each one is reachable.
    reached_from: Vec<StateSet>,
    pub(crate) initial: StateSet,
    /// The initial states and all that is reachable from them.
    pub(crate) initial_reach: StateSet,
    pub(crate) has_transitions: bool,
    pub(crate) has_initial: bool,
}

impl StateMachine {
    /// Takes every state that `initial` and `transitions` name; the caller has refused more than [`MAX_STATES`].
    pub(crate) fn of(policy: &TablePolicy) -> Self {
        let names = state_names(policy);
        let id = |name: &String| names.iter().position(|n| n == name);
        let mut edges = vec![0; names.len()];
        for (from, to) in &policy.transitions {
            if let Some(from) = id(from) {
                edges[from] = to.iter().filter_map(id).fold(0, |set, to| set | 1 << to);
            }
        }
        let reach: Vec<StateSet> = (0..names.len())
            .map(|s| closure(&edges, edges[s], 0))
            .collect();
        let reached_from = (0..names.len())
            .map(|to| {
                (0..names.len())
                    .filter(|from| reach[*from] & 1 << to != 0)
                    .fold(0, |set, from| set | 1 << from)
            })
            .collect();
        let initial = policy
            .initial
            .iter()
            .filter_map(id)
            .fold(0, |set, s| set | 1 << s);
        Self {
            initial,
            initial_reach: if policy.transitions.is_empty() {
                StateSet::MAX
            } else {
                initial | closure(&edges, initial_steps(&edges, initial), 0)
            },
            has_transitions: !policy.transitions.is_empty(),
            has_initial: !policy.initial.is_empty(),
            names,
            edges,
            reach,
            reached_from,
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn id(&self, value: ValueRef<'_>) -> StateId {
        let found = match value {
            ValueRef::Text(text) => self.names.iter().position(|n| n.as_bytes() == text),
            // A shop may number its states; the policy writes the number as text.
            ValueRef::Integer(i) => self.names.iter().position(|n| n.parse() == Ok(i)),
            _ => None,
        };
        found.map_or(UNKNOWN, |i| i as StateId)
    }

    pub(crate) fn set<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> StateSet {
        names
            .into_iter()
            .filter_map(|name| self.names.iter().position(|n| n == name))
            .fold(0, |set, s| set | 1 << s)
    }

    pub(crate) fn may_go(&self, from: StateId, to: StateId, unseen_steps: bool) -> bool {
        if !self.has_transitions {
            return true;
        }
        let table = if unseen_steps {
            &self.reach
        } else {
            &self.edges
        };
        table
            .get(usize::from(from))
            .is_some_and(|set| set & bit(to) != 0)
    }

    pub(crate) fn may_begin(&self, state: StateId, unseen_steps: bool) -> bool {
        let set = if unseen_steps {
            self.initial_reach
        } else {
            self.initial
        };
        !self.has_initial || set & bit(state) != 0
    }

    /// States that a row passed on its way, both ends with it.
    pub(crate) fn passed(&self, from: StateId, to: StateId, unseen_steps: bool) -> StateSet {
        let ends = bit(from) | bit(to);
        if !unseen_steps || from == to {
            return ends;
        }
        let onward = if from == ABSENT {
            self.initial_reach
        } else {
            self.reach.get(usize::from(from)).copied().unwrap_or(0)
        };
        ends | onward & self.reached_from.get(usize::from(to)).copied().unwrap_or(0)
    }

    /// The states that cannot be reached from `from` ([`ABSENT`]: from the start of a row)
    /// without passing through one of `gates`.
    pub(crate) fn behind(&self, from: StateId, gates: StateSet) -> StateSet {
        let (all, free) = if from == ABSENT {
            let open = self.initial & !gates;
            (
                self.initial_reach,
                open | closure(&self.edges, initial_steps(&self.edges, open), gates),
            )
        } else {
            let steps = self.edges.get(usize::from(from)).copied().unwrap_or(0);
            let all = self.reach.get(usize::from(from)).copied().unwrap_or(0);
            (all, closure(&self.edges, steps, gates))
        };
        all & !free
    }
}

/// Every state that `initial` and `transitions` name, in order of first mention. Without
/// transitions a row may be in any state, and those that other rules speak of are states too.
pub(crate) fn state_names(policy: &TablePolicy) -> Vec<String> {
    let mut names: Vec<&String> = policy.initial.iter().collect();
    for (from, to) in &policy.transitions {
        names.push(from);
        names.extend(to);
    }
    if policy.transitions.is_empty() {
        names.extend(policy.requires.keys());
        names.extend(policy.frozen.iter().flat_map(|f| &f.from));
        names.extend(policy.sum.iter().flat_map(|s| &s.states));
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names.into_iter().cloned().collect()
}

fn initial_steps(edges: &[StateSet], from: StateSet) -> StateSet {
    members(from).fold(0, |set, s| set | edges.get(s).copied().unwrap_or(0))
}

/// What `start` reaches when no step goes into `closed`.
fn closure(edges: &[StateSet], start: StateSet, closed: StateSet) -> StateSet {
    let mut seen = start & !closed;
    loop {
        let next = seen | initial_steps(edges, seen) & !closed;
        if next == seen {
            return seen;
        }
        seen = next;
    }
}

fn members(set: StateSet) -> impl Iterator<Item = usize> {
    (0..64).filter(move |s| set >> s & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> StateMachine {
        let mut policy = TablePolicy {
            initial: vec!["placed".into()],
            ..TablePolicy::default()
        };
        for (from, to) in [
            ("placed", vec!["paid", "cancelled"]),
            ("paid", vec!["shipped", "refunded"]),
        ] {
            policy
                .transitions
                .insert(from.into(), to.into_iter().map(Into::into).collect());
        }
        StateMachine::of(&policy)
    }

    #[test]
    fn one_step_and_several_are_told_apart() {
        let shop = shop();
        let id = |name: &str| shop.id(ValueRef::Text(name.as_bytes()));
        assert!(shop.may_go(id("placed"), id("paid"), false));
        assert!(!shop.may_go(id("placed"), id("shipped"), false));
        assert!(shop.may_go(id("placed"), id("shipped"), true));
        assert!(!shop.may_go(id("cancelled"), id("paid"), true));
        assert!(!shop.may_go(UNKNOWN, id("paid"), true));
        assert!(shop.may_begin(id("shipped"), true) && !shop.may_begin(id("shipped"), false));
        assert!(!shop.may_begin(id("stolen"), true));
    }

    #[test]
    fn what_lies_behind_a_gate_needs_the_gate() {
        let shop = shop();
        let id = |name: &str| shop.id(ValueRef::Text(name.as_bytes()));
        let paid = bit(id("paid"));
        let behind = paid | bit(id("shipped")) | bit(id("refunded"));
        assert_eq!(shop.behind(ABSENT, paid), behind);
        assert_eq!(shop.behind(id("placed"), paid), behind);
        assert_eq!(shop.behind(id("paid"), paid), 0);
        assert_eq!(
            shop.passed(id("placed"), id("shipped"), true),
            bit(id("placed")) | paid | bit(id("shipped"))
        );
    }
}
