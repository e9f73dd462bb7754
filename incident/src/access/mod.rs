//! Need to know: who may see an incident, and who stands in for those who may not.
//!
//! A person named as a suspect, and whoever the plan's rule adds (their reports), neither sees
//! nor finds the incident. [`Access::sees`] is the one answer; every door asks it.
//! Deliberately not here: who reports to whom and who holds a position (room `desk` knows), and
//! the rights to act, which stand in `authority`.

mod decide;
mod stand_in;

pub(crate) use decide::decide;
pub use stand_in::{StandIn, stand_ins};

use model::{AccountId, PositionId};
use plan::ConcealFrom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Suspects of one incident; more than a few dozen is not a suspicion but an attack on the room.
pub const MAX_SUSPECTS: usize = 64;
/// Persons let in beside the positions of a restricted incident.
pub const MAX_ADMITTED: usize = 256;
/// Longest line of managers that is followed; a longer one is a circle.
pub const MAX_MANAGERS: usize = 32;

/// What people and the program may ask about access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "access", rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessCommand {
    /// The operation's reason says why.
    NameSuspect {
        account: AccountId,
    },
    /// The suspicion is gone; the operation's reason says why.
    ClearSuspect {
        account: AccountId,
    },
    /// Only these positions and the persons admitted see it from now on; none: everybody whom
    /// the plan lets see incidents.
    Restrict {
        positions: BTreeSet<PositionId>,
        /// Those that the person looked at; others by now are read again first.
        #[serde(default)]
        seen: Option<BTreeSet<PositionId>>,
    },
    Admit {
        account: AccountId,
    },
    Dismiss {
        account: AccountId,
    },
    /// System: who holds the places of those who may not know.
    #[schemars(skip)]
    SetStandIns {
        stand_ins: Vec<StandIn>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "access", rename_all = "snake_case")]
pub enum AccessFact {
    SuspectNamed { account: AccountId },
    SuspectCleared { account: AccountId },
    Restricted { positions: BTreeSet<PositionId> },
    Admitted { account: AccountId },
    Dismissed { account: AccountId },
    StandInsSet { stand_ins: Vec<StandIn> },
}

impl AccessCommand {
    /// The same for an incident that the person did not look at.
    #[must_use]
    pub fn as_it_stands(&self) -> Self {
        match self {
            Self::Restrict { positions, .. } => Self::Restrict {
                positions: positions.clone(),
                seen: None,
            },
            other => other.clone(),
        }
    }

    /// Whether the access is already as the command would make it.
    pub fn stands(&self, access: &Access) -> bool {
        match self {
            Self::NameSuspect { account } => access.suspects.contains(account),
            Self::ClearSuspect { account } => !access.suspects.contains(account),
            Self::Restrict { positions, .. } => access.positions == *positions,
            Self::Admit { account } => access.admitted.contains(account),
            Self::Dismiss { account } => !access.admitted.contains(account),
            Self::SetStandIns { stand_ins } => access.stand_ins == *stand_ins,
        }
    }
}

/// Who may see one incident, as its facts have made it. Empty: everybody whom the plan lets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    #[serde(default)]
    pub suspects: BTreeSet<AccountId>,
    /// Empty: no restriction by position.
    #[serde(default)]
    pub positions: BTreeSet<PositionId>,
    #[serde(default)]
    pub admitted: BTreeSet<AccountId>,
    #[serde(default)]
    pub stand_ins: Vec<StandIn>,
}

/// Somebody who asks, with what decides whether they may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub account: AccountId,
    pub positions: Vec<PositionId>,
    /// The person's manager, the manager's manager and so on, nearest first.
    pub managers: Vec<AccountId>,
    /// The line could not be read to its end: whoever is suspected may be in the rest of it.
    pub line_unread: bool,
}

impl Access {
    /// Nobody is kept out beyond the plan's own rule.
    pub fn open(&self) -> bool {
        self.suspects.is_empty() && self.positions.is_empty()
    }

    /// The person is a suspect, or somebody whom a suspect could ask.
    pub fn concealed_from(&self, rule: ConcealFrom, viewer: &Viewer) -> bool {
        let managers = match rule {
            ConcealFrom::SuspectAlone => &[][..],
            _ if viewer.line_unread && !self.suspects.is_empty() => return true,
            ConcealFrom::DirectReports => viewer.managers.get(..1).unwrap_or_default(),
            ConcealFrom::AllReports => &viewer.managers[..],
        };
        std::iter::once(&viewer.account)
            .chain(managers)
            .any(|account| self.suspects.contains(account))
    }

    pub fn sees(&self, rule: ConcealFrom, viewer: &Viewer) -> bool {
        if self.concealed_from(rule, viewer) {
            return false;
        }
        self.positions.is_empty()
            || self.admitted.contains(&viewer.account)
            || viewer.positions.iter().any(|p| self.positions.contains(p))
            || !self.acting(&viewer.positions).is_empty()
    }

    /// The places that somebody with these positions fills here.
    pub fn acting(&self, positions: &[PositionId]) -> Vec<PositionId> {
        let filled = self
            .stand_ins
            .iter()
            .filter(|s| positions.contains(&s.by) && !positions.contains(&s.position));
        filled.map(|s| s.position.clone()).collect()
    }

    pub(crate) fn apply(&mut self, fact: &AccessFact) {
        match fact {
            AccessFact::SuspectNamed { account } => {
                self.suspects.insert(account.clone());
                self.admitted.remove(account);
            }
            AccessFact::SuspectCleared { account } => drop(self.suspects.remove(account)),
            AccessFact::Restricted { positions } => self.positions.clone_from(positions),
            AccessFact::Admitted { account } => drop(self.admitted.insert(account.clone())),
            AccessFact::Dismissed { account } => drop(self.admitted.remove(account)),
            AccessFact::StandInsSet { stand_ins } => self.stand_ins.clone_from(stand_ins),
        }
    }
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 6] = [
    "suspect-named",
    "suspect-cleared",
    "access-restricted",
    "admitted",
    "dismissed",
    "stand-ins-set",
];

impl AccessFact {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::SuspectNamed { .. } => "suspect-named",
            Self::SuspectCleared { .. } => "suspect-cleared",
            Self::Restricted { .. } => "access-restricted",
            Self::Admitted { .. } => "admitted",
            Self::Dismissed { .. } => "dismissed",
            Self::StandInsSet { .. } => "stand-ins-set",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(account: &str, positions: &[&str], managers: &[&str]) -> Viewer {
        Viewer {
            account: AccountId::new(account),
            positions: positions.iter().map(|p| PositionId::new(*p)).collect(),
            managers: managers.iter().map(|m| AccountId::new(*m)).collect(),
            line_unread: false,
        }
    }

    fn suspecting(account: &str) -> Access {
        Access {
            suspects: BTreeSet::from([AccountId::new(account)]),
            ..Access::default()
        }
    }

    #[test]
    fn a_suspect_and_whom_they_could_ask_do_not_see_it() {
        let access = suspecting("boss");
        let cases = [
            (viewer("boss", &["cio"], &[]), [false, false, false]),
            (viewer("direct", &["ciso"], &["boss"]), [true, false, false]),
            (
                viewer("below", &["sysadmin"], &["direct", "boss"]),
                [true, true, false],
            ),
            (viewer("beside", &["head_legal"], &[]), [true, true, true]),
            (
                viewer("above", &["senior_management"], &[]),
                [true, true, true],
            ),
        ];
        let rules = [
            ConcealFrom::SuspectAlone,
            ConcealFrom::DirectReports,
            ConcealFrom::AllReports,
        ];
        for (viewer, expected) in cases {
            let seen = rules.map(|rule| access.sees(rule, &viewer));
            assert_eq!(seen, expected, "{}", viewer.account);
        }
    }

    #[test]
    fn whose_managers_cannot_be_read_sees_nothing_that_may_concern_them() {
        let unread = Viewer {
            line_unread: true,
            ..viewer("beside", &["head_legal"], &[])
        };
        let access = suspecting("boss");
        assert!(!access.sees(ConcealFrom::AllReports, &unread));
        assert!(!access.sees(ConcealFrom::DirectReports, &unread));
        assert!(access.sees(ConcealFrom::SuspectAlone, &unread));
        assert!(Access::default().sees(ConcealFrom::AllReports, &unread));
    }

    #[test]
    fn a_restricted_incident_is_seen_by_its_positions_the_admitted_and_who_stands_in() {
        let mut access = Access {
            positions: BTreeSet::from([PositionId::new("cio"), PositionId::new("head_legal")]),
            ..Access::default()
        };
        let all = ConcealFrom::AllReports;
        let engineer = viewer("engineer", &["security_engineer"], &[]);
        assert!(access.sees(all, &viewer("lead", &["cio"], &[])));
        assert!(!access.sees(all, &engineer));
        access.apply(&AccessFact::Admitted {
            account: AccountId::new("engineer"),
        });
        assert!(access.sees(all, &engineer));
        // A suspicion goes before an admission, and takes it away.
        access.apply(&AccessFact::SuspectNamed {
            account: AccountId::new("engineer"),
        });
        assert!(!access.sees(all, &engineer));
        access.apply(&AccessFact::SuspectCleared {
            account: AccountId::new("engineer"),
        });
        assert!(
            !access.sees(all, &engineer),
            "cleared, and not admitted again"
        );
        access.apply(&AccessFact::StandInsSet {
            stand_ins: vec![StandIn {
                position: PositionId::new("cio"),
                by: PositionId::new("head_support"),
            }],
        });
        let support = viewer("support", &["head_support"], &[]);
        assert!(access.sees(all, &support));
        assert_eq!(access.acting(&support.positions), [PositionId::new("cio")]);
        assert_eq!(access.acting(&engineer.positions), []);
    }
}
