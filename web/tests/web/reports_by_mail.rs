//! Reports by mail, as a mail server posts them: taken once, paged, and answered by a receipt
//! that is known to the sender alone.

use crate::world::{Answer, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::channels::config::ChannelConfig;
use desk::config::Config;
use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use desk::{ReportView, Via};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use serde_json::Value;
use testkit::MailServer;

struct Intake {
    world: World,
    server: MailServer,
    token: String,
}

impl Intake {
    fn begin() -> Self {
        let server = MailServer::start("plain", None);
        let mail = ChannelConfig {
            name: "mail".to_owned(),
            kind: "mail".to_owned(),
            host: Some("127.0.0.1".to_owned()),
            port: Some(server.port),
            encryption: Some("none".to_owned()),
            from: Some("Balefire <report@shop.example>".to_owned()),
            ..ChannelConfig::default()
        };
        let world = World::configured(Config {
            channel: vec![mail],
            ..Config::default()
        });
        let token = token(&world, &[Scope::Intake]);
        Self {
            world,
            server,
            token,
        }
    }

    async fn post(&self, mail: &str) -> Answer {
        self.post_as(&self.token, "message/rfc822", mail.as_bytes().to_vec())
            .await
    }

    async fn post_as(&self, token: &str, kind: &str, mail: Vec<u8>) -> Answer {
        let request = Request::post("/api/v1/intake/mail")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", kind)
            .body(Body::from(mail));
        self.world.send(request.expect("a request")).await
    }

    fn reports(&self) -> Vec<ReportView> {
        self.world.desk.reports(100)
    }
}

fn token(world: &World, scopes: &[Scope]) -> String {
    let name = format!("mx{}", scopes.len());
    drop(world.person(&name, &["sysadmin"]));
    let op = Operation {
        actor: Actor::Person {
            account: AccountId::new(&name),
            name: name.clone(),
            positions: vec![PositionId::new("sysadmin")],
        },
        reason: "the mail server hands in reports".to_owned(),
        request: RequestId::new(format!("token-{name}")),
        now: world.desk.now(),
    };
    let asked = NewToken {
        name: "mail server".to_owned(),
        scopes: scopes.to_vec(),
        days: 30,
    };
    match world.desk.new_token(&op, asked) {
        Ok(TokenOutcome::Made(token)) => token,
        Ok(TokenOutcome::Proposed(_)) => panic!("a token that acts on nothing needs no second"),
        Err(error) => panic!("{error}"),
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).expect("JSON")
}

fn mail(from: &str, subject: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: report@shop.example\r\nDate: Mon, 02 Nov 2026 09:00:00 +0800\r\n\
         Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n\
         --B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--B\r\n\
         Content-Type: text/csv\r\nContent-Disposition: attachment; filename=\"../orders.csv\"\r\n\r\n\
         id,total\r\n--B--\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_a_report_that_pages_and_its_sender_gets_the_receipt() {
    let intake = Intake::begin();
    let text = "SO-1024 的付款账号被换掉了。\r\n<script>alert('canary')</script>";
    let sent = mail(
        "李 <li@shop.example>",
        "=?utf-8?B?6K6i5Y2V6KKr56+h5pS5?=",
        text,
    );
    let answer = intake.post(&sent).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let said = json(&answer);
    assert_eq!(said["outcome"], "reported");
    assert_eq!(said["receipt_sent"], true);
    assert!(said["positions_paged"].as_u64() > Some(0), "{said}");
    let [report] = &intake.reports()[..] else {
        panic!("one report");
    };
    assert_eq!(said["report"], report.receipt.as_str());
    assert_eq!(report.via, Via::Mail);
    assert_eq!(report.contact, "li@shop.example");
    assert!(
        report.what.starts_with("订单被篡改\n\nSO-1024"),
        "{}",
        report.what
    );
    let names: Vec<&str> = report.files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[0], "message.eml");
    assert!(!names[1].contains('/'), "{names:?}");
    assert_eq!(report.files[0].size_bytes, sent.len() as u64);
    // In the sender's language, to the sender alone, and with nothing of what was reported.
    let letter: Value = serde_json::from_str(&intake.server.letter("回执号")).expect("a letter");
    assert_eq!(letter["to"], serde_json::json!(["li@shop.example"]));
    let body = letter["body"].as_str().expect("a text");
    assert!(
        !body.contains("SO-1024") && !body.contains("canary"),
        "{body}"
    );
    let headers = letter["headers"].to_string();
    assert!(headers.contains("Auto-Submitted"), "{headers}");
    // The number in the letter opens the report, and stands nowhere in the program's own files.
    let after = body.split("回执号：").nth(1).expect("a number");
    let number = after
        .split_whitespace()
        .next()
        .expect("a number")
        .to_owned();
    let page = format!("/report/receipt?no={number}");
    let shown = intake.world.get(&page, None).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(shown.body.contains("SO-1024"), "{}", shown.body);
    assert!(!shown.body.contains("<script>alert"));
    assert!(!answer.body.contains(&number));
    // The same mail again, as after a lost answer: one report, one receipt.
    let again = json(&intake.post(&sent).await);
    assert_eq!(again["report"], said["report"]);
    assert_eq!(intake.reports().len(), 1);
    // An answer to the receipt is added to the report.
    let reply = mail("li@shop.example", &format!("Re: {number}"), "另有两单。");
    let added = json(&intake.post(&reply).await);
    assert_eq!(added["outcome"], "added", "{added}");
    assert_eq!(added["report"], said["report"]);
    let report = &intake.reports()[0];
    assert!(
        report.talk[0].text.contains("另有两单"),
        "{:?}",
        report.talk
    );
    assert_eq!(intake.reports().len(), 1);
    assert_eq!(intake.server.letters(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_heard_and_not_answered_and_mail_goes_in_no_circle() {
    let intake = Intake::begin();
    let words = "From: monitor@shop.example\r\nSubject: disk\r\n";
    let automatic = format!("{words}Auto-Submitted: auto-generated\r\n\r\nrows vanish\r\n");
    let answer = json(&intake.post(&automatic).await);
    assert_eq!(answer["outcome"], "reported");
    assert_eq!(answer["receipt_sent"], false);
    for circle in [
        format!("{words}Auto-Submitted: auto-replied\r\n\r\nI am on holiday\r\n"),
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nContent-Type: multipart/report; boundary=B\r\n\r\n--B\r\n\r\nno such user\r\n--B--\r\n".to_owned(),
        mail("Report@SHOP.example", "x", "our own mail come back"),
    ] {
        let answer = json(&intake.post(&circle).await);
        assert_eq!(answer["outcome"], "ignored", "{circle}");
    }
    assert_eq!(intake.reports().len(), 1);
    // Somebody else's address in many mails makes us write to them a few times only.
    let mut receipts = 0;
    for n in 0..6 {
        let forged = mail("victim@other.example", "x", &format!("forged {n}"));
        let answer = json(&intake.post(&forged).await);
        assert_eq!(answer["outcome"], "reported", "{answer}");
        receipts += usize::from(answer["receipt_sent"] == true);
    }
    assert_eq!(receipts, 3);
    assert_eq!(intake.reports().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_for_intake_hands_in_and_bad_mail_is_told_why() {
    let intake = Intake::begin();
    let good = mail("li@shop.example", "x", "words");
    let kind = "message/rfc822";
    let bytes = || good.as_bytes().to_vec();
    let other = token(&intake.world, &[Scope::Read, Scope::Report]);
    let refused = intake.post_as(&other, kind, bytes()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let nobody = intake.post_as("blf_nothing", kind, bytes()).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let typed = intake.post_as(&intake.token, "text/plain", bytes()).await;
    assert_eq!(typed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let empty = intake.post("").await;
    assert_eq!(
        empty.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        empty.body
    );
    let large = vec![b'x'; desk::people_report::MAX_MAIL_BYTES + 1];
    let large = intake.post_as(&intake.token, kind, large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(intake.reports().is_empty());
    assert_eq!(intake.server.letters(), 0);
    // Nothing of a mail is a line of its own in the receipt.
    let tricky = mail(
        "\"x\" <li@shop.example>",
        "=?utf-8?B?eA0KQmNjOiBib3NzQHNob3AuZXhhbXBsZQ==?=",
        "w",
    );
    assert_eq!(json(&intake.post(&tricky).await)["outcome"], "reported");
    let letter: Value = serde_json::from_str(&intake.server.letter("Receipt number")).expect("one");
    assert_eq!(letter["to"], serde_json::json!(["li@shop.example"]));
    assert!(!letter["headers"].to_string().contains("Bcc"), "{letter}");
}
