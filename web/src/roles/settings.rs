//! The routes of the ways in and of the settings.

use super::{Needs, Row, form, page};
use crate::pages;
use plan::Act;

const ACCOUNTS: Needs = Needs::Act(Act::ManageAccounts);
const CHANNELS: Needs = Needs::Act(Act::ManageChannels);

pub static ROWS: &[Row] = &[
    // Ways in.
    page("/login", Needs::Public, pages::login::page),
    form("/login", Needs::Public, pages::login::log_in),
    page("/login/link", Needs::Public, pages::login::link_page),
    form("/login/link", Needs::Public, pages::login::log_in_by_link),
    page("/login/oidc", Needs::Public, pages::sign_on::leave),
    page(
        "/login/oidc/callback",
        Needs::Public,
        pages::sign_on::arrive,
    ),
    form("/login/code", Needs::Public, pages::login::log_in_with_code),
    page("/login/emergency", Needs::Public, pages::welcome::emergency),
    form("/login/emergency", Needs::Public, pages::welcome::use_code),
    page("/welcome", Needs::Public, pages::welcome::page),
    form("/welcome", Needs::Public, pages::welcome::set_password),
    form("/look", Needs::Public, pages::login::look),
    // Settings: one's own.
    page("/settings", Needs::LoggedIn, pages::settings::page),
    page(
        "/settings/account",
        Needs::LoggedIn,
        pages::settings::account::page,
    ),
    form(
        "/settings/account/password",
        Needs::LoggedIn,
        pages::settings::account::change_password,
    ),
    form(
        "/settings/account/profile",
        Needs::LoggedIn,
        pages::settings::account::save_profile,
    ),
    form(
        "/settings/account/factor",
        Needs::LoggedIn,
        pages::settings::factor::begin,
    ),
    form(
        "/settings/account/factor/confirm",
        Needs::LoggedIn,
        pages::settings::factor::confirm,
    ),
    form(
        "/settings/account/recovery",
        Needs::LoggedIn,
        pages::settings::factor::renew,
    ),
    form(
        "/settings/account/sessions/end-others",
        Needs::LoggedIn,
        pages::settings::account::end_others,
    ),
    form(
        "/settings/account/sessions/{session}/end",
        Needs::LoggedIn,
        pages::settings::account::end_session,
    ),
    page(
        "/settings/positions",
        Needs::LoggedIn,
        pages::settings::positions::page,
    ),
    page(
        "/settings/tokens",
        Needs::LoggedIn,
        pages::settings::tokens::page,
    ),
    form(
        "/settings/tokens",
        Needs::LoggedIn,
        pages::settings::tokens::make,
    ),
    form(
        "/settings/tokens/{token}/revoke",
        Needs::LoggedIn,
        pages::settings::tokens::revoke,
    ),
    form(
        "/settings/proposals/{proposal}/collect",
        Needs::LoggedIn,
        pages::settings::proposals::collect,
    ),
    form(
        "/settings/proposals/{proposal}/refuse",
        Needs::LoggedIn,
        pages::settings::proposals::refuse,
    ),
    page(
        "/settings/channels",
        CHANNELS,
        pages::settings::channels::page,
    ),
    form(
        "/settings/channels/{channel}/test",
        CHANNELS,
        pages::settings::channels::test,
    ),
    form(
        "/settings/channels/{channel}/switch",
        CHANNELS,
        pages::settings::channels::switch,
    ),
    // Settings: everybody's.
    form(
        "/settings/proposals/{proposal}/approve",
        ACCOUNTS,
        pages::settings::proposals::approve,
    ),
    page("/settings/people", ACCOUNTS, pages::settings::people::page),
    form(
        "/settings/people",
        ACCOUNTS,
        pages::settings::people::invite,
    ),
    form(
        "/settings/break-glass",
        ACCOUNTS,
        pages::settings::people::break_glass,
    ),
    page(
        "/settings/people/{account}",
        ACCOUNTS,
        pages::settings::person::page,
    ),
    form(
        "/settings/people/{account}/profile",
        ACCOUNTS,
        pages::settings::person::save,
    ),
    form(
        "/settings/people/{account}/positions",
        ACCOUNTS,
        pages::settings::person::set_positions,
    ),
    form(
        "/settings/people/{account}/link",
        ACCOUNTS,
        pages::settings::person::new_link,
    ),
    form(
        "/settings/people/{account}/disable",
        ACCOUNTS,
        pages::settings::person::disable,
    ),
    form(
        "/settings/people/{account}/enable",
        ACCOUNTS,
        pages::settings::person::enable,
    ),
    form(
        "/settings/people/{account}/reset-factor",
        ACCOUNTS,
        pages::settings::person::reset_factor,
    ),
    form(
        "/settings/people/{account}/end-sessions",
        ACCOUNTS,
        pages::settings::person::end_sessions,
    ),
];
