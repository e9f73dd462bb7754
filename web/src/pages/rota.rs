//! Edits of the rota: schedules, overrides, absences. Each names the version that was read.

use crate::pages::call_out::{previewed, refused};
use crate::reply::Reply;
use crate::view::ZONE;
use crate::visit::Visit;
use desk::CommandError;
use desk::rota_refusal::RotaRefusal;
use incident::rota::{Absence, Covers, Every, Layer, Override, Schedule};
use jiff::civil::{Date, DateTime, Weekday};
use model::{AccountId, GroupId, Instant, PositionId};

fn done(visit: &Visit, outcome: Result<(), CommandError>) -> Reply {
    match outcome {
        Ok(()) => Reply::see("/call-out?done=rota"),
        Err(error) => refused(visit, &error),
    }
}

/// Keeps what the form of a schedule asks for, or shows what it would change.
fn keep(visit: &Visit, asked: Result<(Option<String>, Schedule), CommandError>) -> Reply {
    let (id, schedule) = match asked {
        Ok(asked) => asked,
        Err(error) => return refused(visit, &error),
    };
    let op = visit.operation();
    if visit.form.ticked("preview") {
        return match visit.desk().check_schedule(&op, &schedule) {
            Ok(()) => previewed(visit, schedule),
            Err(error) => refused(visit, &error),
        };
    }
    let kept = (visit.desk()).keep_schedule(&op, id.as_deref(), schedule, version(visit));
    done(visit, kept.map(drop))
}

fn version(visit: &Visit) -> u64 {
    visit.form.get("version").parse().unwrap_or(0)
}

/// From and to of a form, on the wall clocks of a zone.
fn span(visit: &Visit, zone: &str) -> Result<(Instant, Instant), CommandError> {
    let read = |field: &str| {
        let local = visit.form.given(field)?.parse::<DateTime>().ok()?;
        let at = local.in_tz(zone).ok()?.timestamp();
        Some(Instant(at.as_microsecond()))
    };
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
        let (from, to) = span(visit, ZONE)?;
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
        let (id, mut schedule) = kept(visit)?;
        if visit.form.given("who").is_none() {
            return Err(RotaRefusal::Who.into());
        }
        let (from, to) = span(visit, &schedule.time_zone)?;
        schedule.overrides.push(Override {
            who: AccountId::new(visit.form.get("who")),
            instead_of: visit.form.given("instead_of").map(AccountId::new),
            from,
            to,
        });
        Ok((Some(id), schedule))
    };
    keep(visit, add())
}

/// Moves a rotation over or under its neighbour, or takes it out.
pub(crate) fn edit_layer(visit: &Visit) -> Reply {
    let edit = || {
        let (id, mut schedule) = kept(visit)?;
        let at: usize = visit.form.get("layer").parse().unwrap_or(usize::MAX);
        let layers = &mut schedule.layers;
        let other = match visit.form.get("do") {
            "up" => at.checked_add(1),
            "down" => at.checked_sub(1),
            _ => Some(at),
        };
        match other {
            Some(other) if at < layers.len() && other == at => drop(layers.remove(at)),
            Some(other) if at < layers.len() && other < layers.len() => layers.swap(at, other),
            _ => return Err(RotaRefusal::LayerGone.into()),
        }
        Ok((Some(id), schedule))
    };
    keep(visit, edit())
}

pub(crate) fn end_override(visit: &Visit) -> Reply {
    let end = || {
        let (id, mut schedule) = kept(visit)?;
        let at: usize = visit.form.get("override").parse().unwrap_or(usize::MAX);
        if at >= schedule.overrides.len() {
            return Err(RotaRefusal::OverrideGone.into());
        }
        schedule.overrides.remove(at);
        Ok((Some(id), schedule))
    };
    keep(visit, end())
}

/// The schedule of a form as it is kept. An index in it is good for the form's version only, which
/// storing compares.
fn kept(visit: &Visit) -> Result<(String, Schedule), CommandError> {
    let kept = visit.desk().schedule(visit.form.get("schedule"))?;
    let kept = kept.ok_or(RotaRefusal::Gone)?;
    if kept.version != version(visit) {
        return Err(RotaRefusal::Changed.into());
    }
    Ok((kept.id, kept.schedule))
}

/// A new schedule, or one more rotation over an existing one.
pub(crate) fn add_schedule(visit: &Visit) -> Reply {
    let add = || {
        let layer = layer(visit)?;
        match visit.form.given("schedule") {
            Some(_) => {
                let (id, mut schedule) = kept(visit)?;
                schedule.layers.push(layer);
                Ok((Some(id), schedule))
            }
            None => Ok((None, new_schedule(visit, layer)?)),
        }
    };
    keep(visit, add())
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
