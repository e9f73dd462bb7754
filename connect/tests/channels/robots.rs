//! What each robot and gateway is sent, and how its answers are read.

use crate::provider::{
    Heard, LONG, Provider, Script, answer, answer_with, message, post, python, secret,
};
use connect::notify::sms::{Aliyun, Body, Gateway, HttpGateway, Success, Template, Tencent};
use connect::notify::{
    Channel, DingTalk, Feishu, Handed, Message, SecretFile, SendError, Slack, Sms, UrlSource,
    WeCom, Webhook, dingtalk, feishu, slack, wecom,
};
use connect::outbound::Method;
use model::Instant;
use std::path::Path;

type Make<'a> = dyn Fn(&str) -> Box<dyn Channel> + 'a;

const NOW: Instant = Instant(1_795_428_000_123_456);

/// What the channel said to this answer, and what it had sent.
fn exchange(
    make: impl Fn(&str) -> Box<dyn Channel>,
    answer: Script,
    message: &Message,
) -> (Result<Handed, SendError>, Heard) {
    let provider = Provider::start(vec![answer]);
    let url = provider.url("/robot/send?access_token=SECRETKEY");
    let outcome = make(&url).send(message, NOW);
    if let Err(error) = &outcome {
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("SECRET") && !shown.contains("DEEP-HARBOUR"),
            "{shown}"
        );
    }
    (outcome, provider.heard())
}

fn kind(outcome: &Result<Handed, SendError>) -> &'static str {
    match outcome {
        Ok(_) => "taken",
        Err(SendError::Again { .. }) => "again",
        Err(SendError::Never { .. }) => "never",
        Err(SendError::Broken { .. }) => "broken",
    }
}

fn dingtalk_with(secret: Option<SecretFile>) -> impl Fn(&str) -> Box<dyn Channel> {
    move |url| {
        Box::new(DingTalk {
            post: post(url),
            secret: secret.clone(),
        })
    }
}
fn feishu_with(secret: Option<SecretFile>) -> impl Fn(&str) -> Box<dyn Channel> {
    move |url| {
        Box::new(Feishu {
            post: post(url),
            secret: secret.clone(),
        })
    }
}
fn wecom_at(url: &str) -> Box<dyn Channel> {
    Box::new(WeCom { post: post(url) })
}
fn slack_at(url: &str) -> Box<dyn Channel> {
    Box::new(Slack { post: post(url) })
}

const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

#[test]
fn dingtalk_is_signed_as_python_signs_and_rings_one_person() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret(folder.path(), "SEC0123456789abcdef");
    let (outcome, heard) = exchange(
        dingtalk_with(Some(file)),
        answer("200 OK", OK),
        &message("+8613800138000"),
    );
    assert_eq!(kind(&outcome), "taken");
    let expected = python(
        "import sys,hmac,hashlib,base64\nt,s=sys.argv[1:]\n\
         print(base64.b64encode(hmac.new(s.encode(),f'{t}\\n{s}'.encode(),hashlib.sha256).digest()).decode())",
        &["1795428000123", "SEC0123456789abcdef"],
    );
    assert_eq!(heard.query("sign"), expected);
    assert_eq!(heard.query("timestamp"), "1795428000123");
    assert_eq!(heard.query("access_token"), "SECRETKEY");
    // In a query a bare plus means a space.
    assert!(!heard.path().contains('+'));
    let body = heard.json();
    assert_eq!(body["at"]["atMobiles"][0], "13800138000");
    assert_eq!(body["at"]["isAtAll"], false);
    let text = body["text"]["content"].as_str().unwrap();
    assert!(text.contains("@13800138000") && !text.contains("@all") && !text.contains('<'));
    assert!(text.contains("https://desk.example/calls/1"));
}

#[test]
fn feishu_is_signed_the_other_way_round_in_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret(folder.path(), "feishu-secret");
    let ok = r#"{"code":0,"msg":"success","data":{}}"#;
    let (outcome, heard) = exchange(
        feishu_with(Some(file)),
        answer("200 OK", ok),
        &message("ou_7dab8a3d"),
    );
    assert_eq!(kind(&outcome), "taken");
    let expected = python(
        "import sys,hmac,hashlib,base64\nt,s=sys.argv[1:]\n\
         print(base64.b64encode(hmac.new(f'{t}\\n{s}'.encode(),b'',hashlib.sha256).digest()).decode())",
        &["1795428000", "feishu-secret"],
    );
    let body = heard.json();
    assert_eq!(body["sign"], expected);
    assert_eq!(body["timestamp"], "1795428000");
    let text = body["content"]["text"].as_str().unwrap();
    assert!(text.ends_with("<at user_id=\"ou_7dab8a3d\"></at>"));
    assert!(!text.contains("<at user_id=\"all\">"));
}

#[test]
fn wecom_and_slack_escape_what_they_interpret() {
    let (outcome, heard) = exchange(wecom_at, answer("200 OK", OK), &message("zhang.san"));
    assert_eq!(kind(&outcome), "taken");
    let text = &heard.json()["text"];
    assert_eq!(text["mentioned_list"][0], "zhang.san");
    assert!(!text["content"].as_str().unwrap().contains(['@', '<']));

    let (outcome, heard) = exchange(slack_at, answer("200 OK", "ok"), &message("U02ABC"));
    assert_eq!(kind(&outcome), "taken");
    let body = heard.json();
    let text = body["text"].as_str().unwrap();
    assert!(
        text.contains("&lt;!channel&gt;") && text.ends_with("<@U02ABC>"),
        "{text}"
    );
    assert_eq!(body["link_names"], false);
}

#[test]
fn nobody_can_be_addressed_as_everybody() {
    let everybody = [
        "all",
        "@all",
        "a\"></at><at user_id=\"all",
        "!channel",
        "a b",
    ];
    for to in everybody {
        // Refused before anything is sent.
        let message = message(to);
        let channels: [Box<dyn Channel>; 4] = [
            dingtalk_with(None)("http://127.0.0.1:9/"),
            feishu_with(None)("http://127.0.0.1:9/"),
            wecom_at("http://127.0.0.1:9/"),
            slack_at("http://127.0.0.1:9/"),
        ];
        for channel in channels {
            let outcome = channel.send(&message, NOW);
            assert_eq!(kind(&outcome), "never", "{} {to}", channel.kind().code());
        }
    }
}

#[test]
fn long_texts_are_cut_to_each_providers_bytes_with_the_marks_first() {
    let mut long = message("");
    long.body = "救火\"\n".repeat(20_000);
    long.exercise = true;
    long.possible_duplicate = true;
    let begins = "[演练 EXERCISE] [可能重复 POSSIBLE DUPLICATE] 请立即到岗\n";
    let check = |heard: Heard, text: &str, body_most: usize, text_most: usize| {
        let json = heard.json();
        let text = json.pointer(text).unwrap().as_str().unwrap();
        assert!(text.starts_with(begins) && text.contains('…'), "{text}");
        assert!(text.ends_with("https://desk.example/calls/1"));
        assert!(heard.body.len() <= body_most && text.len() <= text_most);
    };
    let sent =
        |make: &dyn Fn(&str) -> Box<dyn Channel>| exchange(make, answer("200 OK", OK), &long).1;
    check(sent(&dingtalk_with(None)), "/text/content", 20_000, 20_000);
    check(sent(&wecom_at), "/text/content", 20_000, 2_048);
    check(sent(&feishu_with(None)), "/content/text", 20_480, 20_480);
    check(sent(&slack_at), "/text", 20_000, 4_000);
}

#[test]
fn the_code_counts_and_not_the_status() {
    let robot = |code: i64| answer("200 OK", &format!(r#"{{"errcode":{code},"errmsg":"no"}}"#));
    for (code, expected) in [
        (0, "taken"),
        (-1, "again"),
        (130101, "again"),
        (410100, "again"),
        (310000, "broken"),
        (300001, "broken"),
        (400102, "broken"),
        (430104, "never"),
        (777, "again"),
    ] {
        let outcome = exchange(dingtalk_with(None), robot(code), &message("")).0;
        assert_eq!(kind(&outcome), expected, "dingtalk {code}: {outcome:?}");
    }
    let throttled = exchange(dingtalk_with(None), robot(130101), &message("")).0;
    assert!(matches!(
        throttled,
        Err(SendError::Again {
            after_s: Some(600),
            ..
        })
    ));
    for (code, expected) in [
        (0, "taken"),
        (-1, "again"),
        (45009, "again"),
        (93000, "broken"),
        (44004, "never"),
    ] {
        let outcome = exchange(wecom_at, robot(code), &message("")).0;
        assert_eq!(kind(&outcome), expected, "wecom {code}: {outcome:?}");
    }
    for (status, body, expected) in [
        ("200 OK", r#"{"code":0,"msg":"success"}"#, "taken"),
        (
            "200 OK",
            r#"{"StatusCode":0,"StatusMessage":"success"}"#,
            "taken",
        ),
        (
            "200 OK",
            r#"{"code":19021,"msg":"sign match fail"}"#,
            "broken",
        ),
        (
            "200 OK",
            r#"{"code":19024,"msg":"Key Words Not Found"}"#,
            "broken",
        ),
        (
            "200 OK",
            r#"{"code":11232,"msg":"frequency limited"}"#,
            "again",
        ),
        (
            "400 Bad Request",
            r#"{"code":9499,"msg":"Bad Request"}"#,
            "never",
        ),
        (
            "400 Bad Request",
            r#"{"code":11232,"msg":"frequency limited"}"#,
            "again",
        ),
        ("500 No", r#"{"code":0}"#, "again"),
    ] {
        let outcome = exchange(feishu_with(None), answer(status, body), &message("")).0;
        assert_eq!(
            kind(&outcome),
            expected,
            "feishu {status} {body}: {outcome:?}"
        );
    }
    for (status, body, expected) in [
        ("200 OK", "ok", "taken"),
        ("400 Bad Request", "invalid_payload", "never"),
        ("400 Bad Request", "user_not_found", "never"),
        ("403 Forbidden", "action_prohibited", "broken"),
        ("404 Not Found", "no_service", "broken"),
        ("410 Gone", "channel_is_archived", "broken"),
        ("500 No", "rollup_error", "again"),
    ] {
        let outcome = exchange(slack_at, answer(status, body), &message("")).0;
        assert_eq!(
            kind(&outcome),
            expected,
            "slack {status} {body}: {outcome:?}"
        );
    }
    let slow_down = answer_with("429 Too Many", "Retry-After: 37\r\n", "rate_limited");
    let outcome = exchange(slack_at, slow_down, &message("")).0;
    assert!(matches!(
        outcome,
        Err(SendError::Again {
            after_s: Some(37),
            ..
        })
    ));
}

#[test]
fn pages_hangups_redirects_and_dead_servers_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let key = secret(folder.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let webhook = |url: &str| -> Box<dyn Channel> {
        Box::new(Webhook {
            post: post(url),
            secret: key.clone(),
        })
    };
    let (ding, fei) = (dingtalk_with(None), feishu_with(None));
    let makers: [(&str, &Make<'_>); 5] = [
        ("dingtalk", &ding),
        ("feishu", &fei),
        ("wecom", &wecom_at),
        ("slack", &slack_at),
        ("webhook", &webhook),
    ];
    let page = "<html><body>Sign in to the hotel network</body></html>";
    for (name, make) in makers {
        let said = |script: Script| kind(&exchange(make, script, &message("")).0);
        // Any 2xx is a yes for a webhook alone.
        if name != "webhook" {
            assert_eq!(said(answer("200 OK", page)), "again", "{name}");
        }
        assert_eq!(said(answer("502 Bad Gateway", page)), "again", "{name}");
        assert_eq!(
            said(answer_with("302 Found", "Location: /login\r\n", "")),
            "broken",
            "{name}"
        );
        assert_eq!(said(answer("404 Not Found", page)), "broken", "{name}");
        assert_eq!(said(answer("410 Gone", "")), "broken", "{name}");
        assert_eq!(said(answer("429 Slow", "")), "again", "{name}");
        assert_eq!(said(Vec::new()), "again", "{name}: it hung up");
        assert_eq!(said(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "again", "{name}");
        let dead = testkit::free_loopback_address();
        let outcome = make(&format!("http://{dead}/")).send(&message(""), NOW);
        assert_eq!(kind(&outcome), "again", "{name}: nobody there");
    }
}

#[test]
fn an_inward_url_is_a_broken_channel() {
    let channel = wecom_at("https://169.254.169.254/cgi-bin/webhook/send?key=SECRET");
    let Err(SendError::Broken { why }) = channel.send(&message(""), NOW) else {
        panic!("it must not be sent")
    };
    assert!(why.contains("`allow`") && !why.contains("SECRET"), "{why}");
}

#[test]
fn webhooks_are_verified_by_the_standards_own_library() {
    let folder = tempfile::tempdir().unwrap();
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let file = secret(folder.path(), key);
    let provider = Provider::start(vec![answer("204 No Content", "")]);
    let webhook = Webhook {
        post: post(&provider.url("/hook")),
        secret: file,
    };
    // The library compares with the clock of the machine.
    let now = now();
    webhook.send(&message("duty"), now).unwrap();
    let heard = provider.heard();
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, heard.header(name).parse().unwrap());
    }
    let judge = standardwebhooks::Webhook::new(key).unwrap();
    judge.verify(&heard.body, &headers).unwrap();
    assert!(judge.verify(b"{}", &headers).is_err());
    assert_eq!(heard.header("webhook-id"), "out-7f3a");
    let body = heard.json();
    assert_eq!(body["type"], "message.sent");
    assert_eq!(body["data"]["subject"], "请立即到岗");
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    let too_much = serde_json::json!({ "text": "x".repeat(20 * 1_024) });
    let outcome = webhook.event("e1", "incident.opened", now, &too_much, now);
    assert_eq!(kind(&outcome), "never");
    assert!(provider.heard_nothing());
}

fn now() -> Instant {
    use model::Clock as _;
    model::SystemClock.now()
}

fn gateway(folder: &Path, url: &str, body: Body) -> Sms {
    let json = ("/result/code".to_owned(), "0".to_owned());
    Sms {
        post: post(url),
        gateway: Gateway::Http(HttpGateway {
            method: Method::Post,
            headers: vec![(
                "authorization".into(),
                Template::parse("Bearer ${secret}").unwrap(),
            )],
            body,
            secret: Some(secret(folder, "gateway-token")),
            success: Success { json: Some(json) },
        }),
        max_text_bytes: 200,
    }
}

#[test]
fn any_gateway_is_spoken_to_by_a_template() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start(vec![
        answer("200 OK", r#"{"result":{"code":0}}"#),
        answer("200 OK", r#"{"result":{"code":"0"}}"#),
        answer("200 OK", r#"{"result":{"code":12,"text":"no credit"}}"#),
    ]);
    let mut message = message("+8613800138000");
    message.body = "说\"撤离\"\\ 见 https://evil.example/x\n".repeat(20);
    message.exercise = true;
    let json = Body::parse("json", r#"{"phone":"${to}","msg":"${text}","ref":"${id}"}"#).unwrap();
    gateway(folder.path(), &provider.url("/sms"), json)
        .send(&message, NOW)
        .unwrap();
    let heard = provider.heard();
    assert_eq!(heard.header("authorization"), "Bearer gateway-token");
    let body = heard.json();
    assert_eq!(body["phone"], "+8613800138000");
    assert_eq!(body["ref"], "out-7f3a");
    let text = body["msg"].as_str().unwrap();
    assert!(
        text.starts_with("[演练 EXERCISE] 请立即到岗 说\"撤离\"\\ 见"),
        "{text}"
    );
    assert!(text.len() <= 200 && !text.contains("http") && !text.contains("desk.example"));

    let form = Body::parse("form", "mobile=${to}&content=${text}").unwrap();
    let sms = gateway(folder.path(), &provider.url("/sms"), form);
    sms.send(&message, NOW).unwrap();
    let heard = provider.heard();
    let pairs: Vec<_> = url::form_urlencoded::parse(&heard.body)
        .into_owned()
        .collect();
    assert_eq!(pairs.len(), 2);
    assert_eq!(pairs[1].1, text);
    // The status is 200, the answer says no.
    assert_eq!(kind(&sms.send(&message, NOW)), "again");
    for to in ["", "zhang", "+86138\r\nX: y", "1380013800013800138000"] {
        message.to = to.into();
        assert_eq!(kind(&sms.send(&message, NOW)), "never", "{to}");
    }
}

#[test]
fn aliyun_is_signed_as_python_signs() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start(vec![
        answer(
            "200 OK",
            r#"{"Code":"OK","Message":"OK","BizId":"9006199","RequestId":"r"}"#,
        ),
        answer(
            "200 OK",
            r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"limit"}"#,
        ),
        answer(
            "400 Bad",
            r#"{"Code":"SignatureDoesNotMatch","Message":"no"}"#,
        ),
        answer(
            "200 OK",
            r#"{"Code":"isv.MOBILE_NUMBER_ILLEGAL","Message":"no"}"#,
        ),
    ]);
    let sms = Sms {
        post: post(&provider.url("/")),
        gateway: Gateway::Aliyun(Aliyun {
            access_key_id: "LTAI-test".into(),
            secret: secret(folder.path(), "test-secret"),
            sign_name: "应急演练".into(),
            template_code: "SMS_1".into(),
            variable: "text".into(),
        }),
        max_text_bytes: 105,
    };
    let handed = sms.send(&message("+8613800138000"), NOW).unwrap();
    assert_eq!(handed.provider_id.as_deref(), Some("9006199"));
    let heard = provider.heard();
    assert_eq!(heard.query("PhoneNumbers"), "13800138000");
    assert_eq!(heard.query("OutId"), "out-7f3a");
    let variables: serde_json::Value = serde_json::from_str(&heard.query("TemplateParam")).unwrap();
    assert!(
        variables["text"]
            .as_str()
            .unwrap()
            .starts_with("请立即到岗")
    );
    assert_eq!(heard.header("x-acs-date"), "2026-11-23T10:00:00Z");
    let expected = python(
        "import sys,hmac,hashlib,urllib.parse as u\n\
         path,host,nonce,key=sys.argv[1:]\n\
         q='&'.join(f'{u.quote(k,safe=\"-_.~\")}={u.quote(v,safe=\"-_.~\")}' for k,v in sorted(u.parse_qsl(path.split('?')[1])))\n\
         e=hashlib.sha256(b'').hexdigest()\n\
         h={'host':host,'x-acs-action':'SendSms','x-acs-content-sha256':e,'x-acs-date':'2026-11-23T10:00:00Z','x-acs-signature-nonce':nonce,'x-acs-version':'2017-05-25'}\n\
         n=';'.join(h)\n\
         c='POST\\n/\\n'+q+'\\n'+''.join(f'{k}:{v}\\n' for k,v in h.items())+'\\n'+n+'\\n'+e\n\
         s='ACS3-HMAC-SHA256\\n'+hashlib.sha256(c.encode()).hexdigest()\n\
         print(hmac.new(key.encode(),s.encode(),hashlib.sha256).hexdigest())",
        &[
            heard.path(),
            heard.header("host"),
            heard.header("x-acs-signature-nonce"),
            "test-secret",
        ],
    );
    let authorization = heard.header("authorization");
    assert!(
        authorization.ends_with(&format!("Signature={expected}")),
        "{authorization}"
    );
    assert!(authorization.starts_with("ACS3-HMAC-SHA256 Credential=LTAI-test,SignedHeaders=host;"));
    for expected in ["again", "broken", "never"] {
        assert_eq!(kind(&sms.send(&message("13800138000"), NOW)), expected);
    }
}

#[test]
fn tencent_is_signed_as_python_signs() {
    let folder = tempfile::tempdir().unwrap();
    let ok = r#"{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","Code":"Ok","Message":"ok"}]}}"#;
    let failed = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"no"}}}"#;
    let provider = Provider::start(vec![answer("200 OK", ok), answer("200 OK", failed)]);
    let sms = Sms {
        post: post(&provider.url("/")),
        gateway: Gateway::Tencent(Tencent {
            secret_id: "AKID-test".into(),
            secret: secret(folder.path(), "test-secret"),
            app_id: "1400".into(),
            sign_name: "应急".into(),
            template_id: "77".into(),
            region: "ap-guangzhou".into(),
        }),
        max_text_bytes: 105,
    };
    let handed = sms.send(&message("13800138000"), NOW).unwrap();
    assert_eq!(handed.provider_id.as_deref(), Some("5000:1"));
    let heard = provider.heard();
    assert_eq!(heard.json()["PhoneNumberSet"][0], "+8613800138000");
    let expected = python(
        "import sys,hmac,hashlib\n\
         host,body,key=sys.argv[1:]\n\
         H=lambda k,m:hmac.new(k,m.encode(),hashlib.sha256)\n\
         c='\\n'.join(['POST','/','','content-type:application/json; charset=utf-8','host:'+host,'x-tc-action:sendsms','','content-type;host;x-tc-action',hashlib.sha256(body.encode()).hexdigest()])\n\
         s='\\n'.join(['TC3-HMAC-SHA256','1795428000','2026-11-23/sms/tc3_request',hashlib.sha256(c.encode()).hexdigest()])\n\
         k=H(H(H(('TC3'+key).encode(),'2026-11-23').digest(),'sms').digest(),'tc3_request').digest()\n\
         print(H(k,s).hexdigest())",
        &[
            heard.header("host"),
            &String::from_utf8(heard.body.clone()).unwrap(),
            "test-secret",
        ],
    );
    let authorization = heard.header("authorization");
    assert!(
        authorization.ends_with(&format!("Signature={expected}")),
        "{authorization}"
    );
    assert_eq!(kind(&sms.send(&message("13800138000"), NOW)), "broken");
}

#[test]
fn a_changed_url_file_counts_at_the_next_message() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (
        Provider::start(vec![answer("200 OK", OK)]),
        Provider::start(vec![answer("200 OK", OK)]),
    );
    let file = secret(folder.path(), &first.url("/send?key=1"));
    let mut way = post("https://unused.example/");
    way.url = UrlSource::File(file.clone());
    let channel = WeCom { post: way };
    channel.send(&message(""), NOW).unwrap();
    first.heard();
    std::fs::write(file.path(), second.url("/send?key=2")).unwrap();
    channel.send(&message(""), NOW).unwrap();
    assert_eq!(second.heard().path(), "/send?key=2");
    std::fs::write(file.path(), "http://user:SECRET@x/").unwrap();
    let Err(SendError::Broken { why }) = channel.send(&message(""), NOW) else {
        panic!("the URL is wrong")
    };
    assert!(why.contains("secret") && !why.contains("SECRET"), "{why}");
}

#[test]
fn the_limits_are_the_providers() {
    for (limit, messages, per_s) in [
        (dingtalk::LIMIT, 20, 60),
        (wecom::LIMIT, 20, 60),
        (feishu::LIMIT, 5, 3),
        (slack::LIMIT, 1, 1),
    ] {
        assert_eq!((limit.messages, limit.per_s), (messages, per_s));
    }
    assert!(LONG.as_secs() > 15);
}
