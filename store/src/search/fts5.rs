//! The words in SQLite: a contentless FTS5 table, asked in FTS5's own language.
//!
//! Words hold letters and digits only, so that nothing of that language can stand in them.

use super::{Asked, Place, TextPart};
use crate::sql::{Connection, SqlError, values};

/// Parts that hold what is asked for, the newest first: expression, first part, last part.
pub(crate) const HITS: &str = "SELECT rowid FROM incident_text WHERE incident_text MATCH ?1
                               AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC";

pub(crate) fn put(
    db: &Connection,
    place: i64,
    part: &TextPart,
    tags: &str,
) -> Result<(), SqlError> {
    let sql =
        "INSERT OR REPLACE INTO incident_text (rowid, names, body, tags) VALUES (?1, ?2, ?3, ?4)";
    db.execute(sql, values![place, &part.names, &part.body, tags])
        .map(drop)
}

pub(crate) fn expression(asked: &Asked, place: Place, tags: &[String]) -> String {
    let tags: String = tags
        .iter()
        .map(|t| format!(" AND tags : \"{t}\""))
        .collect();
    let (names, both) = (phrases(asked, "names"), phrases(asked, "names body"));
    match place {
        Place::Names => format!("({names}){tags}"),
        Place::Anywhere => format!("({both}){tags}"),
        Place::Elsewhere => format!("(({both}){tags}) NOT ({names})"),
    }
}

/// All phrases in the columns given.
fn phrases(asked: &Asked, columns: &str) -> String {
    let all: Vec<String> = asked
        .phrases
        .iter()
        .map(|p| {
            let open = if p.open { " *" } else { "" };
            format!("{{{columns}}} : \"{}\"{open}", p.words.join(" "))
        })
        .collect();
    all.join(" AND ")
}
