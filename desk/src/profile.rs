//! How a person can be reached, and to whom they report.
//!
//! Deliberately not here: passwords and positions (`account`), and when somebody is on duty.

use crate::{Desk, DeskError, Told};
use model::AccountId;
use plan::Lang;
use serde::{Deserialize, Serialize};
use store::{Batch, PutDocument};

const PROFILES: &str = "profile";
/// Ways to reach one person; more would only delay the next one.
const MAX_ADDRESSES: usize = 8;
/// Longest address: RFC 5321 allows 254 characters for a mailbox.
const MAX_ADDRESS_CHARS: usize = 254;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// For people who call by voice; E.164 or as the company writes it.
    #[serde(default)]
    pub phone: String,
    #[serde(default)]
    pub mail: String,
    /// Language of messages to this person; the house's where none is set.
    #[serde(default)]
    pub language: Option<Lang>,
    /// IANA name; the house's where none is set.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The person's manager.
    #[serde(default)]
    pub reports_to: Option<AccountId>,
    /// In the order in which they are tried.
    #[serde(default)]
    pub addresses: Vec<Address>,
}

/// Where somebody is on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Name of a configured channel.
    pub channel: String,
    pub address: String,
}

impl Desk {
    /// Empty for somebody who never filled it in. The version is 0 then.
    pub fn profile(&self, account: &AccountId) -> Result<(Profile, u64), DeskError> {
        let Some(found) = self.store().document(PROFILES, account.as_str())? else {
            return Ok((Profile::default(), 0));
        };
        Ok((serde_json::from_str(&found.json)?, found.version))
    }

    /// Replaces the profile that was read at `version`.
    pub fn set_profile(
        &self,
        account: &AccountId,
        profile: &Profile,
        version: u64,
    ) -> Result<(), DeskError> {
        check(profile)?;
        self.store().commit(Batch {
            documents: vec![PutDocument {
                collection: PROFILES,
                id: account.to_string(),
                expect_version: (version > 0).then_some(version),
                json: serde_json::to_string(profile)?,
                at: self.now(),
            }],
            ..Batch::default()
        })?;
        self.touched();
        self.refresh_emergency_sheet();
        Ok(())
    }
}

fn check(profile: &Profile) -> Result<(), DeskError> {
    let refused = |why: Told| Err(DeskError::Refused(why));
    if profile.addresses.len() > MAX_ADDRESSES {
        return refused(Told::new("too-many-addresses").with("most", MAX_ADDRESSES));
    }
    let addresses = profile
        .addresses
        .iter()
        .flat_map(|a| [&a.address, &a.channel]);
    for text in addresses.chain([&profile.mail, &profile.phone]) {
        if text.chars().count() > MAX_ADDRESS_CHARS || text.chars().any(char::is_control) {
            return refused(Told::new("bad-address").with("most", MAX_ADDRESS_CHARS));
        }
    }
    let zone = profile.time_zone.as_deref();
    if zone.is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
        return refused(Told::new("bad-zone"));
    }
    Ok(())
}
