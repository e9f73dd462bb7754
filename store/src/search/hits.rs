//! Which incidents a search finds: by falling number, each once, without the hidden ones.
//!
//! Deliberately not here: how each database keeps the words (`fts5`, `tsvector`).

use super::tsvector::Question;
use super::{Asked, Place, fts5};
use crate::incident_index::PARTS;
use crate::incident_list::{Cursor, Line, ListQuery, MAX_COUNTED, by_numbers};
use crate::sql::{Connection, Dialect, SqlError, values};
use model::IncidentId;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Parts that a server is asked for at once; a page mostly needs no more.
const WINDOW: i64 = 2_048;

/// A search. Hits come by falling number, so that a page ends the look-up.
pub(crate) struct Search<'a> {
    asked: &'a Asked,
    /// The filters.
    tags: Vec<String>,
    hidden: &'a BTreeSet<i64>,
    /// The first and the last number of the period.
    range: (i64, i64),
    period: Option<(i64, i64)>,
}

impl<'a> Search<'a> {
    pub fn of(
        db: &Connection,
        query: &ListQuery,
        asked: &'a Asked,
        hidden: &'a BTreeSet<i64>,
    ) -> Result<Self, SqlError> {
        let period = (query.from.is_some() || query.before.is_some()).then(|| {
            let from = query.from.map_or(i64::MIN, |at| at.0);
            (from, query.before.map_or(i64::MAX, |at| at.0))
        });
        let range = match period {
            None => (0, i64::MAX / PARTS - 1),
            Some((from, before)) => {
                let sql = "SELECT min(number), max(number) FROM incident WHERE opened_at >= ?1 AND opened_at < ?2";
                db.one(sql, values![from, before], |row| {
                    let number = |i| row.get::<Option<i64>>(i);
                    Ok((number(0)?.unwrap_or(1), number(1)?.unwrap_or(0)))
                })?
            }
        };
        Ok(Self {
            asked,
            tags: tags(query),
            hidden,
            range,
            period,
        })
    }

    /// Hits up to [`MAX_COUNTED`], and whether there are more.
    pub fn count(&self, db: &Connection) -> Result<(u64, bool), SqlError> {
        let most = MAX_COUNTED as usize + 1;
        let count = self.hits(db, Place::Anywhere, self.range.1, most)?.len() as u64;
        Ok((count.min(MAX_COUNTED), count > MAX_COUNTED))
    }

    pub fn lines(
        &self,
        db: &Connection,
        query: &ListQuery,
        most: usize,
    ) -> Result<Vec<Line>, SqlError> {
        let (mut kind, mut last) = (0, self.range.1);
        if let Some(after) = &query.after {
            kind = after.key;
            let sql = "SELECT number FROM incident WHERE id = ?1";
            let number: Option<i64> =
                db.optional(sql, values![after.id.as_str()], |row| row.get(0))?;
            last = number.unwrap_or(0).min(last + 1) - 1;
        }
        let mut lines = Vec::new();
        if kind == 0 {
            self.add(db, Place::Names, last, most, (0, &mut lines))?;
            last = self.range.1;
        }
        let left = most - lines.len();
        if left > 0 {
            self.add(db, Place::Elsewhere, last, left, (1, &mut lines))?;
        }
        Ok(lines)
    }

    fn add(
        &self,
        db: &Connection,
        place: Place,
        last: i64,
        most: usize,
        (key, lines): (i64, &mut Vec<Line>),
    ) -> Result<(), SqlError> {
        let numbers = self.hits(db, place, last, most)?;
        let one = "SELECT number, id FROM incident WHERE number = ?1";
        let all = "SELECT number, id FROM incident
                   WHERE number = ANY (CAST(string_to_array(?1, ',') AS BIGINT[]))";
        let ids = by_numbers(db, one, all, &numbers)?;
        lines.extend(numbers.into_iter().zip(ids).map(|(number, id)| {
            let cursor = Cursor {
                key,
                id: IncidentId(id),
            };
            Line { number, cursor }
        }));
        Ok(())
    }

    /// Numbers of incidents that are found in the place, falling from `last`, each once.
    fn hits(
        &self,
        db: &Connection,
        place: Place,
        last: i64,
        most: usize,
    ) -> Result<Vec<i64>, SqlError> {
        let (low, high) = (self.range.0 * PARTS, last * PARTS + PARTS - 1);
        let mut found = Found {
            hidden: self.hidden,
            seen: None,
            numbers: Vec::new(),
            most,
        };
        match db.dialect() {
            Dialect::Sqlite => {
                let expression = fts5::expression(self.asked, place, &self.tags);
                db.each(fts5::HITS, values![&expression, low, high], |row| {
                    found.take(row.get(0)?, |number| self.in_period(db, number))
                })?;
            }
            Dialect::Postgres => self.ask_by_windows(db, place, (low, high), &mut found)?,
        }
        Ok(found.numbers)
    }

    fn ask_by_windows(
        &self,
        db: &Connection,
        place: Place,
        (low, mut high): (i64, i64),
        found: &mut Found<'_>,
    ) -> Result<(), SqlError> {
        let question = Question::of(self.asked, place, &self.tags, self.period);
        loop {
            let mut values = values![low, high, WINDOW].to_vec();
            values.extend(question.values.iter().cloned());
            let mut rows = 0;
            db.each(&question.sql, &values, |row| {
                rows += 1;
                let part: i64 = row.get(0)?;
                high = part - 1;
                found.take(part, |_| Ok(true))
            })?;
            if rows < WINDOW || found.numbers.len() >= found.most {
                return Ok(());
            }
        }
    }

    /// Numbers follow the openings, but for a clock that went back.
    fn in_period(&self, db: &Connection, number: i64) -> Result<bool, SqlError> {
        let Some((from, before)) = self.period else {
            return Ok(true);
        };
        let sql = "SELECT opened_at FROM incident WHERE number = ?1";
        let at: i64 = db.one(sql, values![number], |row| row.get(0))?;
        Ok((from..before).contains(&at))
    }
}

/// Collects the numbers of parts that come by falling number.
struct Found<'a> {
    hidden: &'a BTreeSet<i64>,
    seen: Option<i64>,
    numbers: Vec<i64>,
    most: usize,
}

impl Found<'_> {
    fn take(
        &mut self,
        part: i64,
        wanted: impl FnOnce(i64) -> Result<bool, SqlError>,
    ) -> Result<ControlFlow<()>, SqlError> {
        let number = part / PARTS;
        let again = self.seen.replace(number) == Some(number);
        if !again && !self.hidden.contains(&number) && wanted(number)? {
            self.numbers.push(number);
        }
        Ok(match self.numbers.len() < self.most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    }
}

fn tags(query: &ListQuery) -> Vec<String> {
    let mut tags = Vec::new();
    tags.extend((query.risk).map(|risk| format!("_{}", risk.to_ascii_lowercase())));
    tags.extend(query.grade.map(|grade| format!("_grade{grade}")));
    let one_of = |which: bool, yes: &str, no: &str| (if which { yes } else { no }).to_owned();
    tags.extend(query.open.map(|open| one_of(open, "_open", "_closed")));
    tags.extend((query.exercise).map(|exercise| one_of(exercise, "_exercise", "_real")));
    tags
}
