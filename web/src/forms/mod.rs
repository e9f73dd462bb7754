//! What the forms of an incident send, read into commands. Every form posts to
//! `/incidents/{id}/do/NAME` with `csrf` and `request` (hidden) and, where given, `reason` and
//! `next` (the page to return to). Rows of the shop are `rows=open` (all open ones) or one or
//! more `row=SOURCE|TABLE|KEY`. Times are `YYYY-MM-DDTHH:MM` in Asia/Shanghai; empty means now.
//!
//! | NAME | Fields |
//! |---|---|
//! | `set-figures` | for each metric `m-METRIC` (number) and `m-METRIC-high` (empty: known; both empty: unknown); `q=GRADE:CRITERION` for each qualitative criterion |
//! | `set-anchors` | `occurred`, `discovered` (times; empty: unchanged) |
//! | `set-trigger-facts` | `cii`, `personal_information`, `suspected_crime`, `interested_parties`, `unauthorised_payment`: `yes`, `no`, empty |
//! | `confirm-grade` | `grade` 1-4, `level` 1-4 or empty, `reason` |
//! | `call-out` | `to` = `group:ID` or `position:ID` |
//! | `acknowledge`, `refuse-call` | `call` (number), `reason` |
//! | `issue-order` | `to`, `text`, `constraint`, `due_min` (minutes from now) |
//! | `accept-order`, `refuse-order`, `complete-order`, `withdraw-order` | `order`, `result`, `reason` |
//! | `start-task`, `complete-task`, `waive-task` | `task`, `note`, `reason` |
//! | `collect-evidence` | none: the program takes findings, row histories and proofs |
//! | `keep-investigation` | `about` and the fields of that question, as on `/investigation` |
//! | `approve-acceptance`, `refuse-acceptance` | `acceptance` (its id) |
//! | `add-evidence` | `name`, `kind`, `source`, `witness`, `collected`, `method`, `sha256`, `size_bytes`, `location` |
//! | `transfer-evidence` | `evidence`, `to`, `purpose`, `sha256` |
//! | `propose-hold` | rows, `until_h` (hours from now), `reason` |
//! | `approve-hold`, `refuse-hold`, `lift-hold` | `hold`, `reason` |
//! | `propose-repair`, `audit` | none |
//! | `approve-repair` | `proposal`, `digest` |
//! | `reject-repair`, `apply-repair` | `proposal`, `reason` |
//! | `draft-notice` | `kind` (`user`, `merchant`, `authority`, `police`, `management`), `text-zh`, `text-en`, `audience` |
//! | `approve-notice`, `reject-notice` | `notice`, `reason` |
//! | `file-report` | `clock`, `filed` (time), `channel`, `receipt` |
//! | `waive-duty` | `clock`, `reason` |
//! | `record-decision` | `topic` (`general`, `no-hold`, `no-notice`, `accept-rows`, `accept-open-rows`), `text`, rows for `accept-rows` |
//! | `record-lesson` | `text`, `measure`, `owner` (position), `measure_days` |
//! | `record-impact` | `orders`, `persons` (and `-high`), `out`, `held`, `recovered` (and `-high`, in yuan), `note` |
//! | `change-order` | `order`, `seen` (its version), `new_to`, `text`, `due_min`, `reason` |
//! | `verify-order`, `send-back-order` | `order`, `seen`, `reason` |
//! | `write-note` | `text`, `mark` (`plain`, `decision`, `question`), `corrects` (number of a note), `said_by`, `said_place`, `said_at` (time) |
//! | `set-objective` | `text` |
//! | `prepare-handover` | `position`, `remarks` |
//! | `take-handover`, `withdraw-handover` | `number`, `digest`, `reason` |
//! | `rename` | `code_name`, `reason` |
//! | `assess`, `assess-and-confirm` | see `assessment`; with `grade`, `level`, `computed-grade`, `computed-level`, `reason` |
//! | `answer-lowering` | `answer` (`approve`, `refuse`), `reason` |
//! | `request-resource` | `what`, `amount` (yuan for a budget), `for` (`order:ID`, `task:ID`), `needed_min`, `reason` |
//! | `grant-resource` | `request_id`, `amount`, `until_min`, `conditions` |
//! | `refuse-resource`, `withdraw-resource` | `request_id`, `reason` |
//! | `return-resource` | `request_id`, `amount`, `condition` (`good`, `damaged`, `written-off`), `reason` |
//! | `start-watch`, `send-brief`, `advance-step`, `handled`, `close` | `reason` |
//!
//! Deliberately not here: whether a command is allowed (rooms `plan` and `incident`).

pub(crate) mod assessment;
mod communication;
mod facts;
mod guests;
mod people;
mod resources;
mod room;
mod rows;

pub(crate) use communication::*;
pub(crate) use facts::*;
pub(crate) use guests::*;
pub(crate) use people::*;
pub(crate) use resources::*;
pub(crate) use room::*;
pub(crate) use rows::*;

use crate::visit::Visit;
use incident::orders::OrderedPerson;
use incident::people::Addressee;
use incident::refusal::BadValue;
use incident::rows::TableRows;
use incident::{Command, Incident, Refusal};
use model::{Digest, Figure, GroupId, Instant, PositionId, SourceName};

/// Reads a form into the commands that it stands for; nearly always one.
pub(crate) type Read = fn(&Visit, &Incident) -> Result<Vec<Command>, Refusal>;
pub(crate) type Commands = Result<Vec<Command>, Refusal>;

const ZONE: &str = "Asia/Shanghai";

fn bad<T>(field: &str, why: BadValue) -> Result<T, Refusal> {
    Err(Refusal::Bad {
        field: field.to_owned(),
        why,
    })
}

fn one(command: Command) -> Commands {
    Ok(vec![command])
}

fn text(visit: &Visit, field: &str) -> String {
    // Browsers send CR LF; what is stored and hashed has LF.
    visit.form.get(field).replace("\r\n", "\n")
}

fn whole(visit: &Visit, field: &str) -> Result<i64, Refusal> {
    parse_whole(visit.form.get(field)).map_or_else(|| bad(field, BadValue::Number), Ok)
}

fn parse_whole(text: &str) -> Option<i64> {
    text.replace([',', ' '], "").parse().ok()
}

/// Yuan with at most two decimals, in fen. Never through a float.
fn parse_fen(text: &str) -> Option<i64> {
    let text = text.replace([',', ' '], "");
    let (yuan, fen) = text.split_once('.').unwrap_or((&text, ""));
    if fen.len() > 2 || yuan.is_empty() || !fen.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let yuan: i64 = yuan.parse().ok().filter(|y| *y >= 0)?;
    yuan.checked_mul(100)?
        .checked_add(format!("{fen:0<2}").parse().ok()?)
}

/// A figure from two fields: both empty is unknown, the first alone is known.
fn figure(visit: &Visit, field: &str, parse: fn(&str) -> Option<i64>) -> Result<Figure, Refusal> {
    let high_field = format!("{field}-high");
    let read = |name: &str| match visit.form.given(name) {
        None => Ok(None),
        Some(text) => match parse(text) {
            Some(n) => Ok(Some(n)),
            None => bad(field, BadValue::Number),
        },
    };
    Ok(match (read(field)?, read(&high_field)?) {
        (None, None) => Figure::Unknown,
        (Some(value), None) => Figure::Known { value },
        (low, Some(high)) => Figure::Estimated {
            low: low.unwrap_or(0),
            high,
        },
    })
}

/// A local time of Asia/Shanghai; `None` when the field is empty.
pub(crate) fn time(visit: &Visit, field: &str) -> Result<Option<Instant>, Refusal> {
    let Some(text) = visit.form.given(field) else {
        return Ok(None);
    };
    let zoned = text
        .parse::<jiff::civil::DateTime>()
        .and_then(|t| t.in_tz(ZONE));
    match zoned {
        Ok(zoned) => Ok(Some(Instant(zoned.timestamp().as_microsecond()))),
        Err(_) => bad(field, BadValue::Time),
    }
}

fn addressee(visit: &Visit) -> Result<Addressee, Refusal> {
    addressee_of(visit, visit.form.get("to"))
}

fn addressee_of(visit: &Visit, value: &str) -> Result<Addressee, Refusal> {
    match value.split_once(':') {
        Some(("group", id)) => Ok(Addressee::Group(GroupId::new(id))),
        Some(("position", id)) => Ok(Addressee::Position(PositionId::new(id))),
        Some(("person", id)) => person(visit, id),
        _ => bad("to", BadValue::NotInPlan),
    }
}

/// Somebody with an account and a position, in whose name an order stands.
fn person(visit: &Visit, id: &str) -> Result<Addressee, Refusal> {
    let people = visit
        .desk()
        .accounts_for(&visit.viewer())
        .unwrap_or_default();
    let found = people
        .into_iter()
        .find(|p| p.id.as_str() == id && !p.disabled);
    let held = found.as_ref().and_then(|p| p.positions.first().cloned());
    match (found, held) {
        (Some(p), Some(position)) => Ok(Addressee::Person(OrderedPerson {
            account: p.id,
            name: p.name,
            position,
        })),
        _ => bad("to", BadValue::NotInPlan),
    }
}

fn digest(visit: &Visit, field: &str) -> Result<Digest, Refusal> {
    visit
        .form
        .get(field)
        .to_ascii_lowercase()
        .parse()
        .or_else(|_| bad(field, BadValue::Empty))
}

/// The rows that a form names, grouped by table.
fn named_rows(visit: &Visit, incident: &Incident) -> Result<Vec<TableRows>, Refusal> {
    if visit.form.get("rows") == "open" {
        return Ok(incident.findings.open_rows());
    }
    let mut out: Vec<TableRows> = Vec::new();
    for row in visit.form.all("row") {
        let mut parts = row.splitn(3, '|');
        let (Some(source), Some(table), Some(key)) = (parts.next(), parts.next(), parts.next())
        else {
            return bad("rows", BadValue::Empty);
        };
        match out
            .iter_mut()
            .find(|r| r.source.as_str() == source && r.table == table)
        {
            Some(rows) => rows.keys.push(key.to_owned()),
            None => out.push(TableRows {
                source: SourceName::new(source),
                table: table.to_owned(),
                keys: vec![key.to_owned()],
            }),
        }
    }
    if out.is_empty() {
        bad("rows", BadValue::Empty)
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_become_fen_without_a_float() {
        for (text, fen) in [
            ("12", Some(1200)),
            ("12.5", Some(1250)),
            ("1,234.56", Some(123_456)),
            ("0.07", Some(7)),
            ("12.345", None),
            ("-1", None),
            (".5", None),
            ("1.-5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_fen(text), fen, "{text}");
        }
    }
}
