//! The seam before the channels on which people are told: mail, robots of chat tools, SMS, webhooks.
//!
//! Deliberately not here: who is told and when (room `desk`), and how one provider is spoken to.

use model::{Instant, OutboxId};
use std::fmt;

/// A way to reach people. One value stands for one configured channel.
///
/// `send` hands one message over and blocks until the provider has answered or its time-out has
/// passed (15 s). It may be called from several threads. It never retries by itself and never
/// waits for a rate limit: the caller keeps to [`Channel::limit`] and tries again as the error says.
/// The provider sees `Message::id` wherever its interface has a place for it, so that it (or a
/// person) can tell a message that came twice.
pub trait Channel: Send + Sync {
    /// Name in the configuration, such as `mail` or `duty-robot`.
    fn name(&self) -> &str;
    fn kind(&self) -> ChannelKind;
    fn limit(&self) -> Limit;
    /// `now` goes into signatures; it is the time of the call.
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// A file of lines in the data folder; always there.
    File,
    Mail,
    Webhook,
    DingTalk,
    WeCom,
    Feishu,
    Slack,
    Sms,
}

impl ChannelKind {
    pub const ALL: [Self; 8] = [
        Self::File,
        Self::Mail,
        Self::Webhook,
        Self::DingTalk,
        Self::WeCom,
        Self::Feishu,
        Self::Slack,
        Self::Sms,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::DingTalk => "dingtalk",
            Self::WeCom => "wecom",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Sms => "sms",
        }
    }

    /// Everybody in a group sees it: details stay out of the text unless the operator wants them.
    pub const fn is_robot(self) -> bool {
        matches!(
            self,
            Self::DingTalk | Self::WeCom | Self::Feishu | Self::Slack
        )
    }
}

/// At most `messages` in any `per_s` seconds; more are put off and bundled by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub messages: u32,
    pub per_s: u32,
}

/// What is said to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stable over all tries.
    pub id: OutboxId,
    /// The provider's own form: a mail address, a phone number in E.164, a user id of a robot's
    /// group; empty where the channel has one fixed receiver.
    pub to: String,
    pub subject: String,
    /// Plain text, several lines.
    pub body: String,
    /// Where the message can be answered. SMS leaves it out: providers forbid links.
    pub link: Option<String>,
    /// An earlier try may have arrived; the text says so.
    pub possible_duplicate: bool,
    /// It belongs to an exercise; the text says so first.
    pub exercise: bool,
}

/// The provider took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// Its own number for the message, where it gave one.
    pub provider_id: Option<String>,
    /// True where the provider says that it reached the person's device, not only itself.
    pub delivered: bool,
}

/// Why a message was not taken. `why` never holds a secret, a URL with one, or the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// A passing fault: time-out, 5xx, a full provider. `after_s` where the provider said when.
    Again { after_s: Option<u32>, why: String },
    /// This address or message will never be taken; another channel may.
    Never { why: String },
    /// The channel itself is set up wrongly (bad secret, revoked token, refused address).
    Broken { why: String },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again { why, .. } => write!(f, "not taken now, it is tried again: {why}"),
            Self::Never { why } => write!(f, "refused for good: {why}"),
            Self::Broken { why } => {
                write!(f, "the channel does not work, check its settings: {why}")
            }
        }
    }
}

impl std::error::Error for SendError {}
