//! Forms about guests: what they may see, until when, and their end.

use super::{Commands, bad, one, whole};
use crate::visit::Visit;
use incident::refusal::BadValue;
use incident::resource::{GuestCommand, GuestPage, ResourceCommand};
use incident::{Command, Incident, Refusal};
use model::{AccountId, Instant};

const DAY_S: i64 = 86_400;

/// What a guest may see, and until when.
pub(crate) fn guest_scope(visit: &Visit) -> Result<(Vec<GuestPage>, Instant), Refusal> {
    let pages = visit.form.all("page").filter_map(GuestPage::parse);
    let days = whole(visit, "days")?;
    if !(1..=366).contains(&days) {
        return bad("until", BadValue::Time);
    }
    let until = visit.desk().now().plus_s(days * DAY_S);
    Ok((pages.collect(), until))
}

pub(crate) fn change_guest(visit: &Visit, _: &Incident) -> Commands {
    let (pages, until) = guest_scope(visit)?;
    one(Command::Resource(ResourceCommand::Guest(
        GuestCommand::Change {
            account: AccountId::new(visit.form.get("account")),
            pages,
            may_act: visit.form.ticked("may_act"),
            until,
        },
    )))
}

pub(crate) fn end_guest(visit: &Visit, _: &Incident) -> Commands {
    let account = AccountId::new(visit.form.get("account"));
    let end = GuestCommand::End { account };
    one(Command::Resource(ResourceCommand::Guest(end)))
}
