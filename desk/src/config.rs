//! `balefire.toml`: what is guarded, where the pages listen, how people are reached.
//! Unknown settings are refused with the nearest name that exists.

use crate::DeskError;
use crate::audit_turns::AuditConfig;
use crate::channels::config::{ChannelConfig, MAX_CHANNELS};
use crate::expected_writers::WritersConfig;
use crate::identity::config::{AccountsConfig, MessagesConfig};
use crate::identity::sign_on::config::OidcConfig;
use crate::server_log::AuditLogConfig;
use crate::store_config::StoreConfig;
use crate::webhooks::WebhooksConfig;
use connect::source::address::OnFull;
use connect::source::{Location, ServerAddress, TlsMode};
use model::policy::{CrossCheck, Sees};
use model::{Dialect, SourceName, SourcePolicy, TablePolicy};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub web: WebConfig,
    #[serde(default)]
    pub plan: PlanConfig,
    #[serde(default)]
    pub accounts: AccountsConfig,
    #[serde(default)]
    pub messages: MessagesConfig,
    #[serde(default)]
    pub store: StoreConfig,
    pub oidc: Option<OidcConfig>,
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    #[serde(default)]
    pub source: Vec<SourceConfig>,
    #[serde(default)]
    pub channel: Vec<ChannelConfig>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Address and port of the pages.
    pub listen: String,
    /// Addresses of proxies in front of the pages, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Whether `/journal/...` may be read without login.
    pub public_journal: bool,
    /// How people outside reach the pages, such as `https://response.example`; links in messages
    /// begin with it. The address of `listen` when absent.
    pub url: Option<String>,
    /// Language of those who have chosen none.
    pub language: plan::Lang,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7878".into(),
            trusted_proxies: Vec::new(),
            public_journal: false,
            url: None,
            language: plan::Lang::Zh,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanConfig {
    /// A plan as JSON; the built-in plan when absent.
    pub file: Option<PathBuf>,
    /// Whether the company operates critical information infrastructure (关键信息基础设施); unknown when absent.
    pub cii: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    pub name: SourceName,
    pub kind: SourceKind,
    /// The SQLite file; relative paths are taken from the configuration's folder.
    pub path: Option<PathBuf>,
    /// File with the server's URL, password included; for `postgres` and `mysql`.
    pub url_file: Option<PathBuf>,
    #[serde(default)]
    pub tls: TlsMode,
    /// Certificates (PEM) that sign the server's; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Name of the replication slot and publication; `balefire_NAME` when absent.
    pub slot: Option<String>,
    #[serde(default = "max_retained_mib")]
    pub max_retained_mib: u64,
    #[serde(default)]
    pub on_full: OnFull,
    #[serde(default)]
    pub table: Vec<TablePolicy>,
    #[serde(default)]
    pub check: Vec<CrossCheck>,
    #[serde(default)]
    pub repair: RepairConfig,
    /// Watching comes first: findings are stored and listed, but nobody is called.
    #[serde(default)]
    pub shadow: bool,
    /// Write tokens: every transaction that does not carry one is a finding.
    pub stamp: Option<StampConfig>,
    /// A part of the rows is audited every so often while `serve` runs.
    pub audit: Option<AuditConfig>,
    /// The server's own log, for who wrote: PostgreSQL's `jsonlog` or `csvlog`.
    pub audit_log: Option<AuditLogConfig>,
    /// Who writes lawfully, by that log: a change by anybody else is a finding.
    pub writers: Option<WritersConfig>,
}

/// Log that a server may keep for a guard that is behind.
const fn max_retained_mib() -> u64 {
    4_096
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Sqlite,
    Postgres,
    Mysql,
}

/// The shop stamps its transactions with tokens made with these keys.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampConfig {
    /// Files with one key each (at least 32 bytes, as hex); several while keys change.
    pub key_files: Vec<PathBuf>,
}

/// Caps of one repair, and the account that writes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RepairConfig {
    pub max_rows: u32,
    pub lock_timeout_ms: u32,
    /// Most money that one repair may move, in minor units of each currency; no cap when absent.
    pub max_amount_minor: Option<i64>,
    /// File with the URL of the writing account; the watching account never writes to a server.
    pub url_file: Option<PathBuf>,
    /// Triggers of the repaired tables that may run along.
    pub allow_triggers: Vec<String>,
}

impl Default for RepairConfig {
    fn default() -> Self {
        Self {
            max_rows: 1_000,
            lock_timeout_ms: 2_000,
            max_amount_minor: None,
            url_file: None,
            allow_triggers: Vec::new(),
        }
    }
}

impl SourceConfig {
    /// An SQLite shop with its policy, everything else as it is when nobody says otherwise.
    pub fn sqlite(policy: SourcePolicy, path: impl Into<PathBuf>) -> Self {
        Self {
            name: policy.source,
            kind: SourceKind::Sqlite,
            path: Some(path.into()),
            url_file: None,
            tls: TlsMode::default(),
            ca_file: None,
            slot: None,
            max_retained_mib: max_retained_mib(),
            on_full: OnFull::default(),
            table: policy.tables,
            check: policy.checks,
            repair: RepairConfig::default(),
            shadow: false,
            stamp: None,
            audit: None,
            audit_log: None,
            writers: None,
        }
    }

    pub fn policy(&self) -> SourcePolicy {
        SourcePolicy {
            source: self.name.clone(),
            tables: self.table.clone(),
            checks: self.check.clone(),
        }
    }

    /// Where the shop's database is, for the account that watches.
    pub fn location(&self) -> Location {
        self.location_by(self.url_file.as_ref())
    }

    /// Where the shop's database is, for the account that repairs; `None` when none is named.
    pub fn writer(&self) -> Option<Location> {
        match self.kind {
            SourceKind::Sqlite => Some(self.location()),
            _ => (self.repair.url_file.as_ref()).map(|file| self.location_by(Some(file))),
        }
    }

    fn location_by(&self, url_file: Option<&PathBuf>) -> Location {
        // `Config::parse` has refused a source without the setting that its kind needs.
        let address = || ServerAddress {
            url_file: url_file.cloned().unwrap_or_default(),
            tls: self.tls,
            ca_file: self.ca_file.clone(),
            slot: self.slot.clone().unwrap_or_else(|| slot_of(&self.name)),
            max_retained_mib: self.max_retained_mib,
            on_full: self.on_full,
        };
        match self.kind {
            SourceKind::Sqlite => Location::Sqlite {
                path: self.path.clone().unwrap_or_default(),
            },
            SourceKind::Postgres => Location::Postgres(address()),
            SourceKind::Mysql => Location::Mysql(address()),
        }
    }

    pub fn dialect(&self) -> Dialect {
        match self.kind {
            SourceKind::Sqlite => Dialect::Sqlite,
            SourceKind::Postgres => Dialect::Postgres,
            SourceKind::Mysql => Dialect::Mysql,
        }
    }

    pub fn sees(&self) -> Sees {
        match self.kind {
            SourceKind::Sqlite => Sees::States,
            SourceKind::Postgres | SourceKind::Mysql => Sees::Transactions,
        }
    }

    /// What is missing or out of place for a source of this kind.
    fn problem(&self) -> Option<String> {
        let name = &self.name;
        let server = self.kind != SourceKind::Sqlite;
        match (server, &self.path, &self.url_file) {
            (false, None, _) => Some(format!(
                "source `{name}`: `path` is missing; it names the SQLite file"
            )),
            (false, _, Some(_)) => Some(format!(
                "source `{name}`: `url_file` is for servers; an SQLite shop has a `path`"
            )),
            (true, Some(_), _) => Some(format!(
                "source `{name}`: `path` is for SQLite; a server has a `url_file`"
            )),
            (true, _, None) => Some(format!(
                "source `{name}`: `url_file` is missing; write the server's URL into a file that only this account may read, and name the file here"
            )),
            (false, _, _) if self.stamp.is_some() => Some(format!(
                "source `{name}`: an SQLite file carries no stamps of transactions; take `stamp` out"
            )),
            _ => self.slot.as_ref().filter(|s| !is_slot_name(s)).map(|slot| {
                format!("source `{name}`: slot `{slot}` may have lower-case letters, digits and underscores only, at most 63")
            }).or_else(|| {
                let why = self.audit.as_ref().and_then(AuditConfig::problem)?;
                Some(format!("source `{name}`: [source.audit] {why}"))
            }).or_else(|| {
                let why = match (&self.audit_log, self.kind) {
                    (None, _) => return None,
                    (Some(log), SourceKind::Postgres) => log.problem()?,
                    (Some(_), _) => "is for PostgreSQL: the logs of other servers name no transactions; take it out".into(),
                };
                Some(format!("source `{name}`: [source.audit_log] {why}"))
            }).or_else(|| {
                let why = self.writers.as_ref()?.problem(self.audit_log.is_some())?;
                Some(format!("source `{name}`: [source.writers] {why}"))
            }),
        }
    }
}

/// PostgreSQL allows these characters in the name of a slot.
fn is_slot_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.len() <= 63 && name.chars().all(allowed)
}

fn slot_of(source: &SourceName) -> String {
    let plain = source.as_str().to_ascii_lowercase();
    let plain: String = plain
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '_'
            }
        })
        .take(50)
        .collect();
    format!("balefire_{plain}")
}

impl Config {
    /// Reads and checks the file.
    pub fn load(path: &Path) -> Result<Self, DeskError> {
        let text = std::fs::read_to_string(path).map_err(|error| DeskError::Config {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
        let mut config = Self::parse(&text).map_err(|detail| DeskError::Config {
            path: path.to_owned(),
            detail,
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for source in &mut config.source {
            let stamps = source.stamp.iter_mut().flat_map(|s| &mut s.key_files);
            let logs = source.audit_log.iter_mut().flat_map(|l| &mut l.files);
            let files = [
                &mut source.path,
                &mut source.url_file,
                &mut source.ca_file,
                &mut source.repair.url_file,
            ];
            for file in files.into_iter().flatten().chain(stamps).chain(logs) {
                *file = folder.join(&*file);
            }
        }
        if let Some(oidc) = &mut config.oidc {
            let files = [&mut oidc.client_secret_file, &mut oidc.ca_file];
            files
                .into_iter()
                .flatten()
                .for_each(|f| *f = folder.join(&*f));
        }
        config.store.in_folder(folder);
        for channel in &mut config.channel {
            channel.in_folder(folder);
        }
        let files = [&mut config.webhooks.ca_file, &mut config.plan.file];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
        Ok(config)
    }

    /// Parses the text; the error says where and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self =
            toml::from_str(text).map_err(|error| with_suggestion(&error.to_string()))?;
        if let Some(problem) = config.store.problem() {
            return Err(problem);
        }
        for (i, source) in config.source.iter().enumerate() {
            if config.source[..i].iter().any(|s| s.name == source.name) {
                return Err(format!(
                    "two sources are called `{}`; give each its own name",
                    source.name
                ));
            }
            if let Some(problem) = source.problem() {
                return Err(problem);
            }
        }
        if config.channel.len() > MAX_CHANNELS {
            return Err(format!("there are at most {MAX_CHANNELS} channels"));
        }
        for (i, channel) in config.channel.iter().enumerate() {
            if config.channel[..i].iter().any(|c| c.name == channel.name) {
                return Err(format!("two channels are called `{}`", channel.name));
            }
            if let Some(problem) = channel.problem() {
                return Err(problem);
            }
        }
        Ok(config)
    }
}

/// `unknown field `x`, expected one of `a`, `b`` gets the nearest of the expected names.
fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message
        .find("unknown field `")
        .and_then(|at| message[at..].split('`').nth(1));
    let Some(unknown) = unknown else {
        return message.to_owned();
    };
    let candidates: Vec<&str> = quoted.into_iter().filter(|name| *name != unknown).collect();
    match detect::policy::suggest(unknown, candidates) {
        Some(nearest) => format!("{message}\ndid you mean `{nearest}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_named_with_the_nearest_one() {
        let text = "[[source]]\nname = \"shop\"\nkind = \"sqlite\"\npath = \"shop.db\"\n[[source.table]]\nname = \"orders\"\nfrozn = 1\n";
        let error = Config::parse(text).unwrap_err();
        assert!(
            error.contains("frozn") && error.contains("did you mean `frozen`?"),
            "{error}"
        );
        assert!(error.contains("line 7"), "{error}");
    }

    #[test]
    fn two_sources_of_one_name_are_refused() {
        let one = "[[source]]\nname = \"shop\"\nkind = \"sqlite\"\npath = \"a\"\n";
        assert!(
            Config::parse(&format!("{one}{one}"))
                .unwrap_err()
                .contains("shop")
        );
        assert_eq!(Config::parse(one).unwrap().web.listen, "127.0.0.1:7878");
    }

    #[test]
    fn a_source_has_what_its_kind_needs() {
        let parse =
            |settings: &str| Config::parse(&format!("[[source]]\nname = \"shop\"\n{settings}"));
        let told = |settings: &str| parse(settings).unwrap_err();
        assert!(told("kind = \"sqlite\"").contains("`path` is missing"));
        assert!(told("kind = \"postgres\"").contains("`url_file` is missing"));
        assert!(told("kind = \"mysql\"\npath = \"a\"").contains("a server has a `url_file`"));
        assert!(
            told("kind = \"postgres\"\nurl_file = \"u\"\nslot = \"A-b\"").contains("lower-case")
        );
        let server = "kind = \"postgres\"\nurl_file = \"u\"\n";
        let log = |file: &str| format!("[source.audit_log]\nfiles = [{file:?}]\n");
        let writers = "[source.writers]\nroles = [\"shop\"]\n";
        assert!(told(&format!("{server}{}", log("pg.log"))).contains("jsonlog"));
        assert!(told(&format!("{server}{writers}")).contains("needs [source.audit_log]"));
        let other = format!("kind = \"mysql\"\nurl_file = \"u\"\n{}", log("pg.json"));
        assert!(told(&other).contains("is for PostgreSQL"));
        parse(&format!("{server}{}{writers}", log("pg.json"))).unwrap();
        let good = parse(server).unwrap();
        let Location::Postgres(address) = good.source[0].location() else {
            panic!("a PostgreSQL source has a server's address");
        };
        assert_eq!(address.slot, "balefire_shop");
        assert_eq!(good.source[0].writer(), None);
    }
}
