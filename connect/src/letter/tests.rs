//! Letters as mail programs write them, as attackers do, and as chance does.

use super::*;
use proptest::prelude::*;

const HEAD: &str = "From: Li <li@shop.example>\r\nDate: Mon, 02 Nov 2026 09:00:00 +0800\r\nMessage-ID: <1@shop.example>\r\n";

fn read(rest: &str) -> Letter {
    Letter::read(format!("{HEAD}{rest}").as_bytes()).unwrap()
}

#[test]
fn a_plain_letter_is_read_with_who_wrote_it() {
    let letter =
        read("Subject: Orders look odd\r\n\r\nThree paid orders\r\nwithout a payment.\r\n");
    assert_eq!(letter.from, "li@shop.example");
    assert_eq!(letter.subject, "Orders look odd");
    assert_eq!(letter.text, "Three paid orders\nwithout a payment.");
    assert!(letter.may_be_answered() && !letter.cut);
}

#[test]
fn chinese_in_the_usual_charsets_is_read() {
    // 订单被篡改 in GB18030, GBK, Big5 (訂單) and UTF-8, as mail programs send it.
    let gb = "Subject: =?GB18030?B?tqm1pbG7tNu4xA==?=\r\nContent-Type: text/plain; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\ntqm1pbG7tNu4xA==\r\n";
    let letter = read(gb);
    assert_eq!(
        (letter.subject.as_str(), letter.text.as_str()),
        ("订单被篡改", "订单被篡改")
    );
    let utf8 = "Subject: =?utf-8?Q?=E8=AE=A2=E5=8D=95?=\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E8=AE=A2=E5=8D=95=\r\n1\r\n";
    let letter = read(utf8);
    assert_eq!(
        (letter.subject.as_str(), letter.text.as_str()),
        ("订单", "订单1")
    );
    let big5 = "Subject: x\r\nContent-Type: text/plain; charset=big5\r\nContent-Transfer-Encoding: base64\r\n\r\nrXGz5g==\r\n";
    assert_eq!(read(big5).text, "訂單");
    // A charset that nobody knows does not stop the letter.
    let odd = "Subject: x\r\nContent-Type: text/plain; charset=x-unheard-of\r\n\r\nplain words\r\n";
    assert_eq!(read(odd).text, "plain words");
}

#[test]
fn html_becomes_text_and_files_come_with_the_names_that_they_were_given() {
    let letter = read(concat!(
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n",
        "--B\r\nContent-Type: text/html\r\n\r\n<p>Look <b>here</b></p><script>alert(1)</script>\r\n",
        "--B\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename*=utf-8''%E8%AE%A2%E5%8D%95.csv\r\nContent-Transfer-Encoding: base64\r\n\r\naWQsdG90YWwK\r\n",
        "--B\r\nContent-Type: image/png; name=\"../../etc/passwd\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--B--\r\n",
    ));
    assert!(letter.text.contains("Look here"), "{}", letter.text);
    assert!(!letter.text.contains('<'), "{}", letter.text);
    let names: Vec<&str> = letter.attached.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["订单.csv", "../../etc/passwd"]);
    assert_eq!(letter.attached[0].bytes, b"id,total\n");
    assert_eq!(letter.attachments, 2);
}

#[test]
fn what_programs_and_lists_send_is_heard_and_not_answered() {
    for head in [
        "Auto-Submitted: auto-generated\r\n",
        "Precedence: bulk\r\n",
        "List-Id: <all.shop.example>\r\n",
        "Return-Path: <>\r\n",
    ] {
        let letter = read(&format!("{head}Subject: x\r\n\r\nwords\r\n"));
        assert_eq!(letter.writer, Writer::Program, "{head}");
        assert!(!letter.may_be_answered(), "{head}");
    }
    for head in [
        "Auto-Submitted: auto-replied (vacation)\r\n",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n",
    ] {
        let letter = read(&format!("{head}Subject: x\r\n\r\nwords\r\n"));
        assert_eq!(letter.writer, Writer::Answer, "{head}");
    }
    let letter = read("Auto-Submitted: no\r\nSubject: x\r\n\r\nwords\r\n");
    assert_eq!(letter.writer, Writer::Person);
    for from in [
        "MAILER-DAEMON@mx.example",
        "noreply@shop.example",
        "nobody at all",
        "a@b@c",
    ] {
        let letter = Letter::read(format!("From: {from}\r\nSubject: x\r\n\r\nw\r\n").as_bytes());
        assert!(!letter.unwrap().may_be_answered(), "{from}");
    }
}

#[test]
fn no_value_brings_a_line_of_its_own() {
    let letter = read("Subject: =?utf-8?B?eA0KQmNjOiBib3NzQHNob3AuZXhhbXBsZQ==?=\r\n\r\nwords\r\n");
    assert_eq!(letter.subject, "x  Bcc: boss@shop.example");
    let from = "From: \"x\r\n Bcc: a@b.example\" <li@shop.example>\r\nSubject: x\r\n\r\nw\r\n";
    assert_eq!(
        Letter::read(from.as_bytes()).unwrap().from,
        "li@shop.example"
    );
}

#[test]
fn what_is_no_mail_or_too_much_of_one_is_refused() {
    assert_eq!(Letter::read(b"").unwrap_err(), LetterError::NoMail);
    assert_eq!(
        Letter::read(b"{\"what\": 1}").unwrap_err(),
        LetterError::NoMail
    );
    assert_eq!(
        Letter::read(&vec![0; MAX_BYTES + 1]).unwrap_err(),
        LetterError::TooLarge
    );
    let parts = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n{}",
        "\r\n--\r\n".repeat(5_000)
    );
    assert_eq!(
        Letter::read(parts.as_bytes()).unwrap_err(),
        LetterError::TooManyParts
    );
    let lines = format!("{HEAD}{}\r\nwords", "Received: by mx\r\n".repeat(5_000));
    assert_eq!(
        Letter::read(lines.as_bytes()).unwrap_err(),
        LetterError::TooManyParts
    );
}

#[test]
fn a_long_letter_is_cut_and_says_so() {
    let letter = read(&format!(
        "Subject: {}\r\n\r\n{}\r\n",
        "s".repeat(900),
        "长".repeat(30_000)
    ));
    assert!(letter.cut);
    assert_eq!(letter.text.chars().count(), MAX_TEXT_CHARS);
    assert!(letter.subject.chars().count() <= MAX_SUBJECT_CHARS);
}

proptest! {
    /// Bytes changed, cut and doubled at random places of a rich letter.
    #[test]
    fn no_bytes_break_the_reader(cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..60), end in any::<prop::sample::Index>()) {
        let rich = format!("{HEAD}Subject: =?GB18030?B?tqm1pbG7tNu4xA==?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTogYUBiLmV4YW1wbGUNCg0KeA==\r\n--B\r\nContent-Type: text/html; charset=gbk\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=B6=A9=B5=A5</p>\r\n--B\r\nContent-Disposition: attachment; filename=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\naWQsdG90YWwK\r\n--B--\r\n");
        let mut bytes = rich.into_bytes();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        if let Ok(letter) = Letter::read(&bytes) {
            prop_assert!(letter.attached.len() <= MAX_ATTACHED);
            prop_assert!(!letter.subject.contains(['\n', '\r', '\0']));
            prop_assert!(letter.from.is_empty() || letter.from.contains('@'));
        }
    }
}
