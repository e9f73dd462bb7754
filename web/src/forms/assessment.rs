//! The assessment as it is typed: each fact counted by the program, known, estimated or unknown.
//! Fields of a metric: `s-METRIC` (its state), `v-` (known), `l-`, `h-`, `b-` (estimate: least,
//! most, likeliest), `w-` (how it is known), and `o-` (a digest of what stood when the form was
//! made). What nobody touched follows what stands, so a form that is sent late undoes nothing.
//!
//! Deliberately not here: what the facts give (rooms `plan` and `incident`), and the page.

use super::METRICS;
use crate::visit::Visit;
use incident::Incident;
use incident::assessing::{AssessCommand, Confirm, DataClass, GivenFact, MAX_BASIS_CHARS, most};
use model::{Digest, Figure, Grade, Level};
use plan::Metric;
use plan::grading::Figures;
use std::collections::BTreeMap;

/// Digits of a typed number that are looked at; more are beyond every bound.
const MAX_DIGITS: usize = 18;

/// How a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Counted,
    Known,
    Estimated,
    Unknown,
}

impl State {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Known => "known",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
    fn of(code: &str) -> Self {
        match code {
            "counted" => Self::Counted,
            "known" => Self::Known,
            "estimated" => Self::Estimated,
            _ => Self::Unknown,
        }
    }
}

/// Why what was typed is no fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    Number,
    Negative,
    TooLarge,
    Range,
    Best,
    Basis,
    BasisTooLong,
}

impl Fault {
    /// The catalogue has `assess-fault-CODE` for each.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Number => "number",
            Self::Negative => "negative",
            Self::TooLarge => "too-large",
            Self::Range => "range",
            Self::Best => "best",
            Self::Basis => "basis",
            Self::BasisTooLong => "basis-too-long",
        }
    }
}

/// One fact as it stands in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedFact {
    pub metric: Metric,
    pub name: &'static str,
    pub state: State,
    pub known: String,
    pub low: String,
    pub high: String,
    pub best: String,
    pub basis: String,
    /// The reader changed it.
    pub touched: bool,
}

/// The whole form.
pub(crate) struct Sheet {
    pub seen: u32,
    pub facts: Vec<TypedFact>,
    pub judged: Vec<(u8, String)>,
    pub judged_touched: bool,
    pub classes: BTreeMap<DataClass, Option<bool>>,
    pub classes_touched: bool,
    pub grade: String,
    pub level: String,
    pub reason: String,
    pub computed: (String, String),
}

impl TypedFact {
    fn standing(incident: &Incident, metric: Metric, name: &'static str) -> Self {
        let given = incident.assessing.given.get(&metric);
        let counted = incident.assessing.counted.contains_key(&metric);
        let by_person = incident.figures_by_person.contains(&metric);
        let number = |n: i64| n.to_string();
        let mut out = Self {
            metric,
            name,
            state: State::Unknown,
            known: String::new(),
            low: String::new(),
            high: String::new(),
            best: String::new(),
            basis: String::new(),
            touched: false,
        };
        match incident.figures.number(metric) {
            Figure::Known { value } => {
                out.state = State::Known;
                out.known = number(value);
            }
            Figure::Estimated { low, high } => {
                out.state = State::Estimated;
                (out.low, out.high) = (number(low), number(high));
            }
            Figure::Unknown => {}
        }
        if counted && !by_person {
            out.state = State::Counted;
        } else if let Some(given) = given.filter(|g| !g.counted) {
            out.best = given.best.map_or_else(String::new, number);
            out.basis.clone_from(&given.basis);
        }
        out
    }

    fn typed(visit: &Visit, metric: Metric, name: &'static str) -> Self {
        let field = |part: &str| visit.form.get(&format!("{part}-{name}")).to_owned();
        Self {
            metric,
            name,
            state: State::of(&field("s")),
            known: field("v"),
            low: field("l"),
            high: field("h"),
            best: field("b"),
            basis: field("w").replace("\r\n", "\n"),
            touched: true,
        }
    }

    /// Tells this fact from another; only what its state uses counts.
    pub fn mark(&self) -> String {
        let parts = match self.state {
            State::Counted => vec![],
            State::Known => vec![&self.known, &self.basis],
            State::Estimated => vec![&self.low, &self.high, &self.best, &self.basis],
            State::Unknown => vec![&self.basis],
        };
        let text: Vec<&str> = parts.into_iter().map(String::as_str).collect();
        let said = format!("{}\n{}", self.state.code(), text.join("\n"));
        Digest::of(said.as_bytes()).short()
    }

    /// The fact that it says; `counted` is the program's count where it has one.
    pub fn given(&self, counted: Option<Figure>) -> Result<GivenFact, Fault> {
        let limit = most(self.metric);
        let money = matches!(self.metric, Metric::DirectLossCny | Metric::MoneyAtRiskCny);
        let read = |text: &str, up: bool| number(text, limit, money.then_some(up));
        let mut out = GivenFact {
            figure: Figure::Unknown,
            best: None,
            basis: self.basis.clone(),
            counted: false,
        };
        match self.state {
            State::Counted => {
                out.figure = counted.ok_or(Fault::Empty)?;
                out.counted = true;
                return Ok(out);
            }
            State::Known => out.figure = Figure::known(read(&self.known, false)?),
            State::Estimated => {
                let (low, high) = (read(&self.low, false)?, read(&self.high, true)?);
                if low > high {
                    return Err(Fault::Range);
                }
                if !self.best.is_empty() {
                    let best = read(&self.best, false)?;
                    if !(low..=high).contains(&best) {
                        return Err(Fault::Best);
                    }
                    out.best = Some(best);
                }
                out.figure = Figure::Estimated { low, high };
            }
            State::Unknown => {}
        }
        if self.basis.chars().nth(MAX_BASIS_CHARS).is_some() {
            return Err(Fault::BasisTooLong);
        }
        let overruled = counted.is_some_and(|counted| counted != out.figure);
        if overruled && self.basis.trim().is_empty() {
            return Err(Fault::Basis);
        }
        Ok(out)
    }
}

impl Sheet {
    /// As everything stands.
    pub fn standing(incident: &Incident) -> Self {
        let facts = METRICS.map(|(metric, name)| TypedFact::standing(incident, metric, name));
        let known = |class: DataClass| {
            let record = incident.assessing.classes.get(&class);
            (class, record.and_then(|r| r.affected))
        };
        Self {
            seen: incident.assessing.version,
            facts: facts.into(),
            judged: incident.figures.qualitative.clone(),
            judged_touched: false,
            classes: DataClass::ALL.map(known).into(),
            classes_touched: false,
            grade: String::new(),
            level: String::new(),
            reason: String::new(),
            computed: (String::new(), String::new()),
        }
    }

    /// As somebody typed it over what stands.
    pub fn typed(visit: &Visit, incident: &Incident) -> Self {
        let mut out = Self::standing(incident);
        for fact in &mut out.facts {
            let typed = TypedFact::typed(visit, fact.metric, fact.name);
            let made_of = visit.form.given(&format!("o-{}", fact.name));
            let changed = made_of.is_some_and(|made_of| typed.mark() != made_of);
            if changed && typed.mark() != fact.mark() {
                *fact = typed;
            }
        }
        let judged: Vec<(u8, String)> = visit.form.all("q").filter_map(judged).collect();
        let made_of = visit.form.given("oq");
        if made_of.is_some_and(|made_of| judged_mark(&judged) != made_of) {
            out.judged = judged;
            out.judged_touched = true;
        }
        let answer = |class: DataClass| match visit.form.get(&format!("c-{}", class.code())) {
            "yes" => (class, Some(true)),
            "no" => (class, Some(false)),
            _ => (class, None),
        };
        let classes = DataClass::ALL.map(answer).into();
        let made_of = visit.form.given("oc");
        if made_of.is_some_and(|made_of| classes_mark(&classes) != made_of) {
            out.classes = classes;
            out.classes_touched = true;
        }
        out.seen = visit.form.get("seen").parse().unwrap_or(0);
        let text = |name: &str| visit.form.get(name).to_owned();
        (out.grade, out.level, out.reason) = (text("grade"), text("level"), text("reason"));
        out.computed = (text("computed-grade"), text("computed-level"));
        out
    }

    /// What is wrong with each fact that was touched.
    pub fn faults(&self, incident: &Incident) -> BTreeMap<Metric, Fault> {
        let touched = self.facts.iter().filter(|fact| fact.touched);
        touched
            .filter_map(|fact| {
                let fault = fact.given(counted(incident, fact.metric)).err()?;
                Some((fact.metric, fault))
            })
            .collect()
    }

    /// The figures that would stand; facts with faults stay as they are.
    pub fn figures(&self, incident: &Incident) -> Figures {
        let mut out = incident.figures.clone();
        for fact in self.facts.iter().filter(|fact| fact.touched) {
            if let Ok(given) = fact.given(counted(incident, fact.metric)) {
                out.numbers.insert(fact.metric, given.figure);
            }
        }
        out.qualitative.clone_from(&self.judged);
        out
    }

    pub fn command(&self, incident: &Incident, confirm: Option<Confirm>) -> AssessCommand {
        let touched = self.facts.iter().filter(|fact| fact.touched);
        let facts = touched.filter_map(|fact| {
            let given = fact.given(counted(incident, fact.metric)).ok()?;
            Some((fact.metric, given))
        });
        AssessCommand::Assess {
            seen: self.seen,
            facts: facts.collect(),
            judged: self.judged_touched.then(|| self.judged.clone()),
            classes: match self.classes_touched {
                true => self.classes.clone(),
                false => BTreeMap::new(),
            },
            confirm,
        }
    }

    /// The grade that the form confirms; `None` where it names none.
    pub fn confirm(&self) -> Option<Confirm> {
        let grade = |text: &str| text.parse().ok().and_then(Grade::from_number);
        let level = |text: &str| text.parse().ok().filter(|n| (1..=4).contains(n)).map(Level);
        Some(Confirm {
            grade: grade(&self.grade)?,
            level: level(&self.level),
            computed_grade: grade(&self.computed.0)?,
            computed_level: level(&self.computed.1)?,
        })
    }
}

pub(crate) fn counted(incident: &Incident, metric: Metric) -> Option<Figure> {
    incident.assessing.counted.get(&metric).map(|c| c.figure)
}

pub(crate) fn judged_mark(judged: &[(u8, String)]) -> String {
    let mut sorted: Vec<String> = judged.iter().map(|(g, id)| format!("{g}:{id}")).collect();
    sorted.sort();
    Digest::of(sorted.join("\n").as_bytes()).short()
}

pub(crate) fn classes_mark(classes: &BTreeMap<DataClass, Option<bool>>) -> String {
    Digest::of(format!("{classes:?}").as_bytes()).short()
}

fn judged(text: &str) -> Option<(u8, String)> {
    let (grade, id) = text.split_once(':')?;
    Some((grade.parse().ok()?, id.to_owned()))
}

/// A whole number as people type it: `1,200`, `1 200`, full-width digits, `120万`, `1.5亿`.
/// Money may have a fraction of a yuan, rounded away from what is claimed: `up` says which way.
fn number(text: &str, limit: i64, money: Option<bool>) -> Result<i64, Fault> {
    let plain: String = text
        .chars()
        .filter_map(|c| match c {
            '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10),
            '．' => Some('.'),
            ',' | '，' | ' ' | '\u{a0}' | '¥' | '￥' | '元' => None,
            c => Some(c),
        })
        .collect();
    if plain.is_empty() {
        return Err(Fault::Empty);
    }
    if plain.starts_with(['-', '−']) {
        return Err(Fault::Negative);
    }
    let (digits, zeros) = match (plain.strip_suffix('万'), plain.strip_suffix('亿')) {
        (Some(rest), _) => (rest, 4),
        (_, Some(rest)) => (rest, 8),
        _ => (plain.as_str(), 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all(whole) || !all(fraction) || digits.ends_with('.') {
        return Err(Fault::Number);
    }
    if whole.len() > MAX_DIGITS || fraction.len() > MAX_DIGITS {
        return Err(Fault::TooLarge);
    }
    let (inside, beyond) = fraction.split_at(fraction.len().min(zeros));
    let scaled: i128 = format!("{whole}{inside:0<zeros$}")
        .parse()
        .map_err(|_| Fault::Number)?;
    let rest = beyond.bytes().any(|b| b != b'0');
    let value = match (rest, money) {
        (false, _) | (true, Some(false)) => scaled,
        (true, Some(true)) => scaled + 1,
        (true, None) => return Err(Fault::Number),
    };
    match i64::try_from(value) {
        Ok(value) if value <= limit => Ok(value),
        _ => Err(Fault::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_type_them_and_refused_with_what_is_wrong() {
        let limit = most(Metric::AffectedPersons);
        for (text, money, read) in [
            ("1200", None, Ok(1200)),
            ("1,200", None, Ok(1200)),
            ("１２００", None, Ok(1200)),
            ("120万", None, Ok(1_200_000)),
            ("1.5亿", None, Ok(150_000_000)),
            ("1.23456万", None, Err(Fault::Number)),
            ("", None, Err(Fault::Empty)),
            ("  ", None, Err(Fault::Empty)),
            ("-1", None, Err(Fault::Negative)),
            ("−1", None, Err(Fault::Negative)),
            ("12.5", None, Err(Fault::Number)),
            ("12.0", None, Ok(12)),
            ("12.50", Some(false), Ok(12)),
            ("12.01", Some(true), Ok(13)),
            ("¥ 12,345.60", Some(true), Ok(12_346)),
            ("1e9", None, Err(Fault::Number)),
            ("0x10", None, Err(Fault::Number)),
            ("NaN", None, Err(Fault::Number)),
            ("1.", None, Err(Fault::Number)),
            (".5", Some(true), Err(Fault::Number)),
            ("10000000000", None, Ok(10_000_000_000)),
            ("10000000001", None, Err(Fault::TooLarge)),
            ("9223372036854775808", None, Err(Fault::TooLarge)),
            ("999999999999999999亿", None, Err(Fault::TooLarge)),
        ] {
            assert_eq!(number(text, limit, money), read, "{text:?}");
        }
    }
}
