//! Lists of incidents: filtered, searched, a page at a time, as if the hidden ones did not exist.
//!
//! A page costs the same at the end of a list as at its beginning: it goes on behind the last
//! line of the page before. Deliberately not here: who may see what (room `desk`).

use crate::incident_index::PARTS;
use crate::search::Asked;
use crate::{Store, StoreError};
use model::{IncidentId, Instant, SourceName};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::collections::BTreeSet;

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
    key: i64,
    id: IncidentId,
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
struct Line {
    number: i64,
    cursor: Cursor,
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
                    let search = Search::of(db, query, asked, hidden)?;
                    let (count, more) = search.count(db)?;
                    (search.lines(db, query, most + 1)?, count, more)
                }
            };
            let further = lines.len() > most;
            lines.truncate(most);
            Ok(ListPage {
                heads: heads(db, &lines)?,
                next: lines.pop().filter(|_| further).map(|line| line.cursor),
                count,
                more,
            })
        })
    }

    /// Incidents that are open or still worked on, in the order in which they were opened.
    pub fn active_incidents(&self) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT id FROM incident WHERE active = 1 ORDER BY number";
        self.read(|db| {
            db.prepare_cached(sql)?
                .query_map([], |row| row.get::<_, String>(0).map(IncidentId))?
                .collect()
        })
    }

    /// Heads of incidents that not everybody may know of.
    pub fn restricted_heads(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT json FROM incident_head WHERE number IN (SELECT number FROM incident WHERE restricted = 1)";
        self.read(|db| {
            db.prepare_cached(sql)?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Rows of a source that people decided may stay as they are, over all incidents.
    pub fn accepted_rows(&self, source: &SourceName) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(accepted_rows), 0) FROM incident WHERE source = ?1 AND accepted_rows > 0";
        self.read(|db| {
            db.prepare_cached(sql)?
                .query_row([source.as_str()], |row| row.get::<_, i64>(0))
        })
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
            db.prepare_cached(sql)?
                .query_map([number as i64, i64::from(limit)], |row| {
                    Ok((row.get::<_, i64>(0)? as u64, IncidentId(row.get(1)?)))
                })?
                .collect()
        })
    }
}

/// Numbers of the incidents that are not to be shown. An unknown one hides nothing.
fn numbers(db: &Connection, hidden: &BTreeSet<IncidentId>) -> rusqlite::Result<BTreeSet<i64>> {
    let mut find = db.prepare_cached("SELECT number FROM incident WHERE id = ?1")?;
    let mut numbers = BTreeSet::new();
    for id in hidden {
        numbers.extend(
            find.query_row([id.as_str()], |row| row.get::<_, i64>(0))
                .optional()?,
        );
    }
    Ok(numbers)
}

fn heads(db: &Connection, lines: &[Line]) -> rusqlite::Result<Vec<String>> {
    let mut find = db.prepare_cached("SELECT json FROM incident_head WHERE number = ?1")?;
    let heads = lines.iter();
    heads
        .map(|line| find.query_row([line.number], |row| row.get(0)))
        .collect()
}

/// What a list without a search is filtered by. All columns stand in the index of each order.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn of(query: &ListQuery, hidden: &BTreeSet<i64>) -> Self {
        let mut all = Self {
            sql: "1 = 1".to_owned(),
            values: Vec::new(),
        };
        if let Some(risk) = query.risk {
            all.and("risk = ?", Value::Text(risk.to_owned()));
        }
        if let Some(grade) = query.grade {
            all.and("grade = ?", Value::Integer(grade.into()));
        }
        if let Some(exercise) = query.exercise {
            all.and("exercise = ?", Value::Integer(exercise.into()));
        }
        if let Some(from) = query.from {
            all.and("opened_at >= ?", Value::Integer(from.0));
        }
        if let Some(before) = query.before {
            all.and("opened_at < ?", Value::Integer(before.0));
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

    fn and(&mut self, condition: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value);
    }

    fn count(&self, db: &Connection) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM incident WHERE {}", self.sql);
        let count: i64 = db
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(count as u64)
    }

    fn lines(
        &self,
        db: &Connection,
        query: &ListQuery,
        most: usize,
    ) -> rusqlite::Result<Vec<Line>> {
        let at = match query.order {
            ListOrder::Opened => "opened_at",
            ListOrder::LastRecorded => "last_at",
        };
        let (mut sql, mut values) = (self.sql.clone(), self.values.clone());
        if let Some(after) = &query.after {
            sql.push_str(&format!(" AND ({at}, id) < (?, ?)"));
            values.push(Value::Integer(after.key));
            values.push(Value::Text(after.id.to_string()));
        }
        let sql = format!(
            "SELECT number, {at}, id FROM incident WHERE {sql} ORDER BY {at} DESC, id DESC LIMIT {most}"
        );
        db.prepare_cached(&sql)?
            .query_map(params_from_iter(values), |row| {
                Ok(Line {
                    number: row.get(0)?,
                    cursor: Cursor {
                        key: row.get(1)?,
                        id: IncidentId(row.get(2)?),
                    },
                })
            })?
            .collect()
    }
}

/// A search. Hits come by falling number, so that a page ends the look-up.
struct Search {
    /// In the names, with the filters.
    by_name: String,
    /// Anywhere, with the filters.
    anywhere: String,
    /// Anywhere but not in the names, with the filters.
    elsewhere: String,
    hidden: BTreeSet<i64>,
    /// The first and the last number of the period.
    range: (i64, i64),
    period: Option<(i64, i64)>,
}

impl Search {
    fn of(
        db: &Connection,
        query: &ListQuery,
        asked: &Asked,
        hidden: BTreeSet<i64>,
    ) -> rusqlite::Result<Self> {
        let mut tags = Vec::new();
        tags.extend(
            query
                .risk
                .map(|risk| format!("_{}", risk.to_ascii_lowercase())),
        );
        tags.extend(query.grade.map(|grade| format!("_grade{grade}")));
        let one_of = |which: bool, yes: &str, no: &str| (if which { yes } else { no }).to_owned();
        tags.extend(query.open.map(|open| one_of(open, "_open", "_closed")));
        tags.extend((query.exercise).map(|exercise| one_of(exercise, "_exercise", "_real")));
        let tags: String = tags
            .iter()
            .map(|t| format!(" AND tags : \"{t}\""))
            .collect();
        let (names, both) = (asked.fts5("names"), asked.fts5("names body"));
        let period = (query.from.is_some() || query.before.is_some()).then(|| {
            let from = query.from.map_or(i64::MIN, |at| at.0);
            (from, query.before.map_or(i64::MAX, |at| at.0))
        });
        let range = match period {
            None => (0, i64::MAX / PARTS - 1),
            Some((from, before)) => db
                .prepare_cached("SELECT min(number), max(number) FROM incident WHERE opened_at >= ?1 AND opened_at < ?2")?
                .query_row([from, before], |row| {
                    let number = |i| row.get::<_, Option<i64>>(i);
                    Ok((number(0)?.unwrap_or(1), number(1)?.unwrap_or(0)))
                })?,
        };
        Ok(Self {
            by_name: format!("({names}){tags}"),
            anywhere: format!("({both}){tags}"),
            elsewhere: format!("(({both}){tags}) NOT ({names})"),
            hidden,
            range,
            period,
        })
    }

    /// Hits up to [`MAX_COUNTED`], and whether there are more.
    fn count(&self, db: &Connection) -> rusqlite::Result<(u64, bool)> {
        let found = self.hits(db, &self.anywhere, self.range.1, MAX_COUNTED as usize + 1)?;
        let count = found.len() as u64;
        Ok((count.min(MAX_COUNTED), count > MAX_COUNTED))
    }

    fn lines(
        &self,
        db: &Connection,
        query: &ListQuery,
        most: usize,
    ) -> rusqlite::Result<Vec<Line>> {
        let (mut kind, mut last) = (0, self.range.1);
        if let Some(after) = &query.after {
            kind = after.key;
            let number: Option<i64> = db
                .prepare_cached("SELECT number FROM incident WHERE id = ?1")?
                .query_row([after.id.as_str()], |row| row.get(0))
                .optional()?;
            last = number.unwrap_or(0).min(last + 1) - 1;
        }
        let mut lines = Vec::new();
        if kind == 0 {
            self.add(db, &self.by_name, last, most, (0, &mut lines))?;
            last = self.range.1;
        }
        let left = most - lines.len();
        if left > 0 {
            self.add(db, &self.elsewhere, last, left, (1, &mut lines))?;
        }
        Ok(lines)
    }

    fn add(
        &self,
        db: &Connection,
        expression: &str,
        last: i64,
        most: usize,
        (key, lines): (i64, &mut Vec<Line>),
    ) -> rusqlite::Result<()> {
        let mut id = db.prepare_cached("SELECT id FROM incident WHERE number = ?1")?;
        for number in self.hits(db, expression, last, most)? {
            let id = IncidentId(id.query_row([number], |row| row.get(0))?);
            let cursor = Cursor { key, id };
            lines.push(Line { number, cursor });
        }
        Ok(())
    }

    /// Numbers of incidents that the expression finds, falling from `last`, each once.
    fn hits(
        &self,
        db: &Connection,
        expression: &str,
        last: i64,
        most: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let sql = "SELECT rowid FROM incident_text WHERE incident_text MATCH ?1
                   AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC";
        let mut opened = db.prepare_cached("SELECT opened_at FROM incident WHERE number = ?1")?;
        let mut find = db.prepare_cached(sql)?;
        let (low, high) = (self.range.0 * PARTS, last * PARTS + PARTS - 1);
        let values = [
            Value::Text(expression.to_owned()),
            Value::Integer(low),
            Value::Integer(high),
        ];
        let mut rows = find.query(params_from_iter(values))?;
        let (mut found, mut seen) = (Vec::new(), None);
        while found.len() < most {
            let Some(row) = rows.next()? else {
                break;
            };
            let number = row.get::<_, i64>(0)? / PARTS;
            if seen.replace(number) == Some(number) || self.hidden.contains(&number) {
                continue;
            }
            // Numbers follow the openings, but for a clock that went back.
            if let Some((from, before)) = self.period {
                let at: i64 = opened.query_row([number], |row| row.get(0))?;
                if !(from..before).contains(&at) {
                    continue;
                }
            }
            found.push(number);
        }
        Ok(found)
    }
}
