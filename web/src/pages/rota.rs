//! Edits of the rota: schedules, overrides, absences. Each names the version that was read.

use crate::pages::call_out::refused;
use crate::reply::Reply;
use crate::visit::Visit;
use desk::{CommandError, DeskError};
use incident::rota::{Absence, Covers, Every, Layer, Override, Schedule};
use jiff::civil::Weekday;
use model::{AccountId, GroupId, Instant, PositionId};

fn done(visit: &Visit, outcome: Result<(), CommandError>) -> Reply {
    match outcome {
        Ok(()) => Reply::see("/call-out?done=rota"),
        Err(error) => refused(visit, &error),
    }
}

fn bad(text: &str) -> CommandError {
    DeskError::Refused(text.to_owned()).into()
}

fn version(visit: &Visit) -> u64 {
    visit.form.get("version").parse().unwrap_or(0)
}

/// From and to of a form, in the zone of the pages.
fn span(visit: &Visit) -> Result<(Instant, Instant), CommandError> {
    let read = |field| crate::forms::time(visit, field).map_err(CommandError::Refused);
    match (read("from")?, read("to")?) {
        (Some(from), Some(to)) => Ok((from, to)),
        _ => Err(bad("say from when to when")),
    }
}

pub(crate) fn add_absence(visit: &Visit) -> Reply {
    let add = || {
        let who = match (visit.form.given("who"), &visit.session) {
            (Some(who), _) => AccountId::new(who),
            (None, Some(session)) => session.account.clone(),
            (None, None) => return Err(bad("say who")),
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
        let kept = kept.ok_or_else(|| DeskError::NotFound("there is no such schedule".into()))?;
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
                let gone = || DeskError::NotFound("there is no such schedule".into());
                let mut schedule = kept.ok_or_else(gone)?.schedule;
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
        _ => return Err(bad("say for which position or group")),
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
    let n: u16 = form
        .get("n")
        .parse()
        .map_err(|_| bad("say how long a turn is"))?;
    let every = match form.get("unit") {
        "days" => Every::Days(n),
        "hours" => Every::Hours(n),
        _ => Every::Weeks(n),
    };
    let day = form.get("weekday").parse().unwrap_or(1);
    Ok(Layer {
        every,
        from: form
            .get("from")
            .parse()
            .map_err(|_| bad("say the first day"))?,
        until: form.given("until").and_then(|day| day.parse().ok()),
        hand_over: form
            .get("hand_over")
            .parse()
            .map_err(|_| bad("say the time of the hand-over"))?,
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
