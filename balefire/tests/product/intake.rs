//! `balefire intake mail` as a mail server's pipe runs it, against pages that are really served.

use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use desk::{DataFolder, Desk, config::Config};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use testkit::TempFolder;

const MAIL: &[u8] =
    b"From: li@shop.example\r\nSubject: rows vanish\r\n\r\nThree orders are gone.\r\n";

fn intake(url: &str, token: &Path, mail: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_balefire"))
        .args([
            "--lang",
            "en",
            "intake",
            "mail",
            "--url",
            url,
            "--token-file",
        ])
        .arg(token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("its standard input");
    stdin.write_all(mail).expect("it reads the mail");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn secret(path: &Path, text: &str) {
    fs::write(path, text).expect("a file is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("for its owner");
}

fn token(desk: &Desk) -> String {
    let account = AccountId::new("mx");
    let positions = [PositionId::new("sysadmin")];
    let password = "a long passphrase of the mail server";
    desk.add_account(&account, "mx", &positions, password)
        .expect("an account");
    let op = Operation {
        actor: Actor::Person {
            account,
            name: "mx".to_owned(),
            positions: positions.to_vec(),
        },
        reason: "the mail server hands in reports".to_owned(),
        request: RequestId::new("token-mx"),
        now: desk.now(),
    };
    let asked = NewToken {
        name: "mail server".to_owned(),
        scopes: vec![Scope::Intake],
        days: 30,
    };
    match desk.new_token(&op, asked) {
        Ok(TokenOutcome::Made(token)) => token,
        _ => panic!("a token for intake needs no second person"),
    }
}

#[test]
fn a_mail_from_a_pipe_is_reported_and_kept_by_the_mail_server_until_it_is() {
    let folder = TempFolder::new();
    let desk =
        Desk::open(DataFolder::new(folder.join("data")), Config::default()).expect("a desk opens");
    let served =
        web::start(desk.clone(), web::WebOptions::default()).expect("the pages are served");
    let (file, wrong) = (folder.join("token"), folder.join("wrong"));
    secret(&file, &token(&desk));
    secret(&wrong, "blf_no_token_of_ours");
    let url = served.url();

    let out = intake(&url, &file, MAIL);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.contains("Reported as R-"), "{said}");
    assert_eq!(desk.reports(10).len(), 1);
    assert!(desk.reports(10)[0].paged > 0);
    // What is no mail goes back to its sender.
    let out = intake(&url, &file, b"no mail at all");
    assert_eq!(out.status.code(), Some(65));
    // What an operator can mend keeps the mail where it is.
    for (url, file) in [
        (url.as_str(), &wrong),
        (url.as_str(), &folder.join("none")),
        ("ftp://response.example", &file),
    ] {
        let out = intake(url, file, MAIL);
        assert_eq!(out.status.code(), Some(75), "{url} {}", file.display());
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!said.contains("blf_no_token"), "{said}");
    }
    served.stop();
    let out = intake(&url, &file, MAIL);
    assert_eq!(out.status.code(), Some(75));
    assert_eq!(desk.reports(10).len(), 1);
    desk.stop();
}
