//! From an outbox row to its receivers: who is on duty, on which channels each is reached.
//!
//! Deliberately not here: when and in which order it goes out (`engine`).

use super::file_sink::FILE;
use super::page::{MAX_RECEIVERS, Paged, Receiver, Red, Route};
use super::words::{Said, TestCall, report_words, test_words};
use crate::account::Person;
use crate::alarm::{ALARM, Alarm};
use crate::dispatch::{ReportPage, brief_words, page_words};
use crate::duty::Staff;
use crate::{Desk, DeskError, Told};
use connect::notify::ChannelKind;
use incident::{Effect, Incident, Page};
use model::{AccountId, Instant, OutboxId, PositionId};
use plan::Lang;
use store::OutboxRow;

/// Kinds of outbox rows that are messages to people on duty.
pub(crate) const KINDS: [&str; 5] = ["page", "report", "brief", ALARM, TEST];
pub(crate) const TEST: &str = "test";

/// What a row asks for.
enum Wanted {
    Page(Page, bool),
    Report(ReportPage),
    Brief(u32, bool),
    Alarm(Alarm),
    Test(TestCall),
}

fn wanted(row: &OutboxRow) -> Result<Wanted, DeskError> {
    Ok(match row.kind.as_str() {
        crate::dispatch::REPORT => Wanted::Report(serde_json::from_str(&row.json)?),
        ALARM => Wanted::Alarm(Alarm::parse(&row.json)?),
        TEST => Wanted::Test(serde_json::from_str(&row.json)?),
        _ => {
            let effect: Effect = serde_json::from_str(&row.json)?;
            let exercise = effect.exercise();
            match effect {
                Effect::Page { page, .. } => Wanted::Page(page, exercise),
                Effect::Brief { number, .. } => Wanted::Brief(number, exercise),
                _ => {
                    return Err(DeskError::Refused(
                        Told::new("page-unknown").with("id", &row.id),
                    ));
                }
            }
        }
    })
}

/// The words of a row in a language.
pub(crate) fn said(desk: &Desk, row: &OutboxRow, lang: Lang) -> Result<Said, DeskError> {
    Ok(match wanted(row)? {
        Wanted::Page(page, _) => page_words(desk, row, &page, &desk.plan(), lang),
        Wanted::Report(page) => report_words(&page.report, lang),
        Wanted::Brief(number, _) => brief_words(desk, row, number, lang),
        Wanted::Alarm(alarm) => alarm.words(lang),
        Wanted::Test(_) => test_words(row.created_at, lang),
    })
}

/// The page with its receivers as they are now.
pub(crate) fn expand(desk: &Desk, row: &OutboxRow, now: Instant) -> Result<Paged, DeskError> {
    let asked = match wanted(row)? {
        Wanted::Page(page, exercise) => Asked::of_page(&page, exercise),
        Wanted::Report(page) => Asked::told(page.position, true, false),
        Wanted::Brief(_, exercise) => {
            Asked::told(PositionId::new("senior_management"), false, exercise)
        }
        Wanted::Alarm(alarm) => Asked::told(alarm.position, true, false),
        Wanted::Test(_) => Asked {
            exercise: true,
            ..Asked::default()
        },
    };
    let people = people(desk, row, asked.position.as_ref(), now)?;
    let reached = people.into_iter().map(|person| Reached {
        lang: desk.language_of(&person.id),
        routes: desk.routes_of(&person.id),
        person,
    });
    let mut page = addressed(&asked, reached.collect(), desk.config().web.language);
    page.id = row.id.clone();
    page.kind.clone_from(&row.kind);
    page.incident.clone_from(&row.incident);
    page.due_at = row.due_at.min(now);
    Ok(page)
}

/// What a row asks of its receivers, whoever they are.
#[derive(Default)]
pub(super) struct Asked {
    position: Option<PositionId>,
    call: Option<u32>,
    urgent: bool,
    exercise: bool,
    /// Meant for one person by name: nobody stands in, and there is no gap where they are not told.
    by_name: bool,
}

impl Asked {
    pub fn of_page(page: &Page, exercise: bool) -> Self {
        let call = match page {
            Page::CallOut { call, .. } => Some(*call),
            Page::Order { .. }
            | Page::Mention { .. }
            | Page::BriefSoon { .. }
            | Page::Resource { .. } => None,
        };
        let urgent = call.is_some();
        let by_name = matches!(
            page,
            Page::Mention {
                account: Some(_),
                ..
            }
        );
        Self {
            call,
            by_name,
            ..Self::told(page.position().clone(), urgent, exercise)
        }
    }
    fn told(position: PositionId, urgent: bool, exercise: bool) -> Self {
        Self {
            position: Some(position),
            urgent,
            exercise,
            ..Self::default()
        }
    }
}

/// A person with the ways to them; none where no configured channel reaches them.
pub(super) struct Reached {
    pub person: Person,
    pub lang: Lang,
    pub routes: Vec<Route>,
}

/// The page with its receivers; the caller gives it the row's names and time. Pure.
pub(super) fn addressed(asked: &Asked, people: Vec<Reached>, lang: Lang) -> Paged {
    let mut red = None;
    let mut receivers: Vec<Receiver> = people
        .into_iter()
        .take(MAX_RECEIVERS)
        .map(|reached| receiver(reached, &mut red))
        .collect();
    let untold = receivers.is_empty() && asked.by_name;
    if receivers.is_empty() && !untold {
        red = Some(Red::NobodyOnDuty);
        receivers.extend(asked.position.as_ref().map(|p| nobody(p, lang)));
    }
    Paged {
        id: OutboxId::new(""),
        kind: String::new(),
        incident: None,
        call: asked.call,
        position: asked.position.clone(),
        urgent: asked.urgent,
        exercise: asked.exercise,
        due_at: Instant(0),
        receivers,
        red,
        settled: untold,
        over_at: None,
    }
}

/// Whom a row is for, as things are now.
fn people(
    desk: &Desk,
    row: &OutboxRow,
    position: Option<&PositionId>,
    now: Instant,
) -> Result<Vec<Person>, DeskError> {
    let (position, wanted) = match (position, wanted(row)?) {
        // About the program itself: everybody who holds the position, on duty or not.
        (Some(position), Wanted::Alarm(_)) => return Ok(desk.holders(position)),
        (Some(position), wanted) => (position, wanted),
        (None, Wanted::Test(test)) => {
            return Ok(person(desk, &test.test_of)?.into_iter().collect());
        }
        (None, _) => return Ok(Vec::new()),
    };
    if let Wanted::Report(page) = &wanted {
        return desk.told_of_report(page, position, now);
    }
    let Wanted::Page(page, _) = wanted else {
        return Ok(desk.to_be_told(row, position, now));
    };
    if let Page::Mention {
        account: Some(one), ..
    } = &page
    {
        // Who is named is told, on duty or not; nobody else is.
        let incident = row.incident.as_ref().and_then(|id| desk.incident(id));
        let mut named = desk.who_may_know(incident.as_deref(), position);
        named.retain(|p| p.id == *one);
        return Ok(named);
    }
    let mut people = desk.to_be_told(row, position, now);
    // An order to one person goes to nobody else, as long as that person may be told.
    if let Some(one) = page.account()
        && people.iter().any(|p| p.id == *one)
    {
        people.retain(|p| p.id == *one);
    }
    Ok(people)
}

/// Whether somebody may still be told what a row says: they are there, and it is not kept from them.
pub(crate) fn may_be_told(
    desk: &Desk,
    row: &OutboxRow,
    who: &AccountId,
) -> Result<bool, DeskError> {
    let Some(person) = person(desk, who)? else {
        return Ok(false);
    };
    let viewer = desk.viewer(who, &person.positions);
    if let Wanted::Report(page) = wanted(row)? {
        let report = desk.report_named(&page.report)?;
        return Ok(report.is_none_or(|report| desk.sees_report(&viewer, &report)));
    }
    let incident = row.incident.as_ref().and_then(|id| desk.incident(id));
    Ok(incident.is_none_or(|incident| desk.sees(&viewer, &incident)))
}

fn person(desk: &Desk, who: &AccountId) -> Result<Option<Person>, DeskError> {
    let mut people = desk.accounts()?;
    people.retain(|p| p.id == *who && !p.disabled);
    Ok(people.pop())
}

fn receiver(reached: Reached, red: &mut Option<Red>) -> Receiver {
    let Reached {
        person,
        lang,
        mut routes,
    } = reached;
    if routes.is_empty() {
        // The file has it, so that it is not lost; but nobody reads a file at night.
        *red = Some(Red::NoAddress);
        routes.push(in_the_file(person.id.as_str()));
    }
    Receiver {
        who: person.id.to_string(),
        account: Some(person.id),
        name: person.name,
        lang,
        routes,
        route: 0,
        rounds: 0,
        failing_since: None,
        messages: Vec::new(),
        withdrawn: false,
    }
}

/// A position that nobody holds, or whose holders are all absent.
fn nobody(position: &PositionId, lang: Lang) -> Receiver {
    Receiver {
        who: position.to_string(),
        account: None,
        name: position.to_string(),
        lang,
        routes: vec![in_the_file(position.as_str())],
        route: 0,
        rounds: 0,
        failing_since: None,
        messages: Vec::new(),
        withdrawn: false,
    }
}

fn in_the_file(to: &str) -> Route {
    Route {
        channel: FILE.into(),
        to: to.into(),
    }
}

impl Desk {
    /// Whoever a report is about is not told of it, from the first page on.
    fn told_of_report(
        &self,
        page: &ReportPage,
        position: &PositionId,
        now: Instant,
    ) -> Result<Vec<Person>, DeskError> {
        let report = self.report_named(&page.report)?;
        let plan = self.plan();
        let staff = Staff::of(&plan, position, |position| match &report {
            Some(report) => self.holders_under(&report.access, position),
            None => self.holders(position),
        });
        let on_duty = self.rota().on_duty_among(&plan, position, staff, now);
        Ok(on_duty.people)
    }

    /// Who is called for a position: on duty, and free to know of the incident.
    fn to_be_told(&self, row: &OutboxRow, position: &PositionId, now: Instant) -> Vec<Person> {
        let incident = row.incident.as_ref().and_then(|id| self.incident(id));
        let plan = self.plan();
        let staff = Staff::of(&plan, position, |p| {
            self.who_may_know(incident.as_deref(), p)
        });
        (self.rota()).called(&plan, incident.as_deref(), position, staff, now)
    }

    /// Who holds a position and is free to know of an incident.
    fn who_may_know(&self, incident: Option<&Incident>, position: &PositionId) -> Vec<Person> {
        match incident {
            Some(incident) => self.holders_in(incident, position),
            None => self.holders(position),
        }
    }

    pub(crate) fn language_of(&self, who: &AccountId) -> Lang {
        let chosen = self.profile(who).ok().and_then(|(p, _)| p.language);
        chosen.unwrap_or(self.config().web.language)
    }

    /// The ways to a person, in the order in which they are tried. Empty where channels are
    /// configured and none of them reaches the person.
    pub fn routes_of(&self, who: &AccountId) -> Vec<Route> {
        let channels = self.channels();
        if channels.is_empty() {
            return vec![in_the_file(who.as_str())];
        }
        let (profile, _) = self.profile(who).unwrap_or_else(|error| {
            tracing::error!(error = %error.told(), "a person's addresses cannot be read");
            Default::default()
        });
        let mut routes: Vec<Route> = Vec::new();
        for address in &profile.addresses {
            if channels.iter().any(|c| c.name() == address.channel) {
                routes.push(Route {
                    channel: address.channel.clone(),
                    to: address.address.clone(),
                });
            }
        }
        for channel in channels {
            let to = match channel.kind() {
                ChannelKind::Mail => profile.mail.as_str(),
                ChannelKind::Sms => profile.phone.as_str(),
                // One fixed receiver: nobody needs an address of their own.
                kind if kind.is_robot() => "",
                _ => continue,
            };
            let known = routes.iter().any(|r| r.channel == channel.name());
            if !known && (!to.is_empty() || channel.kind().is_robot()) {
                routes.push(Route {
                    channel: channel.name().into(),
                    to: to.into(),
                });
            }
        }
        routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_message_has_its_name_in_both_languages() {
        for (kind, lang) in KINDS.iter().flat_map(|k| Lang::ALL.map(|lang| (k, lang))) {
            let key = format!("outbox-kind-{kind}");
            assert!(
                document::words(lang).get(&key).is_some(),
                "{key} in {lang:?}"
            );
        }
    }
}
