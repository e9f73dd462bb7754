//! Telling people.

mod channel;
pub mod dingtalk;
pub mod feishu;
mod file_outbox;
pub mod heard;
pub mod mail;
mod mobile;
mod post;
mod secret;
mod sign;
pub mod slack;
pub mod sms;
mod text;
pub mod webhook;
pub mod wecom;

pub use channel::{Channel, ChannelKind, Handed, Limit, Message, SendError};
pub use dingtalk::DingTalk;
pub use feishu::Feishu;
pub use file_outbox::{FileOutbox, NotifyError, OutboxMessage, Sent};
pub use mail::Mail;
use mobile::Mobile;
pub use post::{Post, UrlSource};
pub use secret::{Secret, SecretFile};
pub use slack::Slack;
pub use sms::Sms;
pub use webhook::Webhook;
pub use wecom::WeCom;
