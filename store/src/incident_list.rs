//! Lists of incidents: filtered, searched, a page at a time, as if the hidden ones did not exist.
//!
//! A page costs the same at the end of a list as at its beginning: it goes on behind the last
//! line of the page before. Deliberately not here: who may see what (room `desk`).

use crate::search::{Asked, Search};
use crate::sql::{Connection, Dialect, SqlError, Value, values};
use crate::{Store, StoreError};
use model::{IncidentId, Instant, SourceName};
use std::collections::{BTreeSet, HashMap};

/// Lines of one page at most.
pub const MAX_LIST_PAGE: u32 = 500;
/// Hits of a search are counted up to here; beyond it the page says "more than".
pub const MAX_COUNTED: u64 = 1_000;
/// Incidents that can be hidden from one viewer; with more, nothing is listed rather than too much.
pub const MAX_HIDDEN: usize = 10_000;

/// Which incidents. The default is all of them, the newest first.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// As a person typed it; empty: no search. Hits come names first, then the newest.
    pub words: String,
    /// `R1` to `R4`
    pub risk: Option<&'static str>,
    /// 1 is the gravest.
    pub grade: Option<u8>,
    pub open: Option<bool>,
    pub exercise: Option<bool>,
    /// Opened at this time or later.
    pub from: Option<Instant>,
    /// Opened before this time.
    pub before: Option<Instant>,
    /// Not looked at in a search.
    pub order: ListOrder,
    pub after: Option<Cursor>,
    /// Lines of the page, at most [`MAX_LIST_PAGE`].
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// The last opened first.
    #[default]
    Opened,
    /// The one that something was last recorded for first.
    LastRecorded,
}

/// The place behind a line. It says nothing that the line does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// A time of the list's order, or of a search 0 for hits in names and 1 for the others.
    pub(crate) key: i64,
    pub(crate) id: IncidentId,
}

impl Cursor {
    /// `None`: not a cursor that [`Cursor::to_string`] made.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, id) = text.split_once('.')?;
        Some(Self {
            key: key.parse().ok()?,
            id: IncidentId::new(id),
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.key, self.id)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The heads as JSON.
    pub heads: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
    /// Incidents of all pages.
    pub count: u64,
    /// There are more than [`ListPage::count`]; only of a search.
    pub more: bool,
}

/// A line before its head is read.
pub(crate) struct Line {
    pub number: i64,
    pub cursor: Cursor,
}

impl Store {
    /// A page of what the query asks for, without the hidden ones.
    pub fn list(
        &self,
        query: &ListQuery,
        hidden: &BTreeSet<IncidentId>,
    ) -> Result<ListPage, StoreError> {
        if hidden.len() > MAX_HIDDEN {
            return Err(StoreError::TooManyHidden { most: MAX_HIDDEN });
        }
        let most = query.limit.clamp(1, MAX_LIST_PAGE) as usize;
        let asked = Asked::of(&query.words);
        self.read(|db| {
            let hidden = numbers(db, hidden)?;
            let (mut lines, count, more) = match &asked {
                // Words that hold no letter or digit find nothing.
                None if !query.words.trim().is_empty() => (Vec::new(), 0, false),
                None => {
                    let conditions = Conditions::of(query, &hidden);
                    let lines = conditions.lines(db, query, most + 1)?;
                    (lines, conditions.count(db)?, false)
                }
                Some(asked) => {
                    let search = Search::of(db, query, asked, &hidden)?;
                    let (count, more) = search.count(db)?;
                    (search.lines(db, query, most + 1)?, count, more)
                }
            };
            let further = lines.len() > most;
            lines.truncate(most);
            Ok(ListPage {
                heads: heads(db, &numbers_of(&lines))?,
                next: lines.pop().filter(|_| further).map(|line| line.cursor),
                count,
                more,
            })
        })
    }

    /// Incidents that are open or still worked on, in the order in which they were opened.
    pub fn active_incidents(&self) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT id FROM incident WHERE active = 1 ORDER BY number";
        self.read(|db| db.query(sql, &[], |row| row.get(0).map(IncidentId)))
    }

    /// Heads of incidents that not everybody may know of.
    pub fn restricted_heads(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT json FROM incident_head WHERE number IN (SELECT number FROM incident WHERE restricted = 1)";
        self.read(|db| db.query(sql, &[], |row| row.get(0)))
    }

    /// Rows of a source that people decided may stay as they are, over all incidents.
    pub fn accepted_rows(&self, source: &SourceName) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(coalesce(sum(accepted_rows), 0) AS BIGINT) FROM incident
                   WHERE source = ?1 AND accepted_rows > 0";
        self.read(|db| db.one(sql, values![source.as_str()], |row| row.get::<i64>(0)))
            .map(|n| n as u64)
    }

    /// Openings after a number that are not in the index, in the order in which they were stored: number and incident.
    pub fn openings_after(
        &self,
        number: u64,
        limit: u32,
    ) -> Result<Vec<(u64, IncidentId)>, StoreError> {
        let sql = "SELECT number, incident FROM fact WHERE sequence = 0 AND number > ?1
                   AND NOT EXISTS (SELECT 1 FROM incident WHERE id = fact.incident) ORDER BY number LIMIT ?2";
        self.read(|db| {
            db.query(sql, values![number as i64, limit], |row| {
                Ok((row.get::<i64>(0)? as u64, IncidentId(row.get(1)?)))
            })
        })
    }
}

/// Numbers of the incidents that are not to be shown. An unknown one hides nothing.
fn numbers(db: &Connection, hidden: &BTreeSet<IncidentId>) -> Result<BTreeSet<i64>, SqlError> {
    let mut numbers = BTreeSet::new();
    match db.dialect() {
        Dialect::Sqlite => {
            let sql = "SELECT number FROM incident WHERE id = ?1";
            for id in hidden {
                numbers.extend(db.optional(sql, values![id.as_str()], |row| row.get::<i64>(0))?);
            }
        }
        // One way to the server for all of them; no id holds the end of a line.
        Dialect::Postgres => {
            let ids: Vec<&str> = hidden.iter().map(IncidentId::as_str).collect();
            let sql = "SELECT number FROM incident WHERE id = ANY (string_to_array(?1, chr(10)))";
            numbers.extend(db.query(sql, values![ids.join("\n")], |row| row.get::<i64>(0))?);
        }
    }
    Ok(numbers)
}

fn numbers_of(lines: &[Line]) -> Vec<i64> {
    lines.iter().map(|line| line.number).collect()
}

fn heads(db: &Connection, numbers: &[i64]) -> Result<Vec<String>, SqlError> {
    let one = "SELECT number, json FROM incident_head WHERE number = ?1";
    let all = "SELECT number, json FROM incident_head
               WHERE number = ANY (CAST(string_to_array(?1, ',') AS BIGINT[]))";
    by_numbers(db, one, all, numbers)
}

/// A text of each of these numbers, in their order: number by number from a file, in one question
/// to a server.
pub(crate) fn by_numbers(
    db: &Connection,
    one: &str,
    all: &str,
    numbers: &[i64],
) -> Result<Vec<String>, SqlError> {
    if db.dialect() == Dialect::Sqlite {
        let text = |number: &i64| db.one(one, values![*number], |row| row.get(1));
        return numbers.iter().map(text).collect();
    }
    let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
    let found = db.query(all, values![list.join(",")], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?))
    })?;
    let mut found: HashMap<i64, String> = found.into_iter().collect();
    let text = |number| found.remove(number).ok_or(SqlError::NoRow);
    numbers.iter().map(text).collect()
}

/// What a list without a search is filtered by. All columns stand in the index of each order.
struct Conditions {
    sql: String,
    values: Vec<Value<'static>>,
}

impl Conditions {
    fn of(query: &ListQuery, hidden: &BTreeSet<i64>) -> Self {
        let mut all = Self {
            sql: "1 = 1".to_owned(),
            values: Vec::new(),
        };
        if let Some(risk) = query.risk {
            all.and("risk =", risk);
        }
        if let Some(grade) = query.grade {
            all.and("grade =", grade);
        }
        if let Some(exercise) = query.exercise {
            all.and("exercise =", exercise);
        }
        if let Some(from) = query.from {
            all.and("opened_at >=", from.0);
        }
        if let Some(before) = query.before {
            all.and("opened_at <", before.0);
        }
        match query.open {
            Some(true) => all.sql.push_str(" AND closed_at IS NULL"),
            Some(false) => all.sql.push_str(" AND closed_at IS NOT NULL"),
            None => {}
        }
        if !hidden.is_empty() {
            // Numbers of our own, and no text: they can stand in the statement.
            let numbers: Vec<String> = hidden.iter().map(i64::to_string).collect();
            all.sql
                .push_str(&format!(" AND number NOT IN ({})", numbers.join(",")));
        }
        all
    }

    fn and(&mut self, condition: &str, value: impl Into<Value<'static>>) {
        self.values.push(value.into());
        let place = self.values.len();
        self.sql.push_str(&format!(" AND {condition} ?{place}"));
    }

    fn count(&self, db: &Connection) -> Result<u64, SqlError> {
        let sql = format!("SELECT count(*) FROM incident WHERE {}", self.sql);
        let count: i64 = db.one(&sql, &self.values, |row| row.get(0))?;
        Ok(count as u64)
    }

    fn lines(
        &self,
        db: &Connection,
        query: &ListQuery,
        most: usize,
    ) -> Result<Vec<Line>, SqlError> {
        let at = match query.order {
            ListOrder::Opened => "opened_at",
            ListOrder::LastRecorded => "last_at",
        };
        let (mut sql, mut values) = (self.sql.clone(), self.values.clone());
        if let Some(after) = &query.after {
            let place = values.len() + 1;
            sql.push_str(&format!(" AND ({at}, id) < (?{place}, ?{})", place + 1));
            values.push(Value::from(after.key));
            values.push(Value::from(after.id.to_string()));
        }
        let sql = format!(
            "SELECT number, {at}, id FROM incident WHERE {sql} ORDER BY {at} DESC, id DESC LIMIT {most}"
        );
        db.query(&sql, &values, |row| {
            Ok(Line {
                number: row.get(0)?,
                cursor: Cursor {
                    key: row.get(1)?,
                    id: IncidentId(row.get(2)?),
                },
            })
        })
    }
}
