//! Reports with files from strangers, coming back with a receipt, anonymity, and storms.

use crate::world::{Answer, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use std::path::{Path, PathBuf};

const ADDRESS: &str = "203.0.113.77";
const BROWSER: &str = "CanaryBrowser/9.9";

/// One part of a form: its header's lines, and its bytes.
type Part<'a> = (&'a str, &'a [u8]);

fn body(parts: &[Part<'_>], end: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (head, bytes) in parts {
        out.extend_from_slice(
            format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(end.as_bytes());
    out
}

async fn send(world: &World, path: &str, kind: &str, bytes: Vec<u8>) -> Answer {
    let request = Request::post(path)
        .header("content-type", kind)
        .header("cookie", "balefire_lang=en")
        .header("user-agent", BROWSER)
        .header("x-forwarded-for", ADDRESS)
        .body(Body::from(bytes));
    world.send(request.expect("a request")).await
}

async fn form(world: &World, path: &str, parts: &[Part<'_>]) -> Answer {
    send(
        world,
        path,
        "multipart/form-data; boundary=XX",
        body(parts, "--XX--\r\n"),
    )
    .await
}

fn number(answer: &Answer) -> String {
    let after = answer.location().split("no=").nth(1).unwrap_or("");
    after.split('&').next().unwrap_or("").to_owned()
}

fn uploads(world: &World) -> Vec<PathBuf> {
    let folder = world.desk.folder().uploads();
    let found = std::fs::read_dir(folder).expect("the folder is there");
    found.map(|e| e.expect("an entry").path()).collect()
}

/// Whether a text stands in any file below a folder.
fn stands_in(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return stands_in(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|w| w == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_by_its_hash_and_a_resend_keeps_nothing_twice() {
    let world = World::new();
    let parts: &[Part<'_>] = &[
        ("name=\"request\"", b"0123456789abcdef"),
        ("name=\"what\"", b"a screenshot of it"),
        (
            "name=\"files\"; filename=\"../../etc/pass\u{202e}wd.png\"",
            b"\x89PNG\r\n\x1a\nrest",
        ),
        ("name=\"files\"; filename=\"\"", b""),
    ];
    let sent = form(&world, "/report", parts).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let again = form(&world, "/report", parts).await;
    assert_eq!(number(&sent), number(&again));
    assert_eq!(uploads(&world).len(), 1);
    let report = world
        .desk
        .report_by_receipt(&number(&sent))
        .expect("stored");
    assert_eq!(report.files.len(), 1);
    assert_eq!(report.files[0].name, "passwd.png");
    assert_eq!(report.files[0].kind, desk::people_report::FileKind::Image);
    assert_eq!(world.desk.reports(10).len(), 1);
    assert!(
        !stands_in(&world.folder.join("data"), &number(&sent)),
        "the receipt is kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_forms_are_refused_and_leave_nothing_behind() {
    let world = World::new();
    let what: Part<'_> = ("name=\"what\"", b"odd");
    let file = "name=\"files\"; filename=\"a\"";
    let kind = "multipart/form-data; boundary=XX";
    let big = vec![b'x'; 11 << 20];
    let long = vec![b'x'; 70 << 10];
    let too_large = form(&world, "/report", &[what, (file, &big)]).await;
    assert_eq!(too_large.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        too_large.body.contains(">odd</textarea>"),
        "what was typed is lost"
    );
    let many: Vec<Part<'_>> = std::iter::once(what)
        .chain((0..6).map(|_| (file, b"z".as_slice())))
        .collect();
    let many = form(&world, "/report", &many).await;
    assert_eq!(many.status, StatusCode::UNPROCESSABLE_ENTITY);
    for bytes in [
        body(&[what, (file, b"cut off")], "--X"),
        b"no boundary at all".to_vec(),
        body(&[("name=\"what\"", &long)], "--XX--\r\n"),
        body(&vec![what; 60], "--XX--\r\n"),
        body(
            &[(&format!("name=\"{}\"", "n".repeat(500)), b"x")],
            "--XX--\r\n",
        ),
    ] {
        let answer = send(&world, "/report", kind, bytes).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
    let none = send(&world, "/report", "multipart/form-data", Vec::new()).await;
    assert!(none.status.is_client_error());
    assert!(uploads(&world).is_empty(), "{:?}", uploads(&world));
    assert!(world.desk.reports(10).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_anonymous_sender_is_kept() {
    let world = World::with(web::WebOptions {
        trusted_proxies: vec!["127.0.0.1".parse().expect("an address")],
        ..web::WebOptions::default()
    });
    let sent = form(
        &world,
        "/report",
        &[
            ("name=\"what\"", b"somebody copies data"),
            ("name=\"contact\"", b"canary-contact@example.org"),
            ("name=\"anonymous\"", b"1"),
        ],
    )
    .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let report = world
        .desk
        .report_by_receipt(&number(&sent))
        .expect("stored");
    assert!(report.contact.is_empty() && report.anonymous);
    for canary in [ADDRESS, BROWSER, "canary-contact"] {
        assert!(!stands_in(&world.folder.join("data"), canary), "{canary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_leads_back_and_a_wrong_one_tells_nothing() {
    let world = &World::new();
    let odd = "<script>alert(1)</script>";
    let json = format!("{{\"what\": \"{odd}\", \"when\": \"last week\"}}");
    let sent = send(
        world,
        "/api/v1/reports",
        "application/json",
        json.into_bytes(),
    )
    .await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
    let value: serde_json::Value = serde_json::from_str(&sent.body).expect("JSON");
    let no = value["receipt"].as_str().expect("a receipt").to_owned();
    let more = [
        ("name=\"no\"", no.as_bytes()),
        ("name=\"text\"", b"<img src=x onerror=1>".as_slice()),
    ];
    let added = form(world, "/report/receipt", &more).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let page = world.get(added.location(), None).await;
    assert!(
        page.body.contains("&#60;img") || page.body.contains("&lt;img"),
        "{}",
        page.body
    );
    assert!(!page.body.contains(odd));
    let api = world.get(&format!("/api/v1/reports/{no}"), None).await;
    assert!(api.body.contains("\"state\":\"received\""), "{}", api.body);
    // A program adds by the receipt too, and reads the talk back; nobody adds to what is not there.
    let add = |no: &str, body: &'static str| {
        let path = format!("/api/v1/reports/{no}/additions");
        async move { send(world, &path, "application/json", body.as_bytes().to_vec()).await }
    };
    let said = add(&no, "{\"text\": \"and again today\"}").await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    assert!(said.body.contains("and again today"), "{}", said.body);
    let nothing = add(&no, "{\"text\": \" \"}").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nowhere = add("22222222222Z", "{\"text\": \"x\"}").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    // A number with a wrong check letter and one that nobody holds are told apart by nothing.
    let message = |body: &str| {
        let after = body.split("data-message>").nth(1);
        after
            .and_then(|t| t.split('<').next())
            .unwrap_or("")
            .to_owned()
    };
    let wrong = world.get("/report/receipt?no=AAAA-AAAA-AAAB", None).await;
    let none = world.get("/report/receipt?no=22222222222Z", None).await;
    assert_eq!(
        (wrong.status, message(&wrong.body)),
        (none.status, message(&none.body))
    );
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let name = value["report"].as_str().expect("a name");
    let by_name = world.get(&format!("/report/receipt?no={name}"), None).await;
    assert_eq!(
        by_name.status,
        StatusCode::NOT_FOUND,
        "the staff's name opened it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_loses_files_before_words() {
    let world = World::new();
    let mut left_out = 0;
    for n in 0..12 {
        let what = format!("number {n}");
        let parts: &[Part<'_>] = &[
            ("name=\"what\"", what.as_bytes()),
            ("name=\"files\"; filename=\"a.txt\"", what.as_bytes()),
        ];
        let sent = form(&world, "/report", parts).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
        left_out += usize::from(sent.location().contains("left=1"));
    }
    assert_eq!(left_out, 6);
    assert_eq!(world.desk.reports(100).len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_beyond_what_a_report_shows_go_with_it_as_a_file() {
    let world = World::new();
    let long = format!("{}the last word", "每一行都要留下。".repeat(800));
    let name = "name=\"what\"";
    let sent = form(&world, "/report", &[(name, long.as_bytes())]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let kept = uploads(&world);
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(&kept[0]).expect("text"), long);
    let report = world.desk.report_by_receipt(&number(&sent)).expect("there");
    assert_eq!(report.what.chars().count(), 4_000);
    assert_eq!(report.files[0].name, "report.txt");
    let again = form(&world, "/report", &[(name, "每".repeat(4_000).as_bytes())]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(uploads(&world).len(), 1, "what fits needs no file");
    // What is added later keeps its end too.
    let no = number(&again);
    let more = [
        ("name=\"no\"", no.as_bytes()),
        ("name=\"text\"", long.as_bytes()),
    ];
    let added = form(&world, "/report/receipt", &more).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let report = world.desk.report_by_receipt(&no).expect("there");
    assert_eq!(report.files[0].name, "report.txt");
}
