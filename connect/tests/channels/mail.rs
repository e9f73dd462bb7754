//! Mail against a real SMTP server, with STARTTLS, with TLS from the first byte, and with a login.

use crate::provider::{LONG, message, secret};
use connect::notify::mail::{self, Encryption};
use connect::notify::{Channel, Mail, Message, SecretFile, SendError};
use model::Instant;
use serde_json::Value;
use std::path::Path;
use testkit::MailServer;

const NOW: Instant = Instant(1_795_428_000_123_456);

/// The letter whose text holds this word.
fn letter(server: &MailServer, word: &str) -> Value {
    serde_json::from_str(&server.letter(word)).unwrap()
}

fn mail(server: &MailServer, encryption: Encryption, ca: Option<&Path>) -> Mail {
    Mail {
        name: "mail".into(),
        host: "localhost".into(),
        port: server.port,
        encryption,
        from: "应急 <balefire@shop.example>".parse().unwrap(),
        login: None,
        ca_file: ca.map(Path::to_owned),
        limit: mail::LIMIT,
    }
}

fn login(password: SecretFile) -> Option<(String, SecretFile)> {
    Some(("balefire".into(), password))
}

fn headers<'a>(letter: &'a Value, name: &str) -> Vec<&'a str> {
    let all = letter["headers"].as_array().unwrap().iter();
    let named = all.filter(|h| h[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|h| h[1].as_str().unwrap()).collect()
}

fn to(address: &str) -> Message {
    message(address)
}

#[test]
fn a_letter_arrives_over_starttls_with_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = testkit::certificates(folder.path());
    let server = MailServer::start("starttls", Some(&certificates));
    let mut mail = mail(&server, Encryption::StartTls, Some(&certificates.ca));
    mail.login = login(secret(folder.path(), "right password"));
    let mut message = to("duty@shop.example");
    message.exercise = true;
    mail.send(&message, NOW).unwrap();
    let letter = letter(&server, "请立即到岗");
    assert_eq!(letter["tls"], true);
    assert_eq!(letter["user"], "balefire");
    assert_eq!(letter["to"][0], "duty@shop.example");
    assert_eq!(letter["sender"], "balefire@shop.example");
    assert_eq!(headers(&letter, "Message-ID"), ["<out-7f3a@shop.example>"]);
    assert_eq!(headers(&letter, "Auto-Submitted"), ["auto-generated"]);
    assert_eq!(headers(&letter, "Subject"), ["[演练 EXERCISE] 请立即到岗"]);
    assert_eq!(headers(&letter, "From"), ["应急 <balefire@shop.example>"]);
    assert_eq!(
        headers(&letter, "Date"),
        ["Mon, 23 Nov 2026 10:00:00 +0000"]
    );
    assert_eq!(letter["type"], "text/plain");
    let body = letter["body"].as_str().unwrap();
    assert!(body.contains("15 分钟内") && body.contains("https://desk.example/calls/1"));
}

#[test]
fn a_wrong_password_a_strangers_certificate_and_a_missing_starttls_break_the_channel() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = testkit::certificates(folder.path());
    let server = MailServer::start("starttls", Some(&certificates));
    let mut wrong = mail(&server, Encryption::StartTls, Some(&certificates.ca));
    wrong.login = login(secret(folder.path(), "wrong password"));
    let no_login = mail(&server, Encryption::StartTls, Some(&certificates.ca));
    let stranger = mail(&server, Encryption::StartTls, None);
    let plain = MailServer::start("plain", None);
    let stripped = mail(&plain, Encryption::StartTls, Some(&certificates.ca));
    for (name, mail) in [
        ("wrong", wrong),
        ("no login", no_login),
        ("stranger", stranger),
        ("stripped", stripped),
    ] {
        let outcome = mail.send(&to("duty@shop.example"), NOW);
        let Err(SendError::Broken { why }) = &outcome else {
            panic!("{name}: {outcome:?}")
        };
        assert!(
            !why.contains("password\"") && !why.contains("wrong password"),
            "{why}"
        );
    }
    assert_eq!(server.letters() + plain.letters(), 0);
}

#[test]
fn a_letter_arrives_over_tls_from_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = testkit::certificates(folder.path());
    let server = MailServer::start("implicit", Some(&certificates));
    let mail = mail(&server, Encryption::Implicit, Some(&certificates.ca));
    mail.send(&to("duty@shop.example"), NOW).unwrap();
    assert_eq!(letter(&server, "15 分钟内")["tls"], true);
}

#[test]
fn no_value_makes_a_header_of_its_own() {
    let server = MailServer::start("plain", None);
    let mail = mail(&server, Encryption::None, None);
    let mut message = to("duty@shop.example");
    message.id = "out-9\r\nBcc: a@evil.example".into();
    message.subject = "一\r\nBcc: b@evil.example\r\n\r\nbody\u{2028}X: y\u{0}".repeat(3);
    message.body = ".\r\n.\r\nQUIT\r\nmarker-1\u{202e}".into();
    message.link = Some("https://x/\r\nBcc: c@evil.example".into());
    mail.send(&message, NOW).unwrap();
    let letter = letter(&server, "marker-1");
    assert!(headers(&letter, "Bcc").is_empty(), "{letter}");
    assert!(headers(&letter, "X").is_empty());
    assert_eq!(headers(&letter, "Subject").len(), 1);
    assert_eq!(
        headers(&letter, "Message-ID"),
        ["<out-9..Bcc..a.evil.example@shop.example>"]
    );
    let body = letter["body"].as_str().unwrap();
    assert!(body.starts_with(".\n.\nQUIT\nmarker-1\n"), "{body:?}");
    for bad in [
        "",
        "duty",
        "a@b\r\nRCPT TO:<c@evil.example>",
        "a@b>,<c@d",
        "a b@c.example",
        "a@",
    ] {
        message.to = bad.into();
        let outcome = mail.send(&message, NOW);
        assert!(
            matches!(outcome, Err(SendError::Never { .. })),
            "{bad}: {outcome:?}"
        );
    }
    assert_eq!(server.letters(), 1);
}

#[test]
fn the_servers_word_says_whether_it_is_tried_again() {
    let server = MailServer::start("plain", None);
    let mail = mail(&server, Encryption::None, None);
    let later = mail.send(&to("later@shop.example"), NOW);
    assert!(
        matches!(&later, Err(SendError::Again { why, .. }) if why.contains("451")),
        "{later:?}"
    );
    let nobody = mail.send(&to("nobody@shop.example"), NOW);
    assert!(
        matches!(&nobody, Err(SendError::Never { why }) if why.contains("550")),
        "{nobody:?}"
    );
    // A long text is cut, not refused.
    let mut long = to("duty@shop.example");
    long.body = "很长的文字 ".repeat(50_000);
    mail.send(&long, NOW).unwrap();
    let letter = letter(&server, "很长的文字");
    let body = letter["body"].as_str().unwrap();
    assert!(body.len() < 70_000 && body.ends_with("…\n\nhttps://desk.example/calls/1\n"));
    let mut dead = mail;
    dead.port = testkit::free_loopback_address().port();
    let gone = dead.send(&to("duty@shop.example"), NOW);
    assert!(matches!(gone, Err(SendError::Again { .. })), "{gone:?}");
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_left_after_fifteen_seconds() {
    let server = MailServer::start("silent", None);
    let mail = mail(&server, Encryption::None, None);
    let begun = std::time::Instant::now();
    let outcome = mail.send(&to("duty@shop.example"), NOW);
    assert!(
        matches!(outcome, Err(SendError::Again { .. })),
        "{outcome:?}"
    );
    assert!(begun.elapsed() < LONG);
}
