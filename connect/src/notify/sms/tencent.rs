//! Tencent Cloud's SMS (腾讯云短信): `SendSms`, version 2021-01-11, signed by TC3-HMAC-SHA256.
//!
//! Only an approved signature and template may be sent; the text is the template's one parameter.

use super::super::post::{Post, accepted, json_of, said};
use super::super::sign::hmac;
use super::super::{Handed, Message, SecretFile, SendError};
use crate::outbound::Method;
use model::Instant;
use model::digest::{Digest, hex};
use serde_json::json;

pub struct Tencent {
    pub secret_id: String,
    /// The SecretKey.
    pub secret: SecretFile,
    pub app_id: String,
    pub sign_name: String,
    pub template_id: String,
    /// Such as `ap-guangzhou`.
    pub region: String,
}

const ACTION: &str = "SendSms";
const CONTENT_TYPE: &str = "application/json; charset=utf-8";

impl Tencent {
    pub(super) fn send(
        &self,
        post: &Post,
        message: &Message,
        text: &str,
        now: Instant,
    ) -> Result<Handed, SendError> {
        let target = post.target()?;
        let secret = self.secret.for_sending()?;
        let number = match message.to.starts_with('+') {
            true => message.to.clone(),
            false => format!("+86{}", message.to),
        };
        let body = json!({
            "PhoneNumberSet": [number],
            "SmsSdkAppId": self.app_id,
            "SignName": self.sign_name,
            "TemplateId": self.template_id,
            "TemplateParamSet": [text],
            "SessionContext": message.id,
        })
        .to_string();
        let host = target.authority();
        let authorization = authorization(&self.secret_id, secret.reveal(), &host, &body, now);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            pair("authorization", &authorization),
            pair("content-type", CONTENT_TYPE),
            pair("x-tc-action", ACTION),
            pair("x-tc-region", &self.region),
            pair("x-tc-timestamp", &seconds(now).to_string()),
            pair("x-tc-version", "2021-01-11"),
        ];
        let answer = post.send(Method::Post, &target, headers, body.into_bytes())?;
        accepted(&answer)?;
        let json = json_of(&answer)?;
        let status = &json["Response"]["SendStatusSet"][0];
        let part = match status.is_object() {
            true => status,
            false => &json["Response"]["Error"],
        };
        let code = part["Code"].as_str().unwrap_or_default();
        taken(code, part["Message"].as_str().unwrap_or_default()).map(|()| Handed {
            provider_id: status["SerialNo"].as_str().map(str::to_owned),
            delivered: false,
        })
    }
}

fn taken(code: &str, words: &str) -> Result<(), SendError> {
    let why = || said(code, words);
    match code.split('.').next().unwrap_or_default() {
        "Ok" => Ok(()),
        "LimitExceeded" | "RequestLimitExceeded" => Err(SendError::Again {
            after_s: Some(60),
            why: why(),
        }),
        "AuthFailure" | "UnauthorizedOperation" | "FailedOperation" => {
            Err(SendError::Broken { why: why() })
        }
        "InvalidParameter" | "InvalidParameterValue" => Err(SendError::Never { why: why() }),
        _ => Err(SendError::Again {
            after_s: None,
            why: why(),
        }),
    }
}

const fn seconds(now: Instant) -> i64 {
    now.0.div_euclid(1_000_000)
}

fn authorization(key_id: &str, secret: &str, host: &str, body: &str, now: Instant) -> String {
    let date = &Instant::from_secs(seconds(now)).in_zone("UTC")[..10];
    let names = "content-type;host;x-tc-action";
    let action = ACTION.to_ascii_lowercase();
    let canonical = format!(
        "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action}\n\n{names}\n{}",
        hex(&Digest::of(body.as_bytes()).0)
    );
    let scope = format!("{date}/sms/tc3_request");
    let to_sign = format!(
        "TC3-HMAC-SHA256\n{}\n{scope}\n{}",
        seconds(now),
        hex(&Digest::of(canonical.as_bytes()).0)
    );
    let mut key = hmac(format!("TC3{secret}").as_bytes(), date.as_bytes());
    for part in ["sms", "tc3_request"] {
        key = hmac(&key, part.as_bytes());
    }
    let signature = hex(&hmac(&key, to_sign.as_bytes()));
    format!(
        "TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
}
