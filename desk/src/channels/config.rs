//! `[[channel]]` of `balefire.toml`: how people are reached, each kind with its own settings.
//!
//! Deliberately not here: a secret. Every one of them stands in a file that is named here.

use connect::notify::mail::Encryption;
use connect::notify::{ChannelKind, SecretFile};
use connect::outbound::{AllowList, Target};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Channels of one configuration; an operator has a handful.
pub const MAX_CHANNELS: usize = 32;
const MAX_NAME_CHARS: usize = 40;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Lower-case letters, digits and dashes; people's addresses name it.
    pub name: String,
    /// `mail`, `webhook`, `dingtalk`, `wecom`, `feishu`, `slack` or `sms`.
    pub kind: String,
    /// Where to post to, when the URL itself is no secret.
    pub url: Option<String>,
    /// File with the URL: of a robot it is the secret.
    pub url_file: Option<PathBuf>,
    /// File with what signs: DingTalk's `SEC...`, Feishu's key, a webhook's `whsec_...`, the key of an SMS account.
    pub secret_file: Option<PathBuf>,
    /// File with the secret of the DingTalk app whose robot hears the group: what is said to it
    /// goes on the record. Absent: nothing is heard.
    pub hear_secret_file: Option<PathBuf>,
    /// Hosts, addresses and networks inside that may be reached all the same.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Certificates (PEM) that sign the server's; the system's when absent.
    pub ca_file: Option<PathBuf>,
    pub limit: Option<LimitConfig>,
    // Mail.
    pub host: Option<String>,
    pub port: Option<u16>,
    /// `starttls` (the default), `tls`, or `none` for a server on this machine.
    pub encryption: Option<String>,
    /// Sender, such as `Balefire <balefire@shop.example>`.
    pub from: Option<String>,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    // SMS.
    /// `http`, `aliyun` or `tencent`.
    pub preset: Option<String>,
    /// AccessKey ID or SecretId.
    pub key_id: Option<String>,
    pub sign_name: Option<String>,
    /// Code of the approved template.
    pub template: Option<String>,
    /// The template's variable that takes the text.
    pub variable: Option<String>,
    pub app_id: Option<String>,
    pub region: Option<String>,
    pub max_text_bytes: Option<usize>,
    // A gateway over HTTP.
    /// `POST` (the default), `PUT` or `GET`.
    pub method: Option<String>,
    /// `json` (the default) or `form`.
    pub format: Option<String>,
    /// With the places `${to}`, `${text}`, `${id}`, `${secret}`.
    pub body: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub success: Option<SuccessConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    pub messages: u32,
    pub per_s: u32,
}

/// What the gateway's answer must hold, beyond a status of 2xx.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuccessConfig {
    /// A JSON pointer, such as `/result/code`.
    pub json: String,
    pub is: String,
}

/// What a kind must have, and what it may have besides. `a|b` is one of the two.
struct Settings {
    needs: &'static [&'static str],
    may: &'static [&'static str],
}

impl ChannelConfig {
    pub fn kind(&self) -> Option<ChannelKind> {
        let known = ChannelKind::ALL.into_iter();
        known
            .filter(|kind| *kind != ChannelKind::File)
            .find(|kind| kind.code() == self.kind)
    }

    /// `http` where none is named.
    pub(super) fn preset(&self) -> &str {
        self.preset.as_deref().unwrap_or("http")
    }

    pub(super) fn encryption(&self) -> Option<Encryption> {
        match self.encryption.as_deref().unwrap_or("starttls") {
            "starttls" => Some(Encryption::StartTls),
            "tls" => Some(Encryption::Implicit),
            "none" => Some(Encryption::None),
            _ => None,
        }
    }

    /// Relative paths are taken from the configuration's folder.
    pub(crate) fn in_folder(&mut self, folder: &Path) {
        let files = [
            &mut self.url_file,
            &mut self.secret_file,
            &mut self.hear_secret_file,
            &mut self.ca_file,
            &mut self.password_file,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// What is missing or out of place, with what to write instead.
    pub(crate) fn problem(&self) -> Option<String> {
        let told = |why: String| Some(format!("channel `{}`: {why}", self.name));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = !self.name.is_empty() && self.name.len() <= MAX_NAME_CHARS;
        if !good || !self.name.chars().all(plain) || self.name == ChannelKind::File.code() {
            return Some(format!(
                "channel `{}`: a name has 1 to {MAX_NAME_CHARS} lower-case letters, digits and dashes, and is not `file`",
                self.name.escape_debug()
            ));
        }
        let Some(kind) = self.kind() else {
            return told(format!(
                "`{}` is no kind; there are mail, webhook, dingtalk, wecom, feishu, slack and sms",
                self.kind.escape_debug()
            ));
        };
        if let Some(why) = self.misplaced(kind) {
            return told(why);
        }
        if let Err(why) = AllowList::parse(&self.allow) {
            return told(why);
        }
        if let Some(limit) = self.limit
            && (limit.messages == 0 || limit.per_s == 0)
        {
            return told(
                "`limit` lets nothing through; write { messages = 20, per_s = 60 }".into(),
            );
        }
        if let Some(Err(error)) = self.url.as_deref().map(Target::parse) {
            return told(format!("`url`: {error}"));
        }
        let why = match kind {
            ChannelKind::Mail => self.mail_problem(),
            ChannelKind::Sms => self.sms_problem(),
            _ => None,
        };
        why.and_then(told)
    }

    /// The settings that are there, by name.
    fn present(&self) -> Vec<&'static str> {
        let all = [
            ("url", self.url.is_some()),
            ("url_file", self.url_file.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("hear_secret_file", self.hear_secret_file.is_some()),
            ("allow", !self.allow.is_empty()),
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("encryption", self.encryption.is_some()),
            ("from", self.from.is_some()),
            ("user", self.user.is_some()),
            ("password_file", self.password_file.is_some()),
            ("preset", self.preset.is_some()),
            ("key_id", self.key_id.is_some()),
            ("sign_name", self.sign_name.is_some()),
            ("template", self.template.is_some()),
            ("variable", self.variable.is_some()),
            ("app_id", self.app_id.is_some()),
            ("region", self.region.is_some()),
            ("max_text_bytes", self.max_text_bytes.is_some()),
            ("method", self.method.is_some()),
            ("format", self.format.is_some()),
            ("body", self.body.is_some()),
            ("headers", !self.headers.is_empty()),
            ("success", self.success.is_some()),
        ];
        let there = all.into_iter().filter(|(_, there)| *there);
        there.map(|(name, _)| name).collect()
    }

    fn misplaced(&self, kind: ChannelKind) -> Option<String> {
        let Settings { needs, may } = settings(kind, self.preset());
        let present = self.present();
        for need in needs {
            let mut names = need.split('|');
            if !names.any(|name| present.contains(&name)) {
                return Some(missing(need, kind));
            }
        }
        if present.contains(&"url") && present.contains(&"url_file") {
            return Some("`url` and `url_file` say the same; keep one of them".into());
        }
        let fits = |name: &&str| needs.iter().any(|n| n.split('|').any(|n| n == *name));
        let odd = present
            .iter()
            .find(|name| !fits(name) && !may.contains(name))?;
        Some(format!(
            "`{odd}` does not belong to a channel of kind {}; take it out",
            self.kind
        ))
    }

    fn mail_problem(&self) -> Option<String> {
        let Some(encryption) = self.encryption() else {
            return Some(
                "`encryption` is `starttls`, `tls`, or `none` for a server on this machine".into(),
            );
        };
        let host = self.host.as_deref().unwrap_or_default();
        if self.user.is_some() != self.password_file.is_some() {
            return Some("`user` and `password_file` belong together".into());
        }
        if encryption == Encryption::None && self.user.is_some() {
            return Some(
                "a password would be sent in the clear; use `encryption = \"starttls\"`".into(),
            );
        }
        if encryption == Encryption::None && !matches!(host, "localhost" | "127.0.0.1" | "::1") {
            return Some("without encryption mail may only go to a server on this machine; use `encryption = \"starttls\"`".into());
        }
        if super::build::sender(self).is_none() {
            return Some(
                "`from` is no mail address such as Balefire <balefire@shop.example>".into(),
            );
        }
        None
    }

    fn sms_problem(&self) -> Option<String> {
        if !matches!(self.preset(), "http" | "aliyun" | "tencent") {
            return Some("`preset` is `http`, `aliyun` or `tencent`".into());
        }
        if self
            .max_text_bytes
            .is_some_and(|most| !(60..=2_000).contains(&most))
        {
            return Some("`max_text_bytes` is 60 to 2,000; a text of 70 characters has 210".into());
        }
        super::build::gateway(self).err()
    }

    /// The files with secrets that the channel reads, by setting.
    pub(crate) fn secret_files(&self) -> Vec<(&'static str, SecretFile)> {
        let files = [
            ("url_file", &self.url_file),
            ("secret_file", &self.secret_file),
            ("hear_secret_file", &self.hear_secret_file),
            ("password_file", &self.password_file),
        ];
        let there = files.into_iter();
        there
            .filter_map(|(name, path)| Some((name, SecretFile::new(path.as_ref()?))))
            .collect()
    }
}

fn settings(kind: ChannelKind, preset: &str) -> Settings {
    let of = |needs, may| Settings { needs, may };
    match kind {
        ChannelKind::Mail => of(
            &["host", "from"],
            &["port", "encryption", "user", "password_file"],
        ),
        ChannelKind::Webhook => of(&["url|url_file", "secret_file"], &["allow"]),
        ChannelKind::DingTalk => of(&["url_file"], &["secret_file", "hear_secret_file", "allow"]),
        ChannelKind::Feishu => of(&["url_file"], &["secret_file", "allow"]),
        ChannelKind::WeCom | ChannelKind::Slack | ChannelKind::File => {
            of(&["url_file"], &["allow"])
        }
        ChannelKind::Sms => match preset {
            "aliyun" => of(
                &["key_id", "secret_file", "sign_name", "template"],
                &["url", "allow", "preset", "variable", "max_text_bytes"],
            ),
            "tencent" => of(
                &["key_id", "secret_file", "sign_name", "template", "app_id"],
                &["url", "allow", "preset", "region", "max_text_bytes"],
            ),
            _ => of(
                &["url|url_file", "body"],
                &[
                    "secret_file",
                    "allow",
                    "preset",
                    "max_text_bytes",
                    "method",
                    "format",
                    "headers",
                    "success",
                ],
            ),
        },
    }
}

fn missing(need: &str, kind: ChannelKind) -> String {
    let how = match need {
        "url_file" => {
            "write the robot's URL into a file that only this account may read, and name the file here"
        }
        "url|url_file" => "it says where to post to",
        "secret_file" if kind == ChannelKind::Webhook => {
            "make a secret with: echo whsec_$(openssl rand -base64 32), keep it in a file that only this account may read, and name the file here"
        }
        "secret_file" => {
            "write the account's secret into a file that only this account may read, and name the file here"
        }
        "host" => "it names the mail server",
        "from" => "it is the sender, such as Balefire <balefire@shop.example>",
        "body" => {
            "it is what the gateway is sent, such as {\"phone\":\"${to}\",\"text\":\"${text}\"}"
        }
        "key_id" => "it is the AccessKey ID or SecretId",
        "sign_name" | "template" => "only an approved signature and template may be sent",
        _ => "see docs/channels.md",
    };
    format!("`{}` is missing; {how}", need.replace('|', "` or `"))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn told(settings: &str) -> String {
        let text = format!("[[channel]]\nname = \"duty\"\n{settings}");
        Config::parse(&text).map_or_else(|why| why, |_| String::new())
    }

    #[test]
    fn each_kind_has_what_it_needs_and_nothing_else() {
        for (settings, expected) in [
            ("kind = \"pigeon\"", "is no kind"),
            ("kind = \"file\"", "is no kind"),
            ("kind = \"mail\"", "`host` is missing"),
            ("kind = \"mail\"\nhost = \"mx\"", "`from` is missing"),
            (
                "kind = \"mail\"\nhost = \"mx\"\nfrom = \"nobody\"",
                "`from` is no mail address",
            ),
            (
                "kind = \"mail\"\nhost = \"mx\"\nfrom = \"a@b.example\"\nencryption = \"none\"",
                "this machine",
            ),
            (
                "kind = \"mail\"\nhost = \"mx\"\nfrom = \"a@b.example\"\nuser = \"u\"",
                "belong together",
            ),
            (
                "kind = \"mail\"\nhost = \"mx\"\nfrom = \"a@b.example\"\npassword = \"p\"",
                "unknown field",
            ),
            (
                "kind = \"mail\"\nhost = \"mx\"\nfrom = \"a@b.example\"\nurl_file = \"u\"",
                "does not belong",
            ),
            ("kind = \"wecom\"", "`url_file` is missing"),
            (
                "kind = \"wecom\"\nurl = \"https://x.example/\"",
                "`url_file` is missing",
            ),
            (
                "kind = \"slack\"\nurl_file = \"u\"\nsecret_file = \"s\"",
                "does not belong",
            ),
            ("kind = \"webhook\"\nurl = \"https://x.example/\"", "whsec_"),
            (
                "kind = \"webhook\"\nurl = \"ftp://x.example/\"\nsecret_file = \"s\"",
                "https://",
            ),
            (
                "kind = \"webhook\"\nurl = \"https://x.example/\"\nsecret_file = \"s\"\nallow = [\"*\"]",
                "`allow`",
            ),
            ("kind = \"sms\"", "`url` or `url_file` is missing"),
            (
                "kind = \"sms\"\nurl = \"https://x.example/\"\nbody = \"{}\"",
                "${to}",
            ),
            ("kind = \"sms\"\npreset = \"aliyun\"", "`key_id` is missing"),
            (
                "kind = \"sms\"\npreset = \"other\"\nurl = \"https://x.example/\"\nbody = \"x\"",
                "`preset`",
            ),
            (
                "kind = \"wecom\"\nurl_file = \"u\"\nlimit = { messages = 0, per_s = 1 }",
                "lets nothing",
            ),
        ] {
            let said = told(settings);
            assert!(said.contains(expected), "{settings}: {said}");
        }
        for good in [
            "kind = \"mail\"\nhost = \"localhost\"\nfrom = \"应急 <a@b.example>\"\nencryption = \"none\"",
            "kind = \"dingtalk\"\nurl_file = \"u\"\nsecret_file = \"s\"\nallow = [\"10.0.0.0/8\"]",
            "kind = \"sms\"\nurl = \"https://x.example/\"\nformat = \"form\"\nbody = \"to=${to}&text=${text}\"",
            "kind = \"sms\"\npreset = \"tencent\"\nkey_id = \"k\"\nsecret_file = \"s\"\nsign_name = \"n\"\ntemplate = \"1\"\napp_id = \"2\"",
        ] {
            assert_eq!(told(good), "", "{good}");
        }
    }

    #[test]
    fn names_are_plain_and_each_stands_once() {
        let one = "[[channel]]\nname = \"duty\"\nkind = \"wecom\"\nurl_file = \"u\"\n";
        assert!(Config::parse(one).is_ok());
        assert!(
            Config::parse(&format!("{one}{one}"))
                .unwrap_err()
                .contains("`duty`")
        );
        for bad in ["", "Duty", "a b", "file", "短信"] {
            let text = one.replace("duty", bad);
            assert!(
                Config::parse(&text).unwrap_err().contains("a name has"),
                "{bad}"
            );
        }
    }
}
