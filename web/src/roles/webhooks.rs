//! The routes of outgoing webhooks.

use super::{Needs, Row, form, page};
use crate::pages::settings::webhooks;
use plan::Act;

const CHANNELS: Needs = Needs::Act(Act::ManageChannels);

pub static ROWS: &[Row] = &[
    page("/settings/webhooks", CHANNELS, webhooks::page),
    form("/settings/webhooks", CHANNELS, webhooks::make),
    page("/settings/webhooks/{webhook}", CHANNELS, webhooks::one),
    form(
        "/settings/webhooks/{webhook}/change",
        CHANNELS,
        webhooks::change,
    ),
    form(
        "/settings/webhooks/{webhook}/switch",
        CHANNELS,
        webhooks::switch,
    ),
    form(
        "/settings/webhooks/{webhook}/rotate",
        CHANNELS,
        webhooks::rotate,
    ),
    form(
        "/settings/webhooks/{webhook}/delete",
        CHANNELS,
        webhooks::delete,
    ),
    form(
        "/settings/webhooks/{webhook}/test",
        CHANNELS,
        webhooks::test,
    ),
    form(
        "/settings/webhooks/{webhook}/deliveries/{delivery}/resend",
        CHANNELS,
        webhooks::resend,
    ),
];
