//! Why a question about the past has no answer: each with what to ask instead.

use crate::DeskError;
use model::{FindingId, Instant};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Unanswered {
    #[error("there is no finding `{id}`; `balefire findings --json` lists them with their ids")]
    NoFinding { id: FindingId },
    #[error("finding `{id}` names no row; ask for the time around {seen_at} instead")]
    FindingWithoutRow { id: FindingId, seen_at: Instant },
    #[error("the table `{table}` is not guarded; guarded are {known}")]
    UnknownTable { table: String, known: String },
    #[error(
        "`{key}` is no key of `{table}`, which has {columns} columns; write their values in order, with commas between them"
    )]
    BadKey {
        table: String,
        key: String,
        columns: usize,
    },
    #[error(
        "the journal holds no row `{key}` of `{table}` in the entries that were looked through; check the key as the findings show it"
    )]
    NoRow { table: String, key: String },
    #[error(
        "`{table}` `{key}` names no person; give a row that names one, or the column that names persons ({columns}) with its value"
    )]
    NamesNobody {
        table: String,
        key: String,
        columns: String,
    },
    #[error(
        "no row of the person that `{table}` `{key}` names is in the entries that were looked through"
    )]
    NoRowOfPerson { table: String, key: String },
    #[error("the time ends ({until}) before it begins ({from})")]
    Backwards { from: Instant, until: Instant },
    #[error("there are several sources, or none; name one of: {known}")]
    WhichSource { known: String },
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl Unanswered {
    /// The catalogue's name of the reason and the names in it; `None` for failures of the desk.
    pub fn parts(&self) -> Option<(&'static str, Vec<(&'static str, String)>)> {
        Some(match self {
            Self::NoFinding { id } => ("no-finding", vec![("id", id.to_string())]),
            Self::FindingWithoutRow { id, .. } => {
                ("finding-without-row", vec![("id", id.to_string())])
            }
            Self::UnknownTable { table, known } => (
                "unknown-table",
                vec![("table", table.clone()), ("known", known.clone())],
            ),
            Self::BadKey {
                table,
                key,
                columns,
            } => (
                "bad-key",
                vec![
                    ("table", table.clone()),
                    ("key", key.clone()),
                    ("columns", columns.to_string()),
                ],
            ),
            Self::NoRow { table, key } => (
                "no-row",
                vec![("table", table.clone()), ("key", key.clone())],
            ),
            Self::NamesNobody {
                table,
                key,
                columns,
            } => (
                "names-nobody",
                vec![
                    ("table", table.clone()),
                    ("key", key.clone()),
                    ("columns", columns.clone()),
                ],
            ),
            Self::NoRowOfPerson { table, key } => (
                "no-row-of-person",
                vec![("table", table.clone()), ("key", key.clone())],
            ),
            Self::Backwards { .. } => ("backwards", Vec::new()),
            Self::WhichSource { known } => ("which-source", vec![("known", known.clone())]),
            Self::Desk(_) => return None,
        })
    }
}

impl From<Unanswered> for DeskError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Desk(error) => error,
            other => Self::NotFound(other.to_string().into()),
        }
    }
}
