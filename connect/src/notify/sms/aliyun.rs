//! Alibaba Cloud's SMS (阿里云短信): `SendSms`, version 2017-05-25, signed by ACS3-HMAC-SHA256.
//!
//! Only an approved signature and template may be sent; the text goes into one variable of it.

use super::super::post::{Post, accepted, json_of, said};
use super::super::sign::{hmac, percent};
use super::super::{Handed, Message, SecretFile, SendError};
use crate::outbound::Method;
use model::Instant;
use model::digest::{Digest, hex};
use serde_json::json;

pub struct Aliyun {
    pub access_key_id: String,
    /// The AccessKey secret.
    pub secret: SecretFile,
    pub sign_name: String,
    pub template_code: String,
    /// The template's variable that takes the text.
    pub variable: String,
}

/// What is signed, besides the key.
struct Call<'a> {
    host: &'a str,
    action: &'a str,
    version: &'a str,
    date: &'a str,
    nonce: &'a str,
    /// By name.
    query: &'a [(&'a str, &'a str)],
}

impl Aliyun {
    pub(super) fn send(
        &self,
        post: &Post,
        message: &Message,
        text: &str,
        now: Instant,
    ) -> Result<Handed, SendError> {
        let target = post.target()?;
        let secret = self.secret.for_sending()?;
        let variables = json!({ self.variable.as_str(): text }).to_string();
        let number = message.to.strip_prefix("+86").unwrap_or(&message.to);
        let number = number.trim_start_matches('+');
        let mut query = [
            ("OutId", message.id.as_str()),
            ("PhoneNumbers", number),
            ("SignName", &self.sign_name),
            ("TemplateCode", &self.template_code),
            ("TemplateParam", &variables),
        ];
        query.sort_unstable();
        let nonce = nonce()?;
        let call = Call {
            host: &target.authority(),
            action: "SendSms",
            version: "2017-05-25",
            date: &date(now),
            nonce: &nonce,
            query: &query,
        };
        let mut headers = call.headers();
        let authorization = call.authorization(&self.access_key_id, secret.reveal());
        headers.retain(|(name, _)| name != "host");
        headers.push(("authorization".into(), authorization));
        let target = target.with_query(&query);
        let answer = post.send(Method::Post, &target, headers, Vec::new())?;
        let Ok(json) = json_of(&answer) else {
            return accepted(&answer).and(Err(SendError::Again {
                after_s: None,
                why: "it answered with something that is not JSON".into(),
            }));
        };
        let code = json["Code"].as_str().unwrap_or_default();
        taken(code, json["Message"].as_str().unwrap_or_default()).map(|()| Handed {
            provider_id: json["BizId"].as_str().map(str::to_owned),
            delivered: false,
        })
    }
}

fn taken(code: &str, words: &str) -> Result<(), SendError> {
    let why = || said(code, words);
    match code {
        "OK" => Ok(()),
        "isv.BUSINESS_LIMIT_CONTROL" | "isv.DAY_LIMIT_CONTROL" | "Throttling.User" => {
            Err(SendError::Again {
                after_s: Some(60),
                why: why(),
            })
        }
        "isv.MOBILE_NUMBER_ILLEGAL"
        | "isv.MOBILE_COUNT_OVER_LIMIT"
        | "isv.BLACK_KEY_CONTROL_LIMIT"
        | "isv.PARAM_LENGTH_LIMIT"
        | "isv.PARAM_NOT_SUPPORT_URL" => Err(SendError::Never { why: why() }),
        code if code.starts_with("isv.")
            || code.starts_with("InvalidAccessKeyId")
            || code.starts_with("SignatureDoesNotMatch")
            || code.starts_with("Forbidden") =>
        {
            Err(SendError::Broken { why: why() })
        }
        _ => Err(SendError::Again {
            after_s: None,
            why: why(),
        }),
    }
}

impl Call<'_> {
    /// In the order in which they are signed: by name.
    fn headers(&self) -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("host", self.host),
            pair("x-acs-action", self.action),
            pair("x-acs-content-sha256", &hex(&Digest::of(b"").0)),
            pair("x-acs-date", self.date),
            pair("x-acs-signature-nonce", self.nonce),
            pair("x-acs-version", self.version),
        ]
    }

    fn authorization(&self, key_id: &str, secret: &str) -> String {
        let headers = self.headers();
        let query: Vec<String> = (self.query.iter())
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
            .collect();
        let lines: String = headers.iter().map(|(n, v)| format!("{n}:{v}\n")).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let canonical = format!(
            "POST\n/\n{}\n{lines}\n{names}\n{}",
            query.join("&"),
            hex(&Digest::of(b"").0)
        );
        let digest = hex(&Digest::of(canonical.as_bytes()).0);
        let to_sign = format!("ACS3-HMAC-SHA256\n{digest}");
        let signature = hex(&hmac(secret.as_bytes(), to_sign.as_bytes()));
        format!("ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}")
    }
}

/// `2023-10-26T10:22:32Z`.
fn date(now: Instant) -> String {
    Instant::from_secs(now.0.div_euclid(1_000_000))
        .in_zone("UTC")
        .replace(' ', "T")
        + "Z"
}

fn nonce() -> Result<String, SendError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| SendError::Again {
        after_s: None,
        why: "the system gave no random numbers".into(),
    })?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the provider's page on the V3 signature.
    #[test]
    fn the_providers_example_is_signed_as_it_says() {
        let call = Call {
            host: "ecs.cn-shanghai.aliyuncs.com",
            action: "RunInstances",
            version: "2014-05-26",
            date: &date(Instant::parse("2023-10-26T10:22:32Z").unwrap()),
            nonce: "3156853299f313e23d1673dc12e1703d",
            query: &[
                (
                    "ImageId",
                    "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
                ),
                ("RegionId", "cn-shanghai"),
            ],
        };
        assert_eq!(
            call.authorization("YourAccessKeyId", "YourAccessKeySecret"),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;\
             x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }
}
