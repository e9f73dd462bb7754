//! From a checked configuration to the channels of room `connect`.

use super::config::ChannelConfig;
use connect::notify::sms::{
    Aliyun, Body, Gateway, HttpGateway, MAX_TEXT_BYTES, Success, Template, Tencent,
};
use connect::notify::{
    Channel, ChannelKind, DingTalk, Feishu, Limit, Mail, Post, SecretFile, Slack, Sms, UrlSource,
    WeCom, Webhook, dingtalk, feishu, mail, slack, sms, webhook, wecom,
};
use connect::outbound::{AllowList, Method, Outbound, SystemLookup, Target};
use std::path::Path;
use std::sync::Arc;

const ALIYUN: &str = "https://dysmsapi.aliyuncs.com/";
const TENCENT: &str = "https://sms.tencentcloudapi.com/";

/// The error says what to change in the configuration.
pub(super) fn channel(config: &ChannelConfig) -> Result<Box<dyn Channel>, String> {
    let Some(kind) = config.kind() else {
        return Err("it is of no known kind".into());
    };
    if kind == ChannelKind::Mail {
        return mail_channel(config).map(|mail| Box::new(mail) as Box<dyn Channel>);
    }
    let post = post(config, kind)?;
    let secret = config.secret_file.as_deref().map(SecretFile::new);
    let channel: Box<dyn Channel> = match kind {
        ChannelKind::DingTalk => Box::new(DingTalk { post, secret }),
        ChannelKind::Feishu => Box::new(Feishu { post, secret }),
        ChannelKind::WeCom => Box::new(WeCom { post }),
        ChannelKind::Slack => Box::new(Slack { post }),
        ChannelKind::Webhook => Box::new(Webhook {
            post,
            secret: secret.ok_or("`secret_file` is missing")?,
        }),
        ChannelKind::Sms => Box::new(Sms {
            post,
            gateway: gateway(config)?,
            max_text_bytes: config.max_text_bytes.unwrap_or(MAX_TEXT_BYTES),
        }),
        ChannelKind::Mail | ChannelKind::File => return Err("it posts nothing".into()),
    };
    Ok(channel)
}

/// Where the channel sends to, for people; never more than the host.
pub(super) fn host(config: &ChannelConfig) -> String {
    if let Some(host) = &config.host {
        return host.clone();
    }
    let preset = match config.kind() {
        Some(ChannelKind::Sms) => preset_url(config),
        _ => None,
    };
    let file = config.url_file.as_deref();
    url(config.url.as_deref().or(preset), file)
        .ok()
        .and_then(|source| source.host())
        .unwrap_or_default()
}

fn limit(config: &ChannelConfig, usual: Limit) -> Limit {
    config.limit.map_or(usual, |limit| Limit {
        messages: limit.messages,
        per_s: limit.per_s,
    })
}

fn preset_url(config: &ChannelConfig) -> Option<&'static str> {
    match config.preset() {
        "aliyun" => Some(ALIYUN),
        "tencent" => Some(TENCENT),
        _ => None,
    }
}

fn url(plain: Option<&str>, file: Option<&Path>) -> Result<UrlSource, String> {
    match (plain, file) {
        (_, Some(file)) => Ok(UrlSource::File(SecretFile::new(file))),
        (Some(plain), None) => {
            let target = Target::parse(plain).map_err(|error| error.to_string())?;
            Ok(UrlSource::Plain(target))
        }
        (None, None) => Err("`url_file` is missing".into()),
    }
}

fn post(config: &ChannelConfig, kind: ChannelKind) -> Result<Post, String> {
    let preset = match kind {
        ChannelKind::Sms => preset_url(config),
        _ => None,
    };
    let usual = match kind {
        ChannelKind::DingTalk => dingtalk::LIMIT,
        ChannelKind::WeCom => wecom::LIMIT,
        ChannelKind::Feishu => feishu::LIMIT,
        ChannelKind::Slack => slack::LIMIT,
        ChannelKind::Sms => sms::LIMIT,
        ChannelKind::Webhook | ChannelKind::Mail | ChannelKind::File => webhook::LIMIT,
    };
    let allow = AllowList::parse(&config.allow)?;
    let outbound = Outbound::new(allow, config.ca_file.as_deref(), Arc::new(SystemLookup))
        .map_err(|error| error.to_string())?;
    Ok(Post {
        name: config.name.clone(),
        url: url(config.url.as_deref().or(preset), config.url_file.as_deref())?,
        outbound: Arc::new(outbound),
        limit: limit(config, usual),
    })
}

pub(super) fn sender(config: &ChannelConfig) -> Option<mail::Sender> {
    config.from.as_deref().and_then(mail::sender)
}

fn mail_channel(config: &ChannelConfig) -> Result<Mail, String> {
    let encryption = config.encryption().ok_or("`encryption` is unknown")?;
    let password = config.password_file.as_deref().map(SecretFile::new);
    Ok(Mail {
        name: config.name.clone(),
        host: config.host.clone().ok_or("`host` is missing")?,
        port: config.port.unwrap_or(encryption.port()),
        encryption,
        from: sender(config).ok_or("`from` is no mail address")?,
        login: config.user.clone().zip(password),
        ca_file: config.ca_file.clone(),
        limit: limit(config, mail::LIMIT),
    })
}

/// How SMS are sent; the error names the setting.
pub(super) fn gateway(config: &ChannelConfig) -> Result<Gateway, String> {
    let secret = config.secret_file.as_deref().map(SecretFile::new);
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let needed = || secret.clone().ok_or("`secret_file` is missing");
    match config.preset() {
        "aliyun" => Ok(Gateway::Aliyun(Aliyun {
            access_key_id: text(&config.key_id),
            secret: needed()?,
            sign_name: text(&config.sign_name),
            template_code: text(&config.template),
            variable: config.variable.clone().unwrap_or_else(|| "text".into()),
        })),
        "tencent" => Ok(Gateway::Tencent(Tencent {
            secret_id: text(&config.key_id),
            secret: needed()?,
            app_id: text(&config.app_id),
            sign_name: text(&config.sign_name),
            template_id: text(&config.template),
            region: config
                .region
                .clone()
                .unwrap_or_else(|| "ap-guangzhou".into()),
        })),
        _ => http_gateway(config, secret).map(Gateway::Http),
    }
}

fn http_gateway(config: &ChannelConfig, secret: Option<SecretFile>) -> Result<HttpGateway, String> {
    let method = match config.method.as_deref().unwrap_or("POST") {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        _ => return Err("`method` is `POST` or `PUT`".into()),
    };
    let format = config.format.as_deref().unwrap_or("json");
    let body = Body::parse(format, config.body.as_deref().unwrap_or_default())
        .map_err(|why| format!("`body` {why}"))?;
    let mut headers = Vec::new();
    for (name, value) in &config.headers {
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(token) {
            return Err("`headers` has a name that is none".into());
        }
        let value = Template::parse(value).map_err(|why| format!("`headers`: {name} {why}"))?;
        headers.push((name.to_ascii_lowercase(), value));
    }
    let success = match &config.success {
        Some(wanted) if !wanted.json.starts_with('/') => {
            return Err("`success`: `json` is a JSON pointer such as /result/code".into());
        }
        Some(wanted) => Success {
            json: Some((wanted.json.clone(), wanted.is.clone())),
        },
        None => Success::default(),
    };
    Ok(HttpGateway {
        method,
        headers,
        body,
        secret,
        success,
    })
}
