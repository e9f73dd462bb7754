//! The channels of the configuration, with how they fare: what the page of settings shows, and
//! what call-out sends through.
//!
//! Deliberately not here: whom to reach and when (`paging`), and the providers (room `connect`).

mod build;
pub mod config;
mod health;

pub use health::{ChannelView, Outcome};

use crate::config::Config;
use crate::{Desk, DeskError, Told};
use config::ChannelConfig;
use connect::notify::{Channel, ChannelKind, Message, SecretFile, SendError};
use health::Watched;
use model::{AccountId, Operation, OutboxId};
use plan::Act;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Batch, PutDocument, Store};

/// Which channels are switched off: one document, by channel's name.
const STATES: &str = "channel";
/// Test messages through one channel within an hour: each may cost money and wake somebody.
const MAX_TESTS: usize = 6;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct State {
    off: bool,
}

/// All channels, in the order of the configuration.
pub(crate) struct Channels {
    all: Vec<Arc<Watched>>,
    /// With what the chats sign that are heard, by channel.
    hear: BTreeMap<String, SecretFile>,
}

impl Channels {
    /// Builds what the configuration names. A secret file that is missing is told when something
    /// is sent: the desk opens all the same, for an attack does not wait for a file.
    pub fn open(config: &Config, store: &Store) -> Result<Self, DeskError> {
        let all = config.channel.iter().map(|channel| {
            let built = build::channel(channel).map_err(|why| {
                DeskError::Refused(
                    Told::new("channel-fault")
                        .with("name", &channel.name)
                        .with("why", why),
                )
            })?;
            let state = store.document(STATES, &channel.name)?;
            let state: State = match state {
                Some(found) => serde_json::from_str(&found.json)?,
                None => State::default(),
            };
            Ok(Arc::new(Watched::new(
                built,
                build::host(channel),
                state.off,
            )))
        });
        Ok(Self {
            all: all.collect::<Result<_, DeskError>>()?,
            hear: heard(config),
        })
    }

    pub fn hear_secret(&self, channel: &str) -> Option<&SecretFile> {
        self.hear.get(channel)
    }

    /// What call-out sends through. A channel that is switched off refuses for good, so that the
    /// next way to a person is taken at once.
    pub fn for_sending(&self) -> Vec<Arc<dyn Channel>> {
        let all = self.all.iter();
        all.map(|c| Arc::clone(c) as Arc<dyn Channel>).collect()
    }
}

fn heard(config: &Config) -> BTreeMap<String, SecretFile> {
    let of = |channel: &ChannelConfig| {
        let file = channel.hear_secret_file.as_ref()?;
        Some((channel.name.clone(), SecretFile::new(file)))
    };
    config.channel.iter().filter_map(of).collect()
}

/// What may keep a configured channel from working, for `config check`: a secret that cannot be
/// read or that others can read.
pub fn warnings(config: &Config) -> Vec<String> {
    let of = |channel: &ChannelConfig| {
        let mut found = Vec::new();
        for (setting, file) in channel.secret_files() {
            if let Err(why) = file.read() {
                found.push(format!("channel `{}`: `{setting}`: {why}", channel.name));
            } else if file.is_open_to_others() {
                found.push(format!(
                    "channel `{}`: `{setting}`: everybody on this machine can read {}; chmod 600 it",
                    channel.name,
                    file.path().display()
                ));
            }
        }
        if let Err(why) = build::channel(channel) {
            found.push(format!("channel `{}`: {why}", channel.name));
        }
        found
    };
    config.channel.iter().flat_map(of).collect()
}

impl Desk {
    /// Every configured channel and how it fares; never a secret.
    pub fn channel_views(&self) -> Vec<ChannelView> {
        let all = self.inner.paging.watched.all.iter();
        all.map(|channel| channel.view()).collect()
    }

    /// Switches a channel on or off, for everybody and over restarts.
    pub fn switch_channel(&self, op: &Operation, name: &str, on: bool) -> Result<(), DeskError> {
        self.may_manage_channels(op)?;
        let channel = self.watched(name)?;
        let stored = self.store().document(STATES, name)?;
        self.store().commit(Batch {
            documents: vec![PutDocument {
                collection: STATES,
                id: name.to_owned(),
                expect_version: stored.map(|s| s.version),
                json: serde_json::to_string(&State { off: !on })?,
                at: op.now,
            }],
            ..Batch::default()
        })?;
        channel.switch(!on);
        let by = op.actor.account().map_or("", AccountId::as_str);
        tracing::info!(channel = name, on, by, "a channel was switched");
        self.touched();
        Ok(())
    }

    /// Sends one message through this channel to the person's own address, and waits for the
    /// provider's answer (15 s at most).
    pub fn test_channel(
        &self,
        op: &Operation,
        who: &AccountId,
        name: &str,
    ) -> Result<Outcome, DeskError> {
        self.may_manage_channels(op)?;
        let channel = self.watched(name)?;
        let (profile, _) = self.profile(who)?;
        let named = profile.addresses.iter().find(|a| a.channel == name);
        let to = match (named, channel.kind()) {
            (Some(named), _) => named.address.clone(),
            (None, ChannelKind::Mail) => profile.mail.clone(),
            (None, ChannelKind::Sms) => profile.phone.clone(),
            // A robot says it to its group, a webhook to its receiver.
            (None, _) => String::new(),
        };
        if to.is_empty() && matches!(channel.kind(), ChannelKind::Mail | ChannelKind::Sms) {
            return Err(DeskError::Refused(Told::new("no-address")));
        }
        if !channel.may_test(op.now, MAX_TESTS) {
            return Err(DeskError::Refused(
                Told::new("tests-enough").with("most", MAX_TESTS),
            ));
        }
        let words = document::words(profile.language.unwrap_or(self.config().web.language));
        let message = Message {
            id: OutboxId::new(self.new_id("test")?),
            to,
            subject: words.with("channels-test-subject", &[]),
            body: words.with("channels-test-body", &[("channel", name.into())]),
            link: None,
            possible_duplicate: false,
            exercise: false,
        };
        // What it says is kept by the channel itself, as for every message.
        let sent: Result<_, SendError> = channel.send(&message, self.now());
        Ok(match sent {
            Ok(_) => Outcome::Taken,
            Err(error) => Outcome::of(&error),
        })
    }

    fn watched(&self, name: &str) -> Result<&Arc<Watched>, DeskError> {
        let found = self
            .inner
            .paging
            .watched
            .all
            .iter()
            .find(|c| c.name() == name);
        found.ok_or_else(|| DeskError::NotFound(Told::new("channel-unknown")))
    }

    fn may_manage_channels(&self, op: &Operation) -> Result<(), DeskError> {
        let may = self
            .plan()
            .allows(Act::ManageChannels, op.actor.positions());
        match may {
            true => Ok(()),
            false => Err(DeskError::Refused(Told::new("not-for-channels"))),
        }
    }
}
