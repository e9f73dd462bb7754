//! The sources under guard: state, load on the shop, what audits of a part have covered.

use crate::pages::investigation::encoded;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::audit_turns::{Covered, PartAudits};
use desk::daybook::{MOST_DAYS, ShadowReport};
use desk::source_view::SourceView;
use std::borrow::Borrow;

/// Figures of the overview are over so many days.
pub(crate) const DAYS: u32 = 31;
const MIB: f64 = 1_048_576.0;
/// A server that keeps more than this share of its bound is shown with a warning.
const MUCH: f64 = 0.7;

/// One source with all that is known of it.
pub(crate) struct SourceCard {
    pub s: SourceView,
    pub path: String,
    pub shadow: ShadowReport,
    pub audits: PartAudits,
    pub tables: String,
    /// Windows that wait for somebody's approval.
    pub asked: usize,
    pub open: usize,
}

impl SourceCard {
    fn of(v: &View<'_>, s: SourceView, days: u32) -> Result<Self, desk::DeskError> {
        let desk = v.visit.desk();
        let windows = desk.windows(Some(&s.name))?;
        let state = |code| {
            let of = |w: &&desk::window::Window| super::source::window_state(w, v.now) == code;
            windows.iter().filter(of).count()
        };
        Ok(Self {
            path: path_of(s.name.as_str()),
            shadow: desk.shadow_report_for(&v.visit.viewer(), &s.name, days)?,
            audits: desk.part_audits_for(&v.visit.viewer(), &s.name)?,
            tables: s.tables.join(v.t("common-list-comma").as_ref()),
            asked: state("asked"),
            open: state("open"),
            s,
        })
    }

    /// What the guard does now: a key of the catalogue and its mark.
    pub fn state(&self) -> (&'static str, &'static str) {
        let status = &self.s.status;
        match (status.watching, status.blind_since.is_some()) {
            (true, false) => ("following", "ok"),
            (true, true) => ("looking", "warn"),
            (false, true) => ("standing", "bad"),
            (false, false) => ("unguarded", "off"),
        }
    }

    /// Log kept, its bound, and whether that is much: in MiB, for a meter.
    pub fn kept(&self) -> Option<Kept> {
        let bytes = self.s.status.load.retained_bytes?;
        let most = self.s.most_retained_bytes;
        let much = most.is_some_and(|most| bytes as f64 > most as f64 * MUCH);
        Some(Kept {
            mib: format!("{:.1}", bytes as f64 / MIB),
            most: most.map(|most| format!("{:.0}", most as f64 / MIB)),
            much,
        })
    }

    pub fn lag(&self) -> Option<String> {
        self.s.status.load.lag_s.map(lag_text)
    }
}

pub(crate) struct Kept {
    pub mib: String,
    pub most: Option<String>,
    pub much: bool,
}

/// The source of the address; the answer when there is none or it cannot be read.
pub(crate) fn card(v: &View<'_>, name: &str, days: u32) -> Result<SourceCard, Reply> {
    let views = v.visit.desk().source_views_for(&v.visit.viewer());
    let views = views.map_err(|error| failed(v.visit, &error))?;
    let Some(found) = views.into_iter().find(|s| s.name.as_str() == name) else {
        return Err(Reply::not_found(v.visit));
    };
    SourceCard::of(v, found, days.clamp(1, MOST_DAYS)).map_err(|error| failed(v.visit, &error))
}

pub(crate) fn failed(visit: &Visit, error: &desk::DeskError) -> Reply {
    perform::unreadable(visit, error, "a source cannot be shown")
}

pub(crate) fn path_of(name: &str) -> String {
    format!("/sources/{}", encoded(name))
}

#[derive(Template)]
#[template(path = "sources.html")]
struct SourcesPage<'a> {
    v: View<'a>,
    cards: Vec<SourceCard>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Sources, "nav-sources");
    let views = visit.desk().source_views_for(&visit.viewer());
    let cards = views.and_then(|all| {
        all.into_iter()
            .map(|s| SourceCard::of(&v, s, DAYS))
            .collect()
    });
    match cards {
        Ok(cards) => Reply::page(&SourcesPage { v, cards }),
        Err(error) => failed(visit, &error),
    }
}

/// A share as people read it; never rounded to nothing, nor up to everything.
pub(crate) fn percent(share: impl Borrow<f64>) -> String {
    let of = share.borrow().clamp(0.0, 1.0) * 100.0;
    match of {
        _ if of == 0.0 || of == 100.0 => format!("{of:.0} %"),
        _ if of < 0.01 => "< 0.01 %".to_owned(),
        _ if of > 99.99 => "> 99.99 %".to_owned(),
        _ if !(10.0..=99.0).contains(&of) => format!("{of:.2} %"),
        _ => format!("{of:.1} %"),
    }
}

/// For a `<meter>`.
pub(crate) fn meter(covered: &Covered) -> String {
    format!("{:.4}", covered.share)
}

/// Spans below a second matter here.
pub(crate) fn lag_text(seconds: impl Borrow<f64>) -> String {
    match seconds.borrow().max(0.0) {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

pub(crate) fn one_decimal(number: &f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_everything() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.000_01, "< 0.01 %"),
            (0.999_99, "> 99.99 %"),
            (0.052_3, "5.23 %"),
            (0.5, "50.0 %"),
            (0.995, "99.50 %"),
        ] {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn a_lag_below_a_second_is_told_in_milliseconds() {
        assert_eq!(lag_text(0.0421), "42 ms");
        assert_eq!(lag_text(1.25), "1.2 s");
        assert_eq!(lag_text(3_600.0), "3600 s");
    }
}
