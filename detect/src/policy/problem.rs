//! What is wrong with a policy, in plain words, and the nearest name that may have been meant.

use std::fmt;
use thiserror::Error;

/// Whether the guard can start at all with such a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is refused.
    Problem,
    /// The policy works, but not as well as it could.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct PolicyProblem {
    /// Table of the policy; empty when the whole source is meant.
    pub table: String,
    /// Setting as it is written in the configuration, for example `frozen.columns`.
    pub setting: String,
    pub problem: Problem,
    /// A name that exists and is close to the one that does not.
    pub suggestion: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    TooManyTables {
        most: usize,
    },
    DuplicateTable,
    UnknownTable,
    TooManyColumns {
        most: usize,
    },
    UnknownColumn {
        name: String,
    },
    NoKey,
    DuplicateKeyColumn {
        name: String,
    },
    KeyNotPrimary,
    NoStateColumn,
    TooManyStates {
        most: usize,
    },
    NeverOccurs {
        state: String,
    },
    UnknownState {
        state: String,
    },
    InitialNeverLeft {
        state: String,
    },
    NoInitial,
    NoTransitions,
    UnguardedTable {
        name: String,
    },
    NeedsVia {
        companion: String,
        foreign_keys: usize,
    },
    NotToKey {
        table: String,
    },
    ParentWithoutState {
        parent: String,
    },
    NoVoid,
    VoidParameter {
        name: String,
    },
    PersonalKey {
        name: String,
    },
    PlainKey {
        name: String,
    },
    PlainAndPersonal {
        name: String,
    },
    UnknownKind {
        name: String,
    },
    NoCurrency,
    RepairableKey {
        name: String,
    },
    NothingFrozen,
    DuplicateCheck {
        name: String,
    },
    EmptySql {
        name: String,
    },
    NeedsTransactions,
    NothingNamed,
    NoCompany,
    ViaAndTo,
    HalfAPointer,
    EqualsItself,
    NothingSummed,
    NoNumber {
        name: String,
    },
    UnknownValue {
        column: String,
        value: String,
    },
}

impl PolicyProblem {
    pub fn severity(&self) -> Severity {
        match self.problem {
            Problem::KeyNotPrimary
            | Problem::InitialNeverLeft { .. }
            | Problem::NoInitial
            | Problem::NoTransitions
            | Problem::NoVoid
            | Problem::NothingFrozen
            | Problem::NothingNamed
            | Problem::EqualsItself => Severity::Warning,
            _ => Severity::Problem,
        }
    }

    /// Stable name for the message catalogue.
    pub fn code(&self) -> &'static str {
        match self.problem {
            Problem::TooManyTables { .. } => "policy-too-many-tables",
            Problem::DuplicateTable => "policy-duplicate-table",
            Problem::UnknownTable => "policy-unknown-table",
            Problem::TooManyColumns { .. } => "policy-too-many-columns",
            Problem::UnknownColumn { .. } => "policy-unknown-column",
            Problem::NoKey => "policy-no-key",
            Problem::DuplicateKeyColumn { .. } => "policy-duplicate-key-column",
            Problem::KeyNotPrimary => "policy-key-not-primary",
            Problem::NoStateColumn => "policy-no-state-column",
            Problem::TooManyStates { .. } => "policy-too-many-states",
            Problem::NeverOccurs { .. } => "policy-state-never-occurs",
            Problem::UnknownState { .. } => "policy-unknown-state",
            Problem::InitialNeverLeft { .. } => "policy-initial-never-left",
            Problem::NoInitial => "policy-no-initial",
            Problem::NoTransitions => "policy-no-transitions",
            Problem::UnguardedTable { .. } => "policy-unguarded-table",
            Problem::NeedsVia { .. } => "policy-needs-via",
            Problem::NotToKey { .. } => "policy-not-to-key",
            Problem::ParentWithoutState { .. } => "policy-parent-without-state",
            Problem::NoVoid => "policy-no-void",
            Problem::VoidParameter { .. } => "policy-void-parameter",
            Problem::PersonalKey { .. } => "policy-personal-key",
            Problem::PlainKey { .. } => "policy-plain-key",
            Problem::PlainAndPersonal { .. } => "policy-plain-and-personal",
            Problem::UnknownKind { .. } => "policy-unknown-kind",
            Problem::NoCurrency => "policy-no-currency",
            Problem::RepairableKey { .. } => "policy-repairable-key",
            Problem::NothingFrozen => "policy-nothing-frozen",
            Problem::DuplicateCheck { .. } => "policy-duplicate-check",
            Problem::EmptySql { .. } => "policy-empty-sql",
            Problem::NeedsTransactions => "policy-needs-transactions",
            Problem::NothingNamed => "policy-nothing-named",
            Problem::NoCompany => "policy-no-company",
            Problem::ViaAndTo => "policy-via-and-to",
            Problem::HalfAPointer => "policy-half-a-pointer",
            Problem::EqualsItself => "policy-equals-itself",
            Problem::NothingSummed => "policy-nothing-summed",
            Problem::NoNumber { .. } => "policy-no-number",
            Problem::UnknownValue { .. } => "policy-unknown-value",
        }
    }
}

impl Problem {
    /// What stands for the variables of the message with the problem's code.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let one = |name: &'static str, value: &dyn fmt::Display| vec![(name, value.to_string())];
        match self {
            Self::TooManyTables { most }
            | Self::TooManyColumns { most }
            | Self::TooManyStates { most } => one("most", most),
            Self::NeverOccurs { state }
            | Self::UnknownState { state }
            | Self::InitialNeverLeft { state } => one("state", state),
            Self::UnknownColumn { name }
            | Self::DuplicateKeyColumn { name }
            | Self::UnguardedTable { name }
            | Self::NotToKey { table: name }
            | Self::ParentWithoutState { parent: name }
            | Self::VoidParameter { name }
            | Self::PersonalKey { name }
            | Self::PlainKey { name }
            | Self::PlainAndPersonal { name }
            | Self::UnknownKind { name }
            | Self::RepairableKey { name }
            | Self::DuplicateCheck { name }
            | Self::EmptySql { name }
            | Self::NoNumber { name } => one("name", name),
            Self::NeedsVia {
                companion,
                foreign_keys,
            } => vec![
                ("name", companion.clone()),
                ("count", foreign_keys.to_string()),
            ],
            Self::UnknownValue { column, value } => {
                vec![("name", column.clone()), ("value", value.clone())]
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.table.is_empty() {
            write!(f, "table `{}`, ", self.table)?;
        }
        write!(f, "`{}`: {}", self.setting, self.problem)?;
        if let Some(name) = &self.suggestion {
            write!(f, "; did you mean `{name}`?")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTables { most } => write!(f, "a source may guard {most} tables"),
            Self::DuplicateTable => f.write_str("this table is declared twice"),
            Self::UnknownTable => f.write_str("the shop's database has no such table"),
            Self::TooManyColumns { most } => write!(f, "a guarded table may have {most} columns"),
            Self::UnknownColumn { name } => write!(f, "the table has no column `{name}`"),
            Self::NoKey => f.write_str(
                "name the columns that identify a row, for example `key = [\"id\"]`; \
                 the table declares no primary key",
            ),
            Self::DuplicateKeyColumn { name } => write!(f, "`{name}` is named twice"),
            Self::KeyNotPrimary => f.write_str(
                "these columns are not the table's primary key; two rows with the same values \
                 would be taken for one, so make sure that they are unique",
            ),
            Self::NoStateColumn => {
                f.write_str("this speaks of states, but `state` names no column")
            }
            Self::TooManyStates { most } => write!(f, "a table may have {most} states"),
            Self::NeverOccurs { state } => write!(
                f,
                "no row can ever be in state `{state}`: it is neither in `initial` nor the \
                 target of a transition that can be reached"
            ),
            Self::UnknownState { state } => write!(
                f,
                "`{state}` is no state of the table: neither `initial` nor `transitions` has it"
            ),
            Self::InitialNeverLeft { state } => {
                write!(f, "a row that begins in `{state}` can never leave it")
            }
            Self::NoInitial => f.write_str("not given, so that a new row may begin in any state"),
            Self::NoTransitions => {
                f.write_str("not given, so that a row may go from any state to any other")
            }
            Self::UnguardedTable { name } => write!(
                f,
                "table `{name}` is not guarded; declare it under `[[source.table]]` too"
            ),
            other => other.of_settings(f),
        }
    }
}

impl Problem {
    /// The second half of the table: companions, statements, columns' declarations.
    fn of_settings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsVia {
                companion,
                foreign_keys: 0,
            } => write!(
                f,
                "table `{companion}` has no foreign key to this table; say which of its columns \
                 points here with `via`"
            ),
            Self::NeedsVia {
                companion,
                foreign_keys,
            } => write!(
                f,
                "table `{companion}` has {foreign_keys} foreign keys to this table; say which \
                 column is meant with `via`"
            ),
            Self::NotToKey { table } => {
                write!(f, "the column does not point to the whole key of `{table}`")
            }
            Self::ParentWithoutState { parent } => write!(
                f,
                "this names states of `{parent}`, whose policy names no `state` column"
            ),
            Self::NoVoid => f.write_str(
                "not given, so that forged rows cannot be set aside by a repair; a person must",
            ),
            Self::VoidParameter { name } => {
                write!(f, "parameter `:{name}` is no column of the table's key")
            }
            Self::PersonalKey { name } => write!(
                f,
                "`{name}` is a key column; keys stand in the journal in the clear and cannot be \
                 personal"
            ),
            Self::PlainKey { name } => {
                write!(f, "`{name}` is a key column and needs no mention here")
            }
            Self::PlainAndPersonal { name } => {
                write!(f, "`{name}` is declared both plain and personal")
            }
            Self::UnknownKind { name } => {
                write!(f, "`{name}` is no kind of personal data")
            }
            Self::NoCurrency => f.write_str(
                "say which currency: `currency` names a column, `fixed` a currency for all rows",
            ),
            Self::RepairableKey { name } => {
                write!(f, "`{name}` is a key column; a repair never writes keys")
            }
            Self::NothingFrozen => f.write_str("no column is named, so that nothing is frozen"),
            Self::DuplicateCheck { name } => write!(f, "two checks are named `{name}`"),
            Self::EmptySql { name } => write!(f, "check `{name}` has no SQL"),
            other => other.of_company(f),
        }
    }
}

impl Problem {
    /// The third part: other writes, twins and sums.
    fn of_company(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsTransactions => f.write_str(
                "this speaks of other writes in the same transaction, and this source shows only \
                 states of rows, not transactions; leave the rule out, or say it with `requires` \
                 or `parent`",
            ),
            Self::NothingNamed => {
                f.write_str("both `columns` and `with` must name columns, or the rule says nothing")
            }
            Self::NoCompany => f.write_str(
                "no other write is named, so that every such write would be unlawful; name one, \
                 or use `frozen`, `append_only` or `no_delete`",
            ),
            Self::ViaAndTo => f.write_str(
                "`via` (the other row points here) and `to` (this row points there) exclude each \
                 other; keep one",
            ),
            Self::HalfAPointer => f.write_str(
                "`table` and `via` belong together: the other table, and the column of this one \
                 that points to it",
            ),
            Self::EqualsItself => f.write_str("a column always equals itself; name another"),
            Self::NothingSummed => {
                f.write_str("say what is summed: `terms` of this row, `of` other rows, or both")
            }
            Self::NoNumber { name } => {
                write!(f, "`{name}` is no number; write it like `0.05`")
            }
            Self::UnknownValue { column, value } => {
                write!(
                    f,
                    "`values` of that table does not allow `{value}` in `{column}`"
                )
            }
            // The other parts are worded above.
            _ => Ok(()),
        }
    }
}

/// The candidate nearest to a name that is not known, if one is near enough to be meant:
/// at most a third of its letters apart (one for short names), case aside.
pub fn suggest<'a>(unknown: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let unknown: Vec<char> = unknown.to_lowercase().chars().take(MAX_NAME).collect();
    let limit = (unknown.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| {
            (
                distance(
                    &unknown,
                    &c.to_lowercase().chars().take(MAX_NAME).collect::<Vec<_>>(),
                ),
                c,
            )
        })
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, c)| c.to_owned())
}

/// Names are compared to this length, so that a pasted page costs nothing.
const MAX_NAME: usize = 64;

/// Edits (insert, delete, replace, swap of neighbours) from one name to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let columns = ["id", "status", "total_minor", "customer_id"];
        let check = |unknown| suggest(unknown, columns);
        assert_eq!(check("staus").as_deref(), Some("status"));
        assert_eq!(check("total_mionr").as_deref(), Some("total_minor"));
        assert_eq!(check("Customer_ID").as_deref(), Some("customer_id"));
        assert_eq!(check("di").as_deref(), Some("id"));
        assert_eq!(check("weather"), None);
        assert_eq!(check(""), None);
    }

    #[test]
    fn a_problem_reads_as_one_plain_sentence() {
        let problem = PolicyProblem {
            table: "orders".into(),
            setting: "state".into(),
            problem: Problem::UnknownColumn {
                name: "staus".into(),
            },
            suggestion: Some("status".into()),
        };
        expect_test::expect![[
            "table `orders`, `state`: the table has no column `staus`; did you mean `status`?"
        ]]
        .assert_eq(&problem.to_string());
    }

    /// The catalogue has a message for every code, with the variables that the problem gives.
    #[test]
    fn every_problem_has_its_words_in_both_languages() {
        let name = || "n".to_owned();
        let problems = [
            Problem::TooManyTables { most: 1 },
            Problem::DuplicateTable,
            Problem::UnknownTable,
            Problem::TooManyColumns { most: 1 },
            Problem::UnknownColumn { name: name() },
            Problem::NoKey,
            Problem::DuplicateKeyColumn { name: name() },
            Problem::KeyNotPrimary,
            Problem::NoStateColumn,
            Problem::TooManyStates { most: 1 },
            Problem::NeverOccurs { state: name() },
            Problem::UnknownState { state: name() },
            Problem::InitialNeverLeft { state: name() },
            Problem::NoInitial,
            Problem::NoTransitions,
            Problem::UnguardedTable { name: name() },
            Problem::NeedsVia {
                companion: name(),
                foreign_keys: 0,
            },
            Problem::NotToKey { table: name() },
            Problem::ParentWithoutState { parent: name() },
            Problem::NoVoid,
            Problem::VoidParameter { name: name() },
            Problem::PersonalKey { name: name() },
            Problem::PlainKey { name: name() },
            Problem::PlainAndPersonal { name: name() },
            Problem::UnknownKind { name: name() },
            Problem::NoCurrency,
            Problem::RepairableKey { name: name() },
            Problem::NothingFrozen,
            Problem::DuplicateCheck { name: name() },
            Problem::EmptySql { name: name() },
            Problem::NeedsTransactions,
            Problem::NothingNamed,
            Problem::NoCompany,
            Problem::ViaAndTo,
            Problem::HalfAPointer,
            Problem::EqualsItself,
            Problem::NothingSummed,
            Problem::NoNumber { name: name() },
            Problem::UnknownValue {
                column: name(),
                value: name(),
            },
        ];
        let words = [
            include_str!("../../../document/locales/en/policy.ftl"),
            include_str!("../../../document/locales/zh-CN/policy.ftl"),
        ];
        for problem in problems {
            let variables = problem.variables();
            let problem = PolicyProblem {
                table: String::new(),
                setting: String::new(),
                problem,
                suggestion: None,
            };
            assert!(problem.problem.to_string().len() > 5, "{problem:?}");
            for text in words {
                let start = format!("\n{} = ", problem.code());
                let at = text.find(&start).unwrap_or_else(|| panic!("{start}"));
                let line = text[at + 1..].lines().next().unwrap();
                assert_eq!(line.matches('$').count(), variables.len(), "{line}");
                for (name, _) in &variables {
                    assert!(line.contains(&format!("{{ ${name} }}")), "{line}");
                }
            }
        }
    }
}
