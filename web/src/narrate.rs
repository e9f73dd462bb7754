//! Puts refusals, missing conditions and lines of the timeline into a reader's words.
//!
//! Deliberately not here: what is refused and what happened (room `incident`).

use crate::visit::Visit;
use desk::DeskError;
use desk::accept_rows::AcceptRefusal;
use desk::rota_refusal::RotaRefusal;
use document::{Catalogue, Value};
use incident::brief::Line;
use incident::{MissingItem, Param, Refusal, TimelineEntry};
use model::Actor;
use plan::{Lang, Plan};
use std::borrow::Cow;

const ZONE: &str = "Asia/Shanghai";
/// The value of a line that names another incident.
const INCIDENT: &str = "incident";
const NOT_TOLD: &str = "—";

/// The refusal in words, and everything that is missing, one line each.
pub(crate) fn refusal(visit: &Visit, refusal: &Refusal) -> (String, Vec<String>) {
    let speaker = Speaker::of(visit);
    let message = {
        let params = refusal.params();
        speaker.message(
            &format!("incident-refusal-{}", refusal.code()),
            params.iter().map(|(n, p)| (*n, p)),
        )
    };
    let missing = match refusal {
        Refusal::Missing { missing: items } => items
            .iter()
            .map(|item| self::missing(visit, item))
            .collect(),
        _ => Vec::new(),
    };
    (message, missing)
}

pub(crate) fn missing(visit: &Visit, item: &MissingItem) -> String {
    Speaker::of(visit).message(
        &format!("incident-missing-{}", item.code),
        named(&item.params),
    )
}

pub(crate) fn brief(visit: &Visit, line: &Line) -> String {
    Speaker::of(visit).message(&format!("incident-brief-{}", line.key), named(&line.params))
}

pub(crate) fn event(visit: &Visit, entry: &TimelineEntry) -> String {
    let key = format!("incident-event-{}", entry.kind);
    Speaker::of(visit).message(&key, named(&params(visit, entry)))
}

/// What a line says beside its kind; another incident is named to those alone who may know of it.
pub(crate) fn params<'e>(visit: &Visit, entry: &'e TimelineEntry) -> Cow<'e, [(String, Param)]> {
    let unknown = |(name, param): &(String, Param)| match param {
        Param::Text(id) if name == INCIDENT => visit.incident(&id.as_str().into()).is_none(),
        _ => false,
    };
    if !entry.params.iter().any(unknown) {
        return Cow::Borrowed(&entry.params);
    }
    let mut all = entry.params.clone();
    let hide = |named: &mut (String, Param)| {
        if unknown(named) {
            named.1 = Param::Text(NOT_TOLD.to_owned());
        }
    };
    all.iter_mut().for_each(hide);
    Cow::Owned(all)
}

pub(crate) fn actor(visit: &Visit, actor: &Actor) -> String {
    match actor {
        Actor::Person {
            name, positions, ..
        } => {
            let title = positions.first().and_then(|p| visit.plan.position(p));
            match title {
                Some(position) => {
                    let values = [
                        ("name", Value::from(name.as_str())),
                        ("position", Value::from(position.title.in_lang(visit.lang))),
                    ];
                    visit.words().with("common-person", &values)
                }
                None => name.clone(),
            }
        }
        Actor::System { part } => {
            let words = visit.words();
            let part = words
                .get(&format!("part-{part}"))
                .unwrap_or_else(|| words.text("part-program"));
            part.into_owned()
        }
        Actor::Reporter => visit.words().text("part-reporter").into_owned(),
    }
}

/// What went wrong inside, as far as it helps the reader; the log has the rest.
pub(crate) fn desk_error(words: &Catalogue, error: &DeskError) -> String {
    match error {
        DeskError::GuardStopped(_) => words.text("error-guard-stopped").into_owned(),
        DeskError::Refused(told) | DeskError::NotFound(told) => told.words(words.lang()),
        DeskError::Accept(refusal) => {
            let key = format!("accept-why-{}", refusal.code());
            match refusal {
                AcceptRefusal::WrittenAgain { table, key: row } => {
                    let (table, row) = (Value::from(table.as_str()), Value::from(row.as_str()));
                    words.with(&key, &[("table", table), ("key", row)])
                }
                _ => words.text(&key).into_owned(),
            }
        }
        DeskError::Account(refusal) => {
            let key = format!("account-refusal-{}", refusal.code());
            words.text(&key).into_owned()
        }
        DeskError::Rota(refusal) => rota(words, refusal),
        DeskError::Webhook(refusal) => {
            let key = format!("webhooks-refusal-{}", refusal.code());
            words.text(&key).into_owned()
        }
        DeskError::Store(_) | DeskError::Journal(_) => words.text("error-storage").into_owned(),
        DeskError::Connect(_) => words.text("error-shop").into_owned(),
        _ => words.text("error-inside").into_owned(),
    }
}

fn rota(words: &Catalogue, refusal: &RotaRefusal) -> String {
    let key = format!("call-out-refusal-{}", refusal.code());
    let most = refusal.most().and_then(|n| i64::try_from(n).ok());
    let mut values = vec![("most", Value::from(most.unwrap_or_default()))];
    if let RotaRefusal::Person { who, position } = refusal {
        values.push(("who", Value::from(who.as_str())));
        values.push(("position", Value::from(position.in_lang(words.lang()))));
    }
    words.with(&key, &values)
}

fn named(params: &[(String, Param)]) -> impl Iterator<Item = (&str, &Param)> {
    params.iter().map(|(name, param)| (name.as_str(), param))
}

struct Speaker<'a> {
    words: &'static Catalogue,
    plan: &'a Plan,
    lang: Lang,
}

impl<'a> Speaker<'a> {
    fn of(visit: &'a Visit) -> Self {
        Self {
            words: visit.words(),
            plan: &visit.plan,
            lang: visit.lang,
        }
    }
    fn message<'p>(&self, key: &str, params: impl Iterator<Item = (&'p str, &'p Param)>) -> String {
        let values: Vec<(&str, Value<'static>)> = params.map(|(n, p)| (n, self.value(p))).collect();
        self.words.with(key, &values)
    }
    fn value(&self, param: &Param) -> Value<'static> {
        let text = match param {
            Param::Number(n) => return Value::from(*n),
            Param::Text(text) => text.clone(),
            Param::Time(at) => at.in_zone(ZONE),
            Param::Money(money) => money.to_string(),
            Param::Resource { id, amount } => {
                let entry = self.plan.registered(id);
                entry.map_or_else(
                    || format!("{id} × {amount}"),
                    |e| e.said(*amount, self.lang),
                )
            }
            Param::Code(code) => {
                let key = format!("incident-{code}");
                self.words
                    .get(&key)
                    .map_or_else(|| code.clone(), |text| text.into_owned())
            }
            other => self.title(other),
        };
        Value::from(text)
    }
    /// Things that have their title in the plan, or in the tables of grades.
    fn title(&self, param: &Param) -> String {
        let (title, id) = match param {
            Param::Group(id) => (self.plan.group(id).map(|g| &g.title), id.to_string()),
            Param::Position(id) => (self.plan.position(id).map(|p| &p.title), id.to_string()),
            Param::Step(id) => (self.plan.step(*id).map(|s| &s.title), id.code().to_owned()),
            Param::Clock(id) => (
                self.plan
                    .clocks
                    .iter()
                    .find(|c| c.id == *id)
                    .map(|c| &c.title),
                id.to_string(),
            ),
            Param::Task(id) => {
                let mut tasks = self.plan.steps.iter().flat_map(|s| &s.tasks);
                (
                    tasks.find(|t| t.id == id.as_str()).map(|t| &t.title),
                    id.to_string(),
                )
            }
            Param::Grade(grade) => {
                return self
                    .words
                    .text(&format!("incident-grade-{}", grade.number()))
                    .into_owned();
            }
            Param::Level(level) => {
                return self
                    .words
                    .text(&format!("incident-level-{}", level.0))
                    .into_owned();
            }
            _ => (None, String::new()),
        };
        title.map_or(id, |words| words.in_lang(self.lang).to_owned())
    }
}
