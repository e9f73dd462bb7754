//! One's own account: password, sessions, how one is reached, language. The second factor is next door.

use super::{failed, only, raw};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::identity::second_factor::FactorStatus;
use desk::identity::sessions::SessionView;
use desk::{Address, DeskError, Profile, Told};
use model::AccountId;
use plan::{Act, Lang};

pub(crate) const HERE: &str = "/settings/account";

#[derive(Template)]
#[template(path = "settings_account.html")]
struct AccountPage<'a> {
    v: View<'a>,
    tab: &'static str,
    factor: FactorStatus,
    factor_wanted: bool,
    has_password: bool,
    sessions: Vec<SessionView>,
    p: ProfileFields,
}

/// A profile as the fields of a form.
pub(crate) struct ProfileFields {
    pub phone: String,
    pub mail: String,
    pub language: &'static str,
    pub time_zone: String,
    pub reports_to: String,
    /// `channel address`, one a line.
    pub addresses: String,
    pub version: u64,
}

pub(crate) const PROFILE_FIELDS: [&str; 6] = [
    "phone",
    "mail",
    "language",
    "time_zone",
    "addresses",
    "version",
];

impl ProfileFields {
    pub fn of(profile: &Profile, version: u64) -> Self {
        let line = |a: &Address| format!("{} {}", a.channel, a.address);
        let lines: Vec<String> = profile.addresses.iter().map(line).collect();
        Self {
            phone: profile.phone.clone(),
            mail: profile.mail.clone(),
            language: profile.language.map_or("", Lang::tag),
            time_zone: profile.time_zone.clone().unwrap_or_default(),
            reports_to: profile
                .reports_to
                .as_ref()
                .map_or_else(String::new, |a| a.to_string()),
            addresses: lines.join("\n"),
            version,
        }
    }
}

/// The profile that the form asks for, on top of what the form does not have.
pub(crate) fn read_profile(visit: &Visit, known: Profile) -> Result<(Profile, u64), DeskError> {
    let form = &visit.form;
    let addresses = raw(visit, "addresses").lines();
    let address = |line: &str| {
        let parts = line.trim().split_once(char::is_whitespace);
        let (channel, address) =
            parts.ok_or_else(|| DeskError::Refused(Told::new("address-form")))?;
        Ok::<_, DeskError>(Address {
            channel: channel.to_owned(),
            address: address.trim().to_owned(),
        })
    };
    let addresses = addresses.filter(|line| !line.trim().is_empty());
    let profile = Profile {
        phone: form.get("phone").to_owned(),
        mail: form.get("mail").to_owned(),
        language: form.get("language").parse().ok(),
        time_zone: form.given("time_zone").map(str::to_owned),
        addresses: addresses.map(address).collect::<Result<_, _>>()?,
        ..known
    };
    let version = form.get("version").parse();
    let version = version.map_err(|_| DeskError::Refused(Told::new("form-broken")))?;
    Ok((profile, version))
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match build(visit) {
        Ok(page) => Reply::page(&page),
        Err(error) => failed(visit, &error, "/settings"),
    }
}

fn build(visit: &Visit) -> Result<AccountPage<'_>, DeskError> {
    let account = own(visit);
    let desk = visit.desk();
    let (profile, version) = desk.profile(&account)?;
    let session = visit.session.as_ref();
    Ok(AccountPage {
        factor: desk.second_factor(&account)?,
        factor_wanted: session.is_some_and(|s| s.needs_second_factor),
        has_password: desk.has_password(&account)?,
        sessions: desk.sessions(&account, visit.token.as_deref())?,
        p: ProfileFields::of(&profile, version),
        v: View::titled(visit, Section::Settings, "settings-tab-account"),
        tab: "account",
    })
}

/// Whoever is logged in; the rows of these pages let nobody else in.
pub(crate) fn own(visit: &Visit) -> AccountId {
    let session = visit.session.as_ref();
    session.map_or_else(|| AccountId::new(""), |s| s.account.clone())
}

pub(crate) fn change_password(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["old", "new"]) {
        return reply;
    }
    let token = visit.token.as_deref().unwrap_or_default();
    let (old, new) = (raw(visit, "old"), raw(visit, "new"));
    done(
        visit,
        visit.desk().change_password(token, &own(visit), old, new),
        "password",
    )
}

pub(crate) fn save_profile(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &PROFILE_FIELDS) {
        return reply;
    }
    let save = || {
        let account = own(visit);
        // Whom one reports to is an administrator's to say: need-to-know hangs on it.
        let (known, _) = visit.desk().profile(&account)?;
        let (profile, version) = read_profile(visit, known)?;
        visit.desk().set_profile(&account, &profile, version)
    };
    done(visit, save(), "profile")
}

pub(crate) fn end_session(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let id = visit.params.get("session");
    done(
        visit,
        visit.desk().end_session_of(&own(visit), id),
        "session-ended",
    )
}

pub(crate) fn end_others(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    let token = visit.token.as_deref().unwrap_or_default();
    done(
        visit,
        visit.desk().end_other_sessions(&own(visit), token),
        "sessions-ended",
    )
}

pub(super) fn done(visit: &Visit, result: Result<(), DeskError>, what: &str) -> Reply {
    match result {
        Ok(()) => Reply::see(&format!("{HERE}?done=settings-{what}")),
        Err(error) => failed(visit, &error, HERE),
    }
}
