//! The routes of outgoing webhooks.

use super::{Needs, Row, form, page};
use crate::api;
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
    // Programs.
    page("/api/v1/webhooks", CHANNELS, api::webhooks::list),
    form("/api/v1/webhooks", CHANNELS, api::webhooks::make),
    page("/api/v1/webhooks/{webhook}", CHANNELS, api::webhooks::one),
    form(
        "/api/v1/webhooks/{webhook}",
        CHANNELS,
        api::webhooks::change,
    ),
    form(
        "/api/v1/webhooks/{webhook}/delete",
        CHANNELS,
        api::webhooks::delete,
    ),
    form(
        "/api/v1/webhooks/{webhook}/secret",
        CHANNELS,
        api::webhooks::rotate,
    ),
    form(
        "/api/v1/webhooks/{webhook}/test",
        CHANNELS,
        api::webhooks::test,
    ),
    page(
        "/api/v1/webhooks/{webhook}/deliveries",
        CHANNELS,
        api::webhooks::deliveries,
    ),
    form(
        "/api/v1/webhooks/{webhook}/deliveries/{delivery}/resend",
        CHANNELS,
        api::webhooks::resend,
    ),
];
