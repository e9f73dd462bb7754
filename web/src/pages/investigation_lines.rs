//! An investigation in the words of one language, for the page and for the exported report.

use desk::investigate::{
    Amount, BlindTime, Cell, Company, CompanyRow, Cut, Investigation, Question, RowLife, Step,
    StepColumn, StepKind, TableScope,
};
use document::{Catalogue, Value};
use model::{Instant, Money, Standing, Verdict};

/// As on every page.
const ZONE: &str = "Asia/Shanghai";

/// What the templates show beside the report's own figures.
pub(crate) struct Lines {
    pub words: &'static Catalogue,
    pub about: String,
    pub rows: Vec<RowLines>,
    pub amounts: Vec<AmountLine>,
    pub tables: Vec<TableLine>,
    /// Kind in words, and the columns.
    pub personal: Vec<(String, String)>,
    pub blind: Vec<String>,
    pub cuts: Vec<String>,
}

pub(crate) struct TableLine {
    pub table: String,
    pub rows: u64,
    pub unlawful: u64,
    pub unwitnessed: u64,
    pub amounts: Vec<AmountLine>,
}

pub(crate) struct AmountLine {
    pub all: String,
    pub unlawful: String,
    pub moved: String,
    pub was_moved: bool,
}

pub(crate) struct RowLines {
    pub table: String,
    pub key: String,
    pub standing: &'static str,
    pub mark: &'static str,
    pub findings: Vec<String>,
    pub steps: Vec<StepLines>,
}

pub(crate) struct StepLines {
    pub entry: u64,
    pub at: Instant,
    pub kind: &'static str,
    pub write: &'static str,
    pub verdict: &'static str,
    pub mark: &'static str,
    pub unseen: bool,
    pub coalesced: bool,
    pub rules: Vec<String>,
    pub changes: Vec<StepColumn>,
    pub image: Vec<Cell>,
    pub company: Option<CompanyLines>,
    pub findings: Vec<String>,
}

/// The transaction, or the look, that a step belongs to.
pub(crate) struct CompanyLines {
    pub place: String,
    pub told: bool,
    pub committed: Option<Instant>,
    pub by: Option<String>,
    /// By the server's log, as it is said.
    pub logged: Option<String>,
    pub others: String,
    pub rows: Vec<CompanyRow>,
    /// Others that are not named.
    pub more: u64,
}

impl Lines {
    pub fn of(report: &Investigation, words: &'static Catalogue) -> Self {
        let personal = report.scope.personal.iter().map(|kind| {
            let key = format!("inv-class-{}", kind.kind.replace('_', "-"));
            let name = words.get(&key).unwrap_or_else(|| kind.kind.clone().into());
            (name.into_owned(), kind.columns.join(", "))
        });
        Self {
            words,
            about: about(&report.question, words),
            rows: report
                .rows
                .iter()
                .map(|row| row_lines(row, words))
                .collect(),
            amounts: report.scope.amounts.iter().map(amount_line).collect(),
            tables: report.scope.tables.iter().map(table_line).collect(),
            personal: personal.collect(),
            blind: report.blind.iter().map(|b| blind(b, words)).collect(),
            cuts: report.cuts.iter().map(|cut| cut_line(cut, words)).collect(),
        }
    }

    pub fn t(&self, key: &str) -> String {
        self.words.text(key).into_owned()
    }
    pub fn tt(&self, prefix: &str, key: &str) -> String {
        self.t(&format!("{prefix}-{key}"))
    }
    pub fn n(&self, key: &str, n: &u64) -> String {
        self.words.with(key, &[("n", Value::from(*n))])
    }
    pub fn time(&self, at: &Instant) -> String {
        at.in_zone(ZONE)
    }
    pub fn time_or(&self, at: &Option<Instant>) -> String {
        at.map_or_else(|| "—".to_owned(), |at| at.in_zone(ZONE))
    }
}

/// What was asked, as a heading.
pub(crate) fn about(question: &Question, words: &Catalogue) -> String {
    match question {
        Question::Finding { id } => words.with("inv-about-finding", &[("id", id.as_str().into())]),
        Question::Row { table, key, .. } => named(words, "inv-about-row", table, key),
        Question::Person { table, key, .. } => named(words, "inv-about-person", table, key),
        Question::Window { from, until, .. } => words.with(
            "inv-about-window",
            &[
                ("from", from.in_zone(ZONE).into()),
                ("until", until.in_zone(ZONE).into()),
            ],
        ),
    }
}

fn named(words: &Catalogue, message: &str, table: &str, key: &str) -> String {
    words.with(message, &[("table", table.into()), ("key", key.into())])
}

pub(crate) const fn verdict_code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Lawful => "lawful",
        Verdict::Unlawful => "unlawful",
        Verdict::Unwitnessed => "unwitnessed",
    }
}

const fn verdict_mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Lawful => "ok",
        Verdict::Unlawful => "bad",
        Verdict::Unwitnessed => "warn",
    }
}

fn row_lines(row: &RowLife, words: &'static Catalogue) -> RowLines {
    let (standing, mark) = match row.standing {
        Standing::Clean => ("clean", "ok"),
        Standing::Altered { .. } => ("altered", "bad"),
        Standing::Forged => ("forged", "bad"),
        Standing::Deleted => ("deleted", "bad"),
        Standing::Gone => ("gone", "off"),
    };
    RowLines {
        table: row.table.clone(),
        key: row.key.clone(),
        standing,
        mark,
        findings: row.findings.iter().map(ToString::to_string).collect(),
        steps: row.steps.iter().map(|s| step_lines(s, words)).collect(),
    }
}

fn step_lines(step: &Step, words: &'static Catalogue) -> StepLines {
    let mark = match step.kind {
        StepKind::Baseline => "off",
        StepKind::Expected | StepKind::Repair | StepKind::Accepted => "info",
        StepKind::Change => verdict_mark(step.verdict),
    };
    StepLines {
        entry: step.entry,
        at: step.at,
        kind: step.kind.code(),
        write: step.write.code(),
        verdict: verdict_code(step.verdict),
        mark,
        unseen: !step.witnessed && step.kind == StepKind::Change,
        coalesced: step.coalesced && step.kind == StepKind::Change,
        rules: step
            .rules
            .iter()
            .map(|rule| {
                let name = rule_name(&rule.rule, words);
                match rule.columns.as_slice() {
                    [] => name,
                    columns => format!("{name} ({})", columns.join(", ")),
                }
            })
            .collect(),
        changes: step.changes.clone(),
        // The columns of a row that came stand in its changes already.
        image: match step.write.code() {
            "insert" | "delete" => Vec::new(),
            _ => step.image.clone(),
        },
        company: step.company.as_ref().map(|c| company(c, words)),
        findings: step.findings.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn rule_name(rule: &str, words: &Catalogue) -> String {
    let key = format!("rule-{}", rule.replace(['_', ':', ' '], "-"));
    words
        .get(&key)
        .map_or_else(|| rule.to_owned(), std::borrow::Cow::into_owned)
}

fn company(company: &Company, words: &'static Catalogue) -> CompanyLines {
    let told = company.entry.is_some();
    let n = |key: &str, n: u64| words.with(key, &[("n", Value::from(n))]);
    let place = match (&company.id, told) {
        (Some(id), _) => words.with("inv-transaction-id", &[("id", id.as_str().into())]),
        (None, true) => n("inv-position", company.position),
        (None, false) => n("inv-look", company.position),
    };
    let others = match (company.others, company.at_least, told) {
        (0, false, true) => words.text("inv-alone").into_owned(),
        (0, false, false) => words.text("inv-look-alone").into_owned(),
        (others, true, _) => n("inv-others-at-least", others),
        (others, false, true) => n("inv-others", others),
        (others, false, false) => n("inv-look-others", others),
    };
    CompanyLines {
        place,
        told,
        committed: company.committed_at,
        by: company.by.clone(),
        logged: (company.logged.as_ref()).map(|w| document::logged_writer(words, w)),
        others,
        more: company.others.saturating_sub(company.rows.len() as u64),
        rows: company.rows.clone(),
    }
}

fn table_line(table: &TableScope) -> TableLine {
    TableLine {
        table: table.table.clone(),
        rows: table.rows,
        unlawful: table.unlawful,
        unwitnessed: table.unwitnessed,
        amounts: table.amounts.iter().map(amount_line).collect(),
    }
}

fn amount_line(amount: &Amount) -> AmountLine {
    let money = |minor: i64| {
        let text = Money::new(minor, amount.currency.clone()).to_string();
        text.strip_prefix("CNY ")
            .map_or(text.clone(), |rest| format!("¥\u{a0}{rest}"))
    };
    AmountLine {
        all: money(amount.minor),
        unlawful: money(amount.unlawful_minor),
        moved: money(amount.moved_minor),
        was_moved: amount.moved_minor != 0,
    }
}

fn blind(time: &BlindTime, words: &Catalogue) -> String {
    let until = time.until.in_zone(ZONE);
    match time.from {
        Some(from) => words.with(
            "inv-blind",
            &[("from", from.in_zone(ZONE).into()), ("until", until.into())],
        ),
        None => words.with(
            "inv-blind-lost",
            &[
                ("at", until.into()),
                ("reason", time.reason.as_str().into()),
            ],
        ),
    }
}

fn cut_line(cut: &Cut, words: &Catalogue) -> String {
    match cut {
        Cut::Rows { shown, all } => words.with(
            "inv-cut-rows",
            &[("shown", (*shown).into()), ("all", (*all).into())],
        ),
        Cut::Counted { counted } => words.with("inv-cut-counted", &[("n", (*counted).into())]),
        Cut::Steps { table, key, shown } => words.with(
            "inv-cut-steps",
            &[
                ("table", table.as_str().into()),
                ("key", key.as_str().into()),
                ("n", (*shown).into()),
            ],
        ),
        Cut::Swept { from, until, of } => words.with(
            "inv-cut-swept",
            &[
                ("from", (*from).into()),
                ("until", (*until).into()),
                ("of", (*of).into()),
            ],
        ),
        Cut::NoIndex => words.text("inv-cut-no-index").into_owned(),
    }
}
