//! Words for what the incident room gives as data: parameters, refusals, lines, people, figures.
//!
//! For reports and for whoever narrates an incident outside the pages. Deliberately not here:
//! any text; words come from the catalogue and from the plan.

use crate::catalogue::{Catalogue, Value, words};
use incident::brief::Line;
use incident::people::Addressee;
use incident::{MissingItem, Param, Refusal, TimelineEntry};
use model::{Actor, ClockId, Figure, Grade, GroupId, Instant, Level, Money, PositionId, TaskId};
use plan::{Lang, Plan, StepId, Words};

/// Zone of the times in a report; the law's days are days there.
pub const ZONE: &str = plan::clock::ZONE;

/// Puts data into the words of one language, with the titles of one plan.
#[derive(Clone, Copy)]
pub struct Phrases<'a> {
    plan: &'a Plan,
    lang: Lang,
    words: &'static Catalogue,
}

impl<'a> Phrases<'a> {
    pub fn new(plan: &'a Plan, lang: Lang) -> Self {
        Self {
            plan,
            lang,
            words: words(lang),
        }
    }
    pub fn words(&self) -> &'static Catalogue {
        self.words
    }
    pub fn text(&self, key: &str) -> String {
        self.words.text(key).into_owned()
    }
    pub fn own(&self, words: &Words) -> String {
        words.in_lang(self.lang).to_owned()
    }

    pub fn refusal(&self, refusal: &Refusal) -> String {
        let params = refusal.params();
        let key = format!("incident-refusal-{}", refusal.code());
        self.message(&key, params.iter().map(|(name, param)| (*name, param)))
    }
    pub fn missing(&self, item: &MissingItem) -> String {
        self.message(
            &format!("incident-missing-{}", item.code),
            named(&item.params),
        )
    }
    /// One line of the five-line brief.
    pub fn brief(&self, line: &Line) -> String {
        self.message(&format!("incident-brief-{}", line.key), named(&line.params))
    }
    pub fn event(&self, entry: &TimelineEntry) -> String {
        self.message(
            &format!("incident-event-{}", entry.kind),
            named(&entry.params),
        )
    }
    /// A code such as `state-done`, under the catalogue's `incident-`.
    pub fn code(&self, code: &str) -> String {
        self.text(&format!("incident-{}", code.replace('_', "-")))
    }

    pub fn actor(&self, actor: &Actor) -> String {
        match actor {
            Actor::Person {
                name, positions, ..
            } => match positions.first() {
                None => name.clone(),
                Some(position) => {
                    let position = self.position(position);
                    let values = [
                        ("name", name.as_str().into()),
                        ("position", position.into()),
                    ];
                    self.words.with("summary-person", &values)
                }
            },
            // Parts that readers meet have a name of their own.
            Actor::System { part } => match self.words.get(&format!("part-{part}")) {
                Some(name) => name.into_owned(),
                None => {
                    let part = [("part", part.as_str().into())];
                    self.words.with("summary-program-part", &part)
                }
            },
            Actor::Reporter => self.text("summary-reporter"),
        }
    }
    pub fn time(&self, at: Instant) -> String {
        at.in_zone(ZONE)
    }
    pub fn maybe_time(&self, at: Option<Instant>) -> String {
        at.map_or_else(|| self.text("summary-unknown"), |at| self.time(at))
    }
    pub fn figure(&self, figure: Figure) -> String {
        self.figure_as(figure, |n| n.to_string())
    }
    pub fn money_figure(&self, figure: Figure, currency: &str) -> String {
        self.figure_as(figure, |n| Money::new(n, currency).to_string())
    }
    fn figure_as(&self, figure: Figure, show: impl Fn(i64) -> String) -> String {
        match figure {
            Figure::Unknown => self.text("summary-unknown"),
            Figure::Known { value } => self
                .words
                .with("summary-known", &[("n", show(value).into())]),
            Figure::Estimated { low, high } => {
                let bounds = [("low", show(low).into()), ("high", show(high).into())];
                self.words.with("summary-estimated", &bounds)
            }
        }
    }

    pub fn group(&self, id: &GroupId) -> String {
        self.titled(self.plan.group(id).map(|g| &g.title), id.as_str())
    }
    pub fn position(&self, id: &PositionId) -> String {
        self.titled(self.plan.position(id).map(|p| &p.title), id.as_str())
    }
    pub fn addressee(&self, to: &Addressee) -> String {
        match to {
            Addressee::Group(id) => self.group(id),
            Addressee::Position(id) => self.position(id),
            Addressee::Person(person) => person.name.clone(),
        }
    }
    pub fn step(&self, id: StepId) -> String {
        self.titled(self.plan.step(id).map(|s| &s.title), id.code())
    }
    pub fn clock(&self, id: &ClockId) -> String {
        let clock = self.plan.clocks.iter().find(|c| c.id == *id);
        self.titled(clock.map(|c| &c.title), id.as_str())
    }
    pub fn task(&self, id: &TaskId) -> String {
        let mut tasks = self.plan.steps.iter().flat_map(|s| &s.tasks);
        let task = tasks.find(|t| t.id == id.as_str());
        self.titled(task.map(|t| &t.title), id.as_str())
    }
    pub fn grade(&self, grade: Grade) -> String {
        self.text(&format!("incident-grade-{}", grade.number()))
    }
    pub fn level(&self, level: Level) -> String {
        let key = format!("incident-level-{}", level.0);
        self.words
            .get(&key)
            .map_or_else(|| level.0.to_string(), |text| text.into_owned())
    }

    fn titled(&self, title: Option<&Words>, id: &str) -> String {
        title.map_or_else(|| id.to_owned(), |words| self.own(words))
    }
    fn message<'p>(&self, key: &str, params: impl Iterator<Item = (&'p str, &'p Param)>) -> String {
        let values: Vec<(&str, Value<'static>)> = params.map(|(n, p)| (n, self.param(p))).collect();
        self.words.with(key, &values)
    }
    fn param(&self, param: &Param) -> Value<'static> {
        let text = match param {
            Param::Number(n) => return Value::from(*n),
            Param::Text(text) => text.clone(),
            Param::Time(at) => self.time(*at),
            Param::Money(money) => money.to_string(),
            Param::Resource { id, amount } => {
                let entry = self.plan.registered(id);
                entry.map_or_else(
                    || format!("{id} × {amount}"),
                    |e| e.said(*amount, self.lang),
                )
            }
            Param::Group(id) => self.group(id),
            Param::Position(id) => self.position(id),
            Param::Step(id) => self.step(*id),
            Param::Clock(id) => self.clock(id),
            Param::Task(id) => self.task(id),
            Param::Grade(grade) => self.grade(*grade),
            Param::Level(level) => self.level(*level),
            Param::Code(code) => self.code(code),
        };
        Value::from(text)
    }
}

fn named(params: &[(String, Param)]) -> impl Iterator<Item = (&str, &Param)> {
    params.iter().map(|(name, param)| (name.as_str(), param))
}

/// `1:02:03`, or `2 d 01:02:03` from a day on; below a minute with tenths.
pub fn duration(secs: f64) -> String {
    if (0.0..60.0).contains(&secs) {
        return format!("{secs:.1} s");
    }
    // A cast from float saturates; a negative time shows that a clock jumped.
    let sign = if secs < 0.0 { "-" } else { "" };
    let whole = secs.abs() as u64;
    let (days, hours) = (whole / 86_400, whole / 3_600 % 24);
    let (minutes, secs) = (whole / 60 % 60, whole % 60);
    match days {
        0 => format!("{sign}{hours}:{minutes:02}:{secs:02}"),
        _ => format!("{sign}{days} d {hours:02}:{minutes:02}:{secs:02}"),
    }
}
