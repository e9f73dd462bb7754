//! The routes of call-out and schedule, of answers to a page, and of the calendar feed.

use super::{Needs, Row, VIEW, form, page};
use crate::pages::{answer, call_out, rota};
use plan::Act;

const ROTA: Needs = Needs::Act(Act::ManageRota);

pub static ROWS: &[Row] = &[
    page("/call-out", VIEW, call_out::page),
    page("/call-out/sheet", VIEW, call_out::sheet),
    form("/call-out/code", VIEW, call_out::code),
    form("/call-out/test", Needs::LoggedIn, call_out::test),
    form("/call-out/feed", Needs::LoggedIn, call_out::new_feed),
    form(
        "/call-out/feed/revoke",
        Needs::LoggedIn,
        call_out::revoke_feed,
    ),
    form("/call-out/absence", Needs::LoggedIn, rota::add_absence),
    form("/call-out/absence/end", Needs::LoggedIn, rota::end_absence),
    form("/call-out/schedule", ROTA, rota::add_schedule),
    form("/call-out/retire", ROTA, rota::retire),
    form("/call-out/override", ROTA, rota::add_override),
    form("/call-out/override/end", ROTA, rota::end_override),
    form("/call-out/layer", ROTA, rota::edit_layer),
    // The token in the address is the right to them.
    page("/answer/{token}", Needs::Public, answer::page),
    form("/answer/{token}", Needs::Public, answer::answer),
    page("/rota/{token}/duty.ics", Needs::Public, call_out::feed),
];
