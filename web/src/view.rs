//! What every template is given: words, times, money and figures as people read them.
//!
//! Markup that is built here holds only our own text and numbers; texts of people go into a
//! template, which escapes them.

use crate::as_seen;
use crate::assets;
use crate::narrate;
use crate::visit::{Theme, Visit, random_id};
use askama::filters::Safe;
use document::Value;
use incident::Incident;
use model::{AccountId, Actor, Figure, Grade, Instant, Money};
use plan::{Act, Anchor, Lang, Words};
use std::borrow::Cow;

/// The plan's clocks and duties are China's; every time is shown in its zone, with a hint in the footer.
pub(crate) const ZONE: &str = "Asia/Shanghai";

/// Where a page stands in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Board,
    Incidents,
    Triage,
    CallOut,
    Orders,
    Investigation,
    Sources,
    Evidence,
    Outbox,
    Plan,
    Report,
    Settings,
    /// A guest's one page.
    Guest,
    None,
}

impl Section {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Incidents => "incidents",
            Self::Triage => "triage",
            Self::CallOut => "call-out",
            Self::Orders => "orders",
            Self::Investigation => "investigation",
            Self::Sources => "sources",
            Self::Evidence => "evidence",
            Self::Outbox => "outbox",
            Self::Plan => "plan",
            Self::Report => "report",
            Self::Settings => "settings",
            Self::Guest => "guest",
            Self::None => "none",
        }
    }
}

/// An entry of the navigation.
pub(crate) struct NavItem {
    pub section: Section,
    pub path: &'static str,
    pub icon: &'static str,
    pub current: bool,
}

pub(crate) struct View<'a> {
    pub visit: &'a Visit,
    pub title: String,
    pub section: Section,
    /// Only the main part is asked for, by our own script.
    pub fragment: bool,
    pub now: Instant,
}

impl<'a> View<'a> {
    pub fn new(visit: &'a Visit, section: Section, title: impl Into<String>) -> Self {
        Self {
            visit,
            title: title.into(),
            section,
            fragment: visit.query.ticked("fragment"),
            now: visit.desk().now(),
        }
    }
    pub fn titled(visit: &'a Visit, section: Section, key: &str) -> Self {
        Self::new(visit, section, visit.words().text(key))
    }

    pub fn t(&self, key: &str) -> Cow<'static, str> {
        self.visit.words().text(key)
    }
    /// The text of a key made of two parts.
    pub fn tt(&self, prefix: &str, key: impl AsRef<str>) -> Cow<'static, str> {
        self.visit
            .words()
            .text(&format!("{prefix}-{}", key.as_ref()))
    }
    /// As `tt`, but what the catalogue does not know is shown as it is: rule names, kinds of others.
    pub fn known(&self, prefix: &str, key: impl AsRef<str>) -> Cow<'static, str> {
        let key = key.as_ref();
        let key_in_file = format!("{prefix}-{}", key.replace(['_', ':', ' '], "-"));
        let found = self.visit.words().get(&key_in_file);
        found.unwrap_or_else(|| Cow::Owned(key.to_owned()))
    }
    pub fn n(&self, key: &str, n: impl Count) -> String {
        self.visit
            .words()
            .with(key, &[("n", Value::from(n.count()))])
    }
    pub fn w(&self, key: &str, name: &str, value: impl AsRef<str>) -> String {
        self.visit
            .words()
            .with(key, &[(name, Value::from(value.as_ref()))])
    }
    pub fn pick<'w>(&self, words: &'w Words) -> &'w str {
        words.in_lang(self.visit.lang)
    }

    pub fn lang(&self) -> &'static str {
        self.visit.lang.tag()
    }
    /// The other language's tag and its short name for itself.
    pub fn other_lang(&self) -> (&'static str, &'static str) {
        match self.visit.lang {
            Lang::Zh => ("en", "EN"),
            Lang::En => ("zh-CN", "中文"),
        }
    }
    pub fn theme(&self) -> &'static str {
        self.visit.theme.code()
    }
    /// What the switch of the look offers next.
    pub fn next_theme(&self) -> &'static str {
        match self.visit.theme {
            Theme::System => "dark",
            Theme::Dark => "light",
            Theme::Light => "system",
        }
    }
    pub fn style(&self) -> &'static str {
        &assets::STYLE.path
    }
    pub fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }
    /// A page's own sheet or script.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::of_page(name)
    }
    /// Where the page's live updates come from: a page of one incident hears of that one. What
    /// answers a form has none: its words and what is wrong with them stay until it is sent again.
    pub fn events(&self) -> String {
        match self.visit.params.given("id") {
            _ if self.visit.posted => String::new(),
            Some(id) if self.section == Section::Incidents => {
                format!("/events?incident={id}")
            }
            _ => "/events".to_owned(),
        }
    }
    pub fn sign(&self) -> &'static str {
        &assets::SIGN.path
    }
    pub fn logged_in(&self) -> bool {
        self.visit.session.is_some()
    }
    pub fn person(&self) -> &str {
        self.visit.session.as_ref().map_or("", |s| s.name.as_str())
    }
    pub fn initial(&self) -> String {
        self.person()
            .chars()
            .next()
            .map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
    }
    /// What was just done, after a form was sent: only names that the catalogue knows.
    pub fn done(&self) -> Option<Cow<'static, str>> {
        let name = self.visit.query.given("done")?;
        self.visit
            .words()
            .get(&format!("done-{name}"))
            .or_else(|| Some(self.t("done")))
    }
    /// Keeps what one person typed apart from another's on the same device.
    pub fn account_id(&self) -> &str {
        self.account().map_or("", |id| id.as_str())
    }
    pub fn account(&self) -> Option<&AccountId> {
        self.visit.session.as_ref().map(|s| &s.account)
    }
    /// The person's positions in words.
    pub fn positions(&self) -> String {
        let held = self.visit.session.iter().flat_map(|s| &s.positions);
        let titles: Vec<_> = held.map(|p| self.position(p)).collect();
        titles.join(self.t("common-list-comma").as_ref())
    }
    pub fn position(&self, id: &model::PositionId) -> String {
        let known = self.visit.plan.position(id);
        known.map_or_else(|| id.to_string(), |p| self.pick(&p.title).to_owned())
    }
    pub fn csrf(&self) -> &str {
        self.visit.session.as_ref().map_or("", |s| s.csrf.as_str())
    }
    pub fn may(&self, act: Act) -> bool {
        self.visit.may(act)
    }
    /// The hidden fields of every form: the session's token, and an id that makes sending twice act once.
    pub fn hidden(&self) -> Safe<String> {
        // Both are hex or base64url of our own making.
        Safe(format!(
            "<input type=\"hidden\" name=\"csrf\" value=\"{}\"><input type=\"hidden\" name=\"request\" value=\"{}\">",
            self.csrf(),
            random_id()
        ))
    }
    /// The hidden field of a form that replaces something: what its reader saw of it.
    pub fn as_seen(&self, incident: &Incident, act: &str) -> Safe<String> {
        let mark = as_seen::of(incident, act, "");
        debug_assert!(mark.is_some(), "{act} is about no part of an incident");
        // Hex of our own making.
        Safe(mark.map_or_else(String::new, |mark| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{mark}\">",
                as_seen::FIELD
            )
        }))
    }
    /// The first characters of a long text.
    pub fn short(&self, text: &str, most: usize) -> String {
        let cut: String = text.chars().take(most).collect();
        if cut.len() < text.len() {
            format!("{cut}…")
        } else {
            cut
        }
    }
    /// `ledger/0` is a `ledger`.
    pub fn log_kind(&self, name: &str) -> String {
        name.split('/').next().unwrap_or(name).to_owned()
    }
    pub fn anchor_code(&self, anchor: &Anchor) -> &'static str {
        match anchor {
            Anchor::Occurred => "occurred",
            Anchor::Discovered => "discovered",
            Anchor::Classified => "classified",
            Anchor::FiledPrevious => "filed-previous",
            Anchor::Handled => "handled",
        }
    }
    pub fn actor(&self, actor: &Actor) -> String {
        narrate::actor(self.visit, actor)
    }
    /// Values of `<select>` for whom an order or a call goes to: groups, then positions.
    pub fn addressees(&self) -> Vec<(String, String)> {
        let plan = &self.visit.plan;
        let groups = plan
            .groups
            .iter()
            .map(|g| (format!("group:{}", g.id), self.pick(&g.title).to_owned()));
        let positions = plan
            .positions
            .iter()
            .map(|p| (format!("position:{}", p.id), self.pick(&p.title).to_owned()));
        groups.chain(positions).collect()
    }
    pub fn path(&self) -> &str {
        &self.visit.path
    }
    pub fn in_demo(&self) -> bool {
        self.visit.desk().demo().is_some()
    }
    pub fn nav(&self) -> Vec<NavItem> {
        let item = |section, path, icon| NavItem {
            section,
            path,
            icon,
            current: section == self.section,
        };
        let held = self
            .visit
            .session
            .as_ref()
            .map_or(&[][..], |s| &s.positions);
        if self.visit.desk().is_guest(held) {
            return vec![item(Section::Guest, "/guest", "incidents")];
        }
        let mut out = vec![item(Section::Board, "/", "board")];
        if self.may(Act::OpenIncident) {
            out.push(item(Section::Triage, "/triage", "people"));
        }
        if self.may(Act::ViewIncident) {
            out.push(item(Section::Incidents, "/incidents", "incidents"));
            out.push(item(Section::CallOut, "/call-out", "outbox"));
            out.push(item(Section::Orders, "/orders", "report"));
            out.push(item(
                Section::Investigation,
                "/investigation",
                "investigation",
            ));
            out.push(item(Section::Sources, "/sources", "sources"));
        }
        if self.may(Act::ReadEvidence) {
            out.push(item(Section::Evidence, "/evidence", "evidence"));
        }
        if self.may(Act::ReadOutbox) {
            out.push(item(Section::Outbox, "/outbox", "outbox"));
        }
        out.push(item(Section::Plan, "/plan", "plan"));
        out.push(item(Section::Report, "/report", "report"));
        out.push(item(Section::Settings, "/settings", "settings"));
        out
    }
}

/// Times, spans, numbers.
impl View<'_> {
    /// A moment: the clock time of today, with the date on any other day.
    pub fn when(&self, at: impl Moment) -> Safe<String> {
        let at = at.moment();
        let (full, today) = (at.in_zone(ZONE), self.now.in_zone(ZONE));
        let shown = if full.get(..10) == today.get(..10) {
            full.get(11..)
        } else if full.get(..4) == today.get(..4) {
            full.get(5..16)
        } else {
            full.get(..16)
        };
        let shown = shown.unwrap_or(&full);
        Safe(format!(
            "<time datetime=\"{at}\" title=\"{full} {}\">{shown}</time>",
            self.t("common-zone")
        ))
    }
    pub fn when_full(&self, at: impl Moment) -> Safe<String> {
        let at = at.moment();
        Safe(format!(
            "<time datetime=\"{at}\">{}</time>",
            at.in_zone(ZONE)
        ))
    }
    pub fn when_or(&self, at: &Option<Instant>, key: &str) -> Safe<String> {
        at.map_or_else(|| Safe(self.t(key).into_owned()), |at| self.when(at))
    }
    /// Runs up in the browser.
    pub fn elapsed(&self, since: impl Moment) -> Safe<String> {
        let since = since.moment();
        let text = clock_text(
            (self.now.since_s(since)) as i64,
            &self.t("common-day-short"),
        );
        Safe(format!(
            "<time class=\"tick\" data-since=\"{since}\" datetime=\"{since}\">{text}</time>"
        ))
    }
    /// Runs down in the browser; behind its time it is marked with a word.
    pub fn countdown(&self, until: impl Moment) -> Safe<String> {
        let until = until.moment();
        let left = until.since_s(self.now) as i64;
        let text = clock_text(left.abs(), &self.t("common-day-short"));
        let (class, before) = match left {
            ..0 => ("tick late", format!("{} ", self.t("common-overdue"))),
            0..900 => ("tick soon", String::new()),
            _ => ("tick", String::new()),
        };
        Safe(format!(
            "<time class=\"{class}\" data-until=\"{until}\" datetime=\"{until}\">{before}{text}</time>"
        ))
    }
    /// A span in words: `45 秒`, `12 分`, `3 小时 20 分`, `2 天 4 小时`.
    pub fn span(&self, seconds: impl Count) -> String {
        let s = seconds.count().max(0);
        let two = |a: (&str, i64), b: (&str, i64)| {
            if b.1 == 0 {
                self.n(a.0, a.1)
            } else {
                format!("{} {}", self.n(a.0, a.1), self.n(b.0, b.1))
            }
        };
        match s {
            0..60 => self.n("common-seconds", s),
            60..3600 => two(("common-minutes", s / 60), ("common-seconds", s % 60)),
            3600..86_400 => two(
                ("common-hours", s / 3600),
                ("common-minutes", s % 3600 / 60),
            ),
            _ => two(
                ("common-days", s / 86_400),
                ("common-hours", s % 86_400 / 3600),
            ),
        }
    }
    pub fn span_between(&self, from: impl Moment, to: impl Moment) -> String {
        self.span(to.moment().since_s(from.moment()) as i64)
    }
    /// Digits in groups of three.
    pub fn num(&self, n: impl Count) -> String {
        let n = n.count();
        let digits = n.unsigned_abs().to_string();
        let mut out = String::from(if n < 0 { "-" } else { "" });
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        out
    }
    pub fn yuan(&self, money: &Money) -> String {
        let text = money.to_string();
        text.strip_prefix("CNY ")
            .map_or(text.clone(), |rest| format!("¥ {rest}"))
    }
    /// A figure's value; its certainty is shown beside it by `certainty`.
    pub fn figure(&self, figure: &Figure) -> String {
        match *figure {
            Figure::Known { value } => self.num(value),
            Figure::Estimated { low, high } if low == high => format!("≈ {}", self.num(low)),
            Figure::Estimated { low, high } => format!("{} – {}", self.num(low), self.num(high)),
            Figure::Unknown => self.t("common-unknown-figure").into_owned(),
        }
    }
    pub fn certainty(&self, figure: &Figure) -> &'static str {
        match figure {
            Figure::Known { .. } => "known",
            Figure::Estimated { .. } => "estimated",
            Figure::Unknown => "unknown",
        }
    }
    pub fn grade(&self, grade: &Grade) -> String {
        self.tt("incident-grade", grade.number().to_string())
            .into_owned()
    }
}

/// A number in a template, by value or by reference.
pub(crate) trait Count {
    fn count(&self) -> i64;
}
macro_rules! count {
    ($($number:ty),+) => {$(impl Count for $number {
        fn count(&self) -> i64 {
            i64::try_from(*self).unwrap_or(i64::MAX)
        }
    })+};
}
count!(u8, u16, u32, u64, usize, i32, i64);
impl<T: Count + ?Sized> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}

/// A moment in a template, by value or by reference.
pub(crate) trait Moment {
    fn moment(&self) -> Instant;
}
impl Moment for Instant {
    fn moment(&self) -> Instant {
        *self
    }
}
impl<T: Moment + ?Sized> Moment for &T {
    fn moment(&self) -> Instant {
        (**self).moment()
    }
}

/// `00:00:09`, `12:03:04`, `2d 03:04:05`.
fn clock_text(seconds: i64, day: &str) -> String {
    let s = seconds.max(0);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        s % 86_400 / 3600,
        s % 3600 / 60,
        s % 60
    );
    if s < 86_400 {
        clock
    } else {
        format!("{}{day} {clock}", s / 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::clock_text;

    #[test]
    fn a_clock_shows_days_only_when_there_are_some() {
        assert_eq!(clock_text(9, "d"), "00:00:09");
        assert_eq!(clock_text(86_399, "d"), "23:59:59");
        assert_eq!(clock_text(90_061, "d"), "1d 01:01:01");
        assert_eq!(clock_text(-5, "d"), "00:00:00");
    }
}
