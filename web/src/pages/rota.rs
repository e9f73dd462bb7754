//! Edits of the rota: schedules, overrides, absences. Each names the version that was read.

use crate::pages::call_out::refused;
use crate::reply::Reply;
use crate::visit::Visit;
use desk::CommandError;
use desk::rota_refusal::RotaRefusal;
use incident::rota::{Absence, Covers, Every, Layer, Override, Schedule};
use jiff::civil::{Date, Weekday};
use model::{AccountId, GroupId, Instant, PositionId};

fn done(visit: &Visit, outcome: Result<(), CommandError>) -> Reply {
    match outcome {
        Ok(()) => Reply::see("/call-out?done=rota"),
        Err(error) => refused(visit, &error),
    }
}

fn version(visit: &Visit) -> u64 {
    visit.form.get("version").parse().unwrap_or(0)
}

/// From and to of a form, in the zone of the pages.
fn span(visit: &Visit) -> Result<(Instant, Instant), CommandError> {
    let read = |field| crate::forms::time(visit, field).ok().flatten();
    match (read("from"), read("to")) {
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        _ => Err(RotaRefusal::Span.into()),
    }
}

pub(crate) fn add_absence(visit: &Visit) -> Reply {
    let add = || {
        let who = match (visit.form.given("who"), &visit.session) {
            (Some(who), _) => AccountId::new(who),
            (None, Some(session)) => session.account.clone(),
            (None, None) => return Err(RotaRefusal::Who.into()),
        };
        let (from, to) = span(visit)?;
        let (mut all, version) = visit.desk().absences_of(&who)?;
        all.push(Absence {
            who: who.clone(),
            from,
            to,
        });
        visit
            .desk()
            .set_absences(&visit.operation(), &who, all, version)
    };
    done(visit, add())
}

pub(crate) fn end_absence(visit: &Visit) -> Reply {
    let end = || {
        let who = AccountId::new(visit.form.get("who"));
        let from = visit.form.get("from");
        let (mut all, version) = visit.desk().absences_of(&who)?;
        all.retain(|a| a.from.to_string() != from);
        visit
            .desk()
            .set_absences(&visit.operation(), &who, all, version)
    };
    done(visit, end())
}

pub(crate) fn retire(visit: &Visit) -> Reply {
    let id = visit.form.get("schedule");
    let outcome = visit
        .desk()
        .retire_schedule(&visit.operation(), id, version(visit));
    done(visit, outcome)
}

pub(crate) fn add_override(visit: &Visit) -> Reply {
    let add = || {
        let id = visit.form.get("schedule");
        let kept = visit.desk().schedule(id)?;
        let kept = kept.ok_or(RotaRefusal::Gone)?;
        let (from, to) = span(visit)?;
        let mut schedule = kept.schedule;
        schedule.overrides.push(Override {
            who: AccountId::new(visit.form.get("who")),
            instead_of: visit.form.given("instead_of").map(AccountId::new),
            from,
            to,
        });
        visit
            .desk()
            .keep_schedule(&visit.operation(), Some(id), schedule, version(visit))
            .map(drop)
    };
    done(visit, add())
}

/// A new schedule, or one more rotation over an existing one.
pub(crate) fn add_schedule(visit: &Visit) -> Reply {
    let add = || {
        let layer = layer(visit)?;
        let (id, schedule) = match visit.form.given("schedule") {
            Some(id) => {
                let kept = visit.desk().schedule(id)?;
                let mut schedule = kept.ok_or(RotaRefusal::Gone)?.schedule;
                schedule.layers.push(layer);
                (Some(id), schedule)
            }
            None => (None, new_schedule(visit, layer)?),
        };
        visit
            .desk()
            .keep_schedule(&visit.operation(), id, schedule, version(visit))
            .map(drop)
    };
    done(visit, add())
}

fn new_schedule(visit: &Visit, layer: Layer) -> Result<Schedule, CommandError> {
    let covers = match visit.form.get("covers").split_once(':') {
        Some(("group", id)) => Covers::Group(GroupId::new(id)),
        Some(("position", id)) => Covers::Position(PositionId::new(id)),
        _ => return Err(RotaRefusal::Covers.into()),
    };
    Ok(Schedule {
        title: visit.form.get("title").to_owned(),
        covers,
        time_zone: visit.form.get("zone").to_owned(),
        layers: vec![layer],
        overrides: Vec::new(),
    })
}

fn layer(visit: &Visit) -> Result<Layer, CommandError> {
    let form = &visit.form;
    let n: u16 = form.get("n").parse().map_err(|_| RotaRefusal::Length)?;
    let every = match form.get("unit") {
        "days" => Every::Days(n),
        "hours" => Every::Hours(n),
        _ => Every::Weeks(n),
    };
    let day = form.get("weekday").parse().unwrap_or(1);
    let from: Date = form
        .get("from")
        .parse()
        .map_err(|_| RotaRefusal::FirstDay)?;
    let until = form.given("until").map(str::parse::<Date>).transpose();
    let until = until.map_err(|_| RotaRefusal::LastDay)?;
    if until.is_some_and(|until| until < from) {
        return Err(RotaRefusal::LastDay.into());
    }
    let hand_over = form.get("hand_over").parse();
    Ok(Layer {
        every,
        from,
        until,
        hand_over: hand_over.map_err(|_| RotaRefusal::HandOver)?,
        weekday: Weekday::from_monday_one_offset(day).unwrap_or(Weekday::Monday),
        // In the order in which they are written, one account a line.
        participants: form
            .get("people")
            .split([',', '\n', ' ', '，', '、'])
            .map(str::trim)
            .filter(|who| !who.is_empty())
            .map(AccountId::new)
            .collect(),
    })
}
