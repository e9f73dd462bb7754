//! The file itself: a first look for its tables and columns, then transaction after transaction.

use super::dump::SchemaDump;
use super::error::TraceError;
use super::group::Groups;
use super::line::{Fields, Line, plain};
use super::tables::{MAX_TRACE_TABLES, Tables};
use model::policy::WriteKind;
use model::{Instant, RowWrite, SourcePolicy, TableSchema, WrittenTransaction};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Two images of a row with large texts; a longer line is no row change.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// A recorded trace, looked through once for its tables.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    tables: Tables,
    lines: u64,
}

/// The transactions of a trace in the order of their ends. Ends after the first error.
#[derive(Debug)]
pub struct Transactions {
    lines: Lines,
    tables: Tables,
    groups: Groups,
    at: (Instant, String),
    ended: bool,
    failed: bool,
}

impl Trace {
    /// Reads the whole file once, with memory for its tables only.
    pub fn open(path: &Path, dump: Option<&SchemaDump>) -> Result<Self, TraceError> {
        let mut tables = Tables::new(dump);
        let mut lines = Lines::open(path)?;
        let mut count = 0;
        while let Some(text) = lines.next()? {
            let line = parse(path, lines.number, &text)?;
            count += 1;
            if !tables.notice(&line) {
                return Err(TraceError::TooManyTables {
                    path: path.to_owned(),
                    most: MAX_TRACE_TABLES,
                });
            }
        }
        if count == 0 {
            return Err(TraceError::Empty {
                path: path.to_owned(),
            });
        }
        tables.settle();
        Ok(Self {
            path: path.to_owned(),
            tables,
            lines: count,
        })
    }

    /// Tables of the dump, then those that only the trace names; `RowWrite::table` counts in it.
    pub fn schemas(&self) -> &[TableSchema] {
        &self.tables.schemas
    }
    /// Takes in the names that a policy uses, for a trace without a dump: what the trace does not
    /// happen to show may still be spoken of.
    pub fn expect(&mut self, policy: &SourcePolicy) {
        super::expect::expect(&mut self.tables, policy);
    }
    /// Lines that are not blank.
    pub fn lines(&self) -> u64 {
        self.lines
    }
    pub fn transactions(self) -> Result<Transactions, TraceError> {
        Ok(Transactions {
            lines: Lines::open(&self.path)?,
            tables: self.tables,
            groups: Groups::default(),
            at: (Instant::default(), String::new()),
            ended: false,
            failed: false,
        })
    }
}

impl Transactions {
    /// Transactions that were too long to be held whole.
    pub fn in_parts(&self) -> u64 {
        self.groups.in_parts
    }

    fn advance(&mut self) -> Result<Option<WrittenTransaction>, TraceError> {
        loop {
            let until = (!self.ended).then_some(self.lines.number);
            if let Some(done) = self.groups.over(until) {
                return Ok(Some(done));
            }
            if self.ended {
                return Ok(None);
            }
            let Some(text) = self.lines.next()? else {
                self.ended = true;
                continue;
            };
            let (path, number) = (&self.lines.path, self.lines.number);
            let line = parse(path, number, &text)?;
            let write = write(&mut self.tables, &mut self.at, &line, number).map_err(|what| {
                TraceError::Line {
                    path: path.clone(),
                    line: number,
                    what,
                }
            })?;
            let tx = line
                .tx
                .and_then(plain)
                .unwrap_or_else(|| format!("line {number}"));
            if let Some(part) = self.groups.push(tx, write) {
                return Ok(Some(part));
            }
        }
    }
}

impl Iterator for Transactions {
    type Item = Result<WrittenTransaction, TraceError>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.advance();
        self.failed = next.is_err();
        next.transpose()
    }
}

fn parse<'a>(path: &Path, line: u64, text: &'a str) -> Result<Line<'a>, TraceError> {
    serde_json::from_str(text).map_err(|source| TraceError::NotJson {
        path: path.to_owned(),
        line,
        source,
    })
}

fn write(
    tables: &mut Tables,
    at: &mut (Instant, String),
    line: &Line<'_>,
    number: u64,
) -> Result<RowWrite, String> {
    let name = line
        .table
        .as_deref()
        .ok_or("the line does not say which `table` was written")?;
    let table = tables
        .find(name)
        .ok_or_else(|| format!("table {name} is not known"))?;
    let op = operation(line)?;
    if let Some(said) = line.at.and_then(plain) {
        let moment = moment(&said)
            .ok_or_else(|| format!("`at` is {said}; write it as 2026-01-31T12:00:00Z"))?;
        *at = (moment, said);
    }
    let key = tables.key_of(table, line).map_err(|column| {
        format!(
            "nothing says which row of {name} it is: column {column} of its key is missing or null; \
             give `key`, or the schema with --schema"
        )
    })?;
    let image = |fields: &Option<Fields<'_>>| {
        fields
            .as_ref()
            .map(|fields| tables.image(table, fields, line.key.as_ref()))
    };
    let (old, new) = match op {
        WriteKind::Insert => (None, image(&line.new)),
        WriteKind::Update => (image(&line.old), image(&line.new)),
        WriteKind::Delete => (image(&line.old), None),
    };
    if op != WriteKind::Delete && new.is_none() {
        return Err(format!(
            "an {} needs `new`, the row as it was written",
            op_name(op)
        ));
    }
    Ok(RowWrite {
        table: table as u16,
        op,
        key,
        old,
        new,
        at: at.0,
        said_at: at.1.clone(),
        line: number,
    })
}

fn op_name(op: WriteKind) -> &'static str {
    match op {
        WriteKind::Insert => "insert",
        WriteKind::Update => "update",
        WriteKind::Delete => "delete",
    }
}

fn operation(line: &Line<'_>) -> Result<WriteKind, String> {
    let said = line.op.as_deref().unwrap_or_default();
    match said.to_ascii_lowercase().as_str() {
        "insert" | "i" | "c" | "create" => Ok(WriteKind::Insert),
        "update" | "u" => Ok(WriteKind::Update),
        "delete" | "d" => Ok(WriteKind::Delete),
        "" => match (&line.old, &line.new) {
            (None, Some(_)) => Ok(WriteKind::Insert),
            (Some(_), Some(_)) => Ok(WriteKind::Update),
            (Some(_), None) => Ok(WriteKind::Delete),
            (None, None) => Err("`op` is missing; it is insert, update or delete".to_owned()),
        },
        _ => Err(format!("`op` is {said}; it is insert, update or delete")),
    }
}

/// RFC 3339, the same with a space or without a zone (then UTC), or seconds, milli- or
/// microseconds since 1970.
fn moment(said: &str) -> Option<Instant> {
    if let Ok(at) = Instant::parse(said) {
        return Some(at);
    }
    let spaced = said.trim().replacen(' ', "T", 1);
    for text in [spaced.clone(), format!("{spaced}Z"), format!("{spaced}:00")] {
        if let Ok(at) = Instant::parse(&text) {
            return Some(at);
        }
    }
    let number: f64 = said.parse().ok()?;
    let micros = match number.abs() {
        n if n < 1e11 => number * 1e6,
        n if n < 1e14 => number * 1e3,
        _ => number,
    };
    Some(Instant(micros as i64))
}

/// Lines that are not blank, each with its number.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|source| TraceError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 16, file),
            number: 0,
        })
    }

    fn next(&mut self) -> Result<Option<String>, TraceError> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.file)
                .take(MAX_LINE_BYTES as u64 + 1)
                .read_until(b'\n', &mut bytes)
                .map_err(|source| TraceError::Unreadable {
                    path: self.path.clone(),
                    source,
                })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() > MAX_LINE_BYTES {
                return Err(TraceError::LineTooLong {
                    path: self.path.clone(),
                    line: self.number,
                    most: MAX_LINE_BYTES,
                });
            }
            let text = String::from_utf8_lossy(&bytes);
            // A byte order mark at the start is no part of the JSON.
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Value, ValueRef};

    fn read(
        text: &str,
        dump: Option<&str>,
    ) -> Result<(Vec<TableSchema>, Vec<WrittenTransaction>), TraceError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.ndjson");
        std::fs::write(&path, text).unwrap();
        let dump = dump.map(SchemaDump::parse);
        let trace = Trace::open(&path, dump.as_ref())?;
        let schemas = trace.schemas().to_vec();
        Ok((schemas, trace.transactions()?.collect::<Result<_, _>>()?))
    }

    #[test]
    fn mixed_lines_become_transactions_in_the_order_of_their_ends() {
        let line = |tx: u32, id: u32| {
            format!("{{\"tx\":{tx},\"table\":\"t\",\"op\":\"insert\",\"new\":{{\"id\":{id}}}}}\n")
        };
        let text = [
            line(1, 1),
            line(2, 2),
            String::from("\n"),
            line(1, 3),
            line(3, 4),
            line(2, 5),
        ]
        .concat();
        let (_, found) = read(&text, None).unwrap();
        let shape: Vec<(&str, usize)> = found
            .iter()
            .map(|t| (t.id.as_str(), t.writes.len()))
            .collect();
        assert_eq!(shape, [("1", 2), ("3", 1), ("2", 2)]);
    }

    #[test]
    fn keys_types_and_gaps_come_from_the_dump() {
        let dump = "CREATE TABLE public.\"order\" (id integer NOT NULL, total numeric(12,2), note text); ALTER TABLE ONLY public.\"order\" ADD CONSTRAINT p PRIMARY KEY (id);";
        let text = r#"{"at":"2026-01-01 10:00:00.5","tx":"a","table":"public.order","op":"UPDATE","old":{"id":7,"total":12.5},"new":{"id":7,"total":"12.51"},"partial":true,"what":[1]}"#;
        let (schemas, found) = read(text, Some(dump)).unwrap();
        assert_eq!(schemas[0].primary_key, [0]);
        let write = &found[0].writes[0];
        assert_eq!(write.key.values().unwrap(), [Value::Integer(7)]);
        assert_eq!(write.at, Instant::parse("2026-01-01T10:00:00.5Z").unwrap());
        let (old, new) = (write.old.as_ref().unwrap(), write.new.as_ref().unwrap());
        assert_eq!(old.row.get(1), Some(ValueRef::Text(b"12.50")));
        assert_eq!(new.row.get(1), Some(ValueRef::Text(b"12.51")));
        assert_eq!(new.known.as_deref(), Some(&[0, 1][..]));
    }

    #[test]
    fn bad_lines_are_named_with_what_to_do() {
        let good = "{\"table\":\"t\",\"op\":\"insert\",\"new\":{\"id\":1}}\n";
        let wrong = [
            (
                "{\"table\":\"t\",\"op\":\"ins",
                "line 2: the line is not a whole JSON object",
            ),
            ("[1]", "line 2: the line is not a whole JSON object"),
            (
                "{\"table\":\"t\",\"op\":\"truncate\",\"key\":{\"id\":1}}",
                "line 2: `op` is truncate",
            ),
            (
                "{\"op\":\"insert\",\"new\":{\"id\":1}}",
                "line 2: the line does not say which `table`",
            ),
            (
                "{\"table\":\"t\",\"op\":\"update\",\"key\":{\"id\":1}}",
                "line 2: an update needs `new`",
            ),
            (
                "{\"table\":\"t\",\"op\":\"update\",\"new\":{\"x\":1}}",
                "column id of its key is missing",
            ),
            (
                "{\"at\":\"soon\",\"table\":\"t\",\"op\":\"insert\",\"new\":{\"id\":1}}",
                "`at` is soon",
            ),
        ];
        for (line, what) in wrong {
            let error = read(&format!("{good}{line}"), None)
                .unwrap_err()
                .to_string();
            assert!(error.contains(what), "{line}: {error}");
        }
        assert!(matches!(read("\n\n", None), Err(TraceError::Empty { .. })));
    }

    #[test]
    fn moments_are_read_in_many_forms() {
        let at = Instant::parse("2026-01-31T12:00:00Z").unwrap();
        for said in [
            "2026-01-31T12:00:00Z",
            "2026-01-31 12:00:00",
            "2026-01-31 12:00:00+00",
            "1769860800",
            "1769860800000",
        ] {
            assert_eq!(moment(said), Some(at), "{said}");
        }
    }
}
