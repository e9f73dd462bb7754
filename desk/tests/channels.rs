//! Channels from the configuration to a provider and back to the page of settings.

use desk::channels::Outcome;
use desk::config::Config;
use desk::{DataFolder, Desk, DeskError, Profile};
use incident::Command;
use incident::access::AccessCommand;
use incident::people::Addressee;
use model::{AccountId, Actor, Instant, Operation, PositionId, RequestId};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use testkit::TempFolder;

const PASSWORD: &str = "correct horse battery staple";

/// Answers each request with the next status, and as a robot does, and tells its body.
fn provider(statuses: Vec<&'static str>) -> (u16, Receiver<String>) {
    answering(statuses.into_iter())
}

/// Out of order until it is told to be well.
fn failing_provider() -> (u16, Receiver<String>, Arc<AtomicBool>) {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let status = move || match is_well.load(Ordering::SeqCst) {
        true => "200 OK",
        false => "503 Slow",
    };
    let (port, told) = answering(std::iter::repeat_with(status).take(1_000));
    (port, told, well)
}

fn answering(
    statuses: impl Iterator<Item = &'static str> + Send + 'static,
) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            // The test may have heard enough.
            let _ = tell.send(String::from_utf8(body).unwrap());
            let said = if status.starts_with("200") { "ok" } else { "" };
            let length = said.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{said}"
            )
            .unwrap();
        }
    });
    (port, told)
}

fn op(position: &str, now: Instant) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new("liu"),
            name: "liu".into(),
            positions: vec![PositionId::new(position)],
        },
        reason: String::new(),
        request: RequestId::new("r"),
        now,
    }
}

#[test]
fn a_channel_is_tried_watched_and_switched_off_over_a_restart() {
    let folder = TempFolder::new();
    let (port, told) = provider(vec!["204 No Content", "503 Slow"]);
    let secret = folder.join("hook.secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let file = folder.join("balefire.toml");
    let text = format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/SECRETPATH\"\n\
         secret_file = \"hook.secret\"\nallow = [\"127.0.0.1\"]\n\
         [[channel]]\nname = \"mail\"\nkind = \"mail\"\nhost = \"smtp.shop.example\"\n\
         from = \"balefire@shop.example\"\nuser = \"u\"\npassword_file = \"not-there\"\n"
    );
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    let said = desk::channels::warnings(&config);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("chmod 600") && said[1].contains("not-there"));
    assert!(!format!("{said:?}{config:?}").contains("MfKQ9r8GK"));

    let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
    let liu = AccountId::new("liu");
    let positions = [PositionId::new("sysadmin")];
    desk.add_account(&liu, "liu", &positions, PASSWORD).unwrap();
    let states = |desk: &Desk| -> Vec<(String, &'static str)> {
        let views = desk.channel_views().into_iter();
        views.map(|v| (v.host.clone(), v.state())).collect()
    };
    let expected = [
        ("127.0.0.1".to_owned(), "new"),
        ("smtp.shop.example".to_owned(), "new"),
    ];
    assert_eq!(states(&desk), expected);

    let now = desk.now();
    let stranger = desk.test_channel(&op("cs_agent", now), &liu, "hook");
    assert!(
        matches!(stranger, Err(DeskError::Refused(_))),
        "{stranger:?}"
    );
    let admin = op("sysadmin", now);
    assert_eq!(
        desk.test_channel(&admin, &liu, "hook").unwrap(),
        Outcome::Taken
    );
    let body = told.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(body.contains("测试消息"), "{body}");
    assert_eq!(states(&desk)[0].1, "ok");
    let failed = desk.test_channel(&admin, &liu, "hook").unwrap();
    assert!(
        matches!(&failed, Outcome::Again(why) if why.contains("503")),
        "{failed:?}"
    );
    assert_eq!(states(&desk)[0].1, "failing");
    assert!(!format!("{:?}", desk.channel_views()).contains("SECRET"));

    // Mail wants an address of the person's own, and then its password file.
    let no_address = desk.test_channel(&admin, &liu, "mail");
    assert!(matches!(no_address, Err(DeskError::Refused(_))));
    let profile = Profile {
        mail: "liu@shop.example".into(),
        ..Profile::default()
    };
    desk.set_profile(&liu, &profile, 0).unwrap();
    assert!(matches!(
        desk.test_channel(&admin, &liu, "none"),
        Err(DeskError::NotFound(_))
    ));

    desk.switch_channel(&admin, "hook", false).unwrap();
    assert!(
        desk.switch_channel(&op("cs_agent", now), "hook", true)
            .is_err()
    );
    let off = desk.test_channel(&admin, &liu, "hook").unwrap();
    assert!(matches!(off, Outcome::Never(_)), "{off:?}");
    desk.stop();
    drop(desk);
    let desk = Desk::open(DataFolder::new(folder.join("data")), config).unwrap();
    assert_eq!(states(&desk)[0].1, "off");
    desk.switch_channel(&op("sysadmin", desk.now()), "hook", true)
        .unwrap();
    assert_eq!(states(&desk)[0].1, "new");
    desk.stop();
}

/// What a robot puts into a group when somebody there is called.
fn said_in_the_group(details: bool) -> String {
    let folder = TempFolder::new();
    let (port, told) = provider(vec!["200 OK"]);
    let file = folder.join("balefire.toml");
    std::fs::write(
        folder.join("robot.url"),
        format!("http://127.0.0.1:{port}/hook\n"),
    )
    .unwrap();
    let text = format!(
        "[messages]\ndetails = {details}\n\
         [[channel]]\nname = \"group\"\nkind = \"slack\"\nurl_file = \"robot.url\"\n\
         allow = [\"127.0.0.1\"]\n"
    );
    std::fs::write(&file, text).unwrap();
    let desk = Desk::open(
        DataFolder::new(folder.join("data")),
        Config::load(&file).unwrap(),
    )
    .unwrap();
    let liu = AccountId::new("liu");
    desk.add_account(
        &liu,
        "Liu of the night shift",
        &[PositionId::new("ciso")],
        PASSWORD,
    )
    .unwrap();
    let report = desk::NewReport::new("a forged refund", plan::Lang::En, RequestId::new("r-1"));
    desk.report(report).unwrap();
    let body = told.recv_timeout(Duration::from_secs(20)).unwrap();
    desk.stop();
    body
}

#[test]
fn a_robot_says_no_more_than_to_log_in_unless_the_operator_wants_it() {
    let bare = said_in_the_group(false);
    assert!(!bare.contains("Liu") && !bare.contains("R-"), "{bare}");
    assert!(bare.contains("/call-out"), "{bare}");
    let full = said_in_the_group(true);
    assert!(full.contains("Liu of the night shift"), "{full}");
}

/// A message waits for its channel while the person whom it is for is let go: it goes to nobody
/// else's hands, and whoever is still there gets theirs.
#[test]
fn what_waits_for_somebody_who_is_disabled_meanwhile_is_not_sent() {
    let folder = TempFolder::new();
    let mut statuses = vec!["503 Slow"];
    statuses.extend(["200 OK"; 16]);
    let (port, told) = provider(statuses);
    let (url, file) = (folder.join("robot.url"), folder.join("balefire.toml"));
    std::fs::write(url, format!("http://127.0.0.1:{port}/hook\n")).unwrap();
    let text = "[messages]\ndetails = true\n\
         [[channel]]\nname = \"group\"\nkind = \"slack\"\nurl_file = \"robot.url\"\n\
         allow = [\"127.0.0.1\"]\n";
    std::fs::write(&file, text).unwrap();
    let data = DataFolder::new(folder.join("data"));
    let desk = Desk::open(data, Config::load(&file).unwrap()).unwrap();
    for (id, name, position) in [
        ("liu", "Liu of the night", "ciso"),
        ("wang", "Wang of the day", "ciso"),
        ("chen", "Chen", "sysadmin"),
    ] {
        let position = [PositionId::new(position)];
        desk.add_account(&AccountId::new(id), name, &position, PASSWORD)
            .unwrap();
    }
    let report = desk::NewReport::new("a forged refund", plan::Lang::En, RequestId::new("r-1"));
    desk.report(report).unwrap();
    let body = || told.recv_timeout(Duration::from_secs(60)).unwrap();
    let first = body();
    assert!(
        first.contains("Liu") && first.contains("Wang"),
        "bundled: {first}"
    );
    let mut by = op("sysadmin", desk.now());
    by.actor = Actor::Person {
        account: AccountId::new("chen"),
        name: "Chen".into(),
        positions: vec![PositionId::new("sysadmin")],
    };
    desk.disable(&by, &AccountId::new("liu")).unwrap();
    let second = body();
    assert!(
        second.contains("Wang") && !second.contains("Liu"),
        "{second}"
    );
    let viewer = desk.viewer(&AccountId::new("chen"), &[PositionId::new("sysadmin")]);
    let (mut seen, began) = (0, desk.now());
    let page = loop {
        let mut pages = desk.recent_pages(&viewer).unwrap();
        pages.retain(|p| p.page.receivers.iter().any(|r| r.who == "liu"));
        let page = pages.pop().expect("a page").page;
        if page.over_at.is_some() {
            break page;
        }
        assert!(desk.now().since_s(began) < 60.0, "never over: {page:?}");
        seen = desk.wait_for_change(seen, Duration::from_millis(200));
    };
    let of = |who: &str| page.receivers.iter().find(|r| r.who == who).unwrap();
    assert!(of("liu").withdrawn && !of("liu").told() && of("wang").told());
    desk.stop();
    assert_eq!(told.try_iter().next(), None, "nothing more went out");
}

/// A message about an incident waits for its channel, over a restart, while the person whom it is
/// for is named as the suspect: they get no message of it, and the record says that it was withdrawn.
#[test]
fn what_waits_for_somebody_who_is_suspected_meanwhile_is_not_sent_after_a_restart_either() {
    let folder = TempFolder::new();
    let (port, told, well) = failing_provider();
    let (url, file) = (folder.join("robot.url"), folder.join("balefire.toml"));
    std::fs::write(url, format!("http://127.0.0.1:{port}/hook\n")).unwrap();
    let text = "[messages]\ndetails = true\n\
         [[channel]]\nname = \"group\"\nkind = \"slack\"\nurl_file = \"robot.url\"\n\
         allow = [\"127.0.0.1\"]\n";
    std::fs::write(&file, text).unwrap();
    let data = DataFolder::new(folder.join("data"));
    let config = Config::load(&file).unwrap();
    let desk = Desk::open(data.clone(), config.clone()).unwrap();
    for (id, name, position) in [
        ("boss", "Boss", "cio"),
        ("liu", "Liu of the night", "sysadmin"),
        ("wang", "Wang of the day", "sysadmin"),
        ("fang", "Fang", "head_legal"),
    ] {
        let position = [PositionId::new(position)];
        desk.add_account(&AccountId::new(id), name, &position, PASSWORD)
            .unwrap();
    }
    let by = |desk: &Desk, account: &str, position: &str, request: &str| Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: vec![PositionId::new(position)],
        },
        reason: "the log names the account".into(),
        request: RequestId::new(request),
        now: desk.now(),
    };
    let report = desk::NewReport::new("a forged refund", plan::Lang::En, RequestId::new("r-1"));
    let report = desk.report(report).unwrap().report;
    let opening = by(&desk, "fang", "head_legal", "open");
    let id = desk.open_incident_from_report(opening, &report).unwrap();
    let order = Command::IssueOrder {
        to: Addressee::Position(PositionId::new("sysadmin")),
        text: "rotate the keys".into(),
        constraint: String::new(),
        due_at: desk.now().plus_s(3_600),
    };
    let order = desk.execute(by(&desk, "boss", "cio", "order"), &id, order);
    order.unwrap();
    let until_said = |words: &str| loop {
        let body = told.recv_timeout(Duration::from_secs(60)).unwrap();
        if body.contains(words) {
            break;
        }
    };
    until_said("Liu of the night");
    let suspect = AccessCommand::NameSuspect {
        account: AccountId::new("liu"),
    };
    let named = desk.change_access(by(&desk, "boss", "cio", "name"), &id, suspect, None);
    named.unwrap();
    desk.stop();
    drop(desk);
    // What was said before is not looked at.
    while told.try_recv().is_ok() {}
    well.store(true, Ordering::SeqCst);

    let desk = Desk::open(data, config).unwrap();
    let viewer = desk.viewer(&AccountId::new("boss"), &[PositionId::new("cio")]);
    let (mut seen, began) = (0, desk.now());
    let page = loop {
        let mut pages = desk.recent_pages(&viewer).unwrap();
        pages.retain(|p| p.page.receivers.iter().any(|r| r.who == "liu"));
        let page = pages.pop().expect("a page").page;
        if page.over_at.is_some() {
            break page;
        }
        assert!(desk.now().since_s(began) < 90.0, "never over: {page:?}");
        seen = desk.wait_for_change(seen, Duration::from_millis(200));
    };
    let of = |who: &str| page.receivers.iter().find(|r| r.who == who).unwrap();
    assert!(of("liu").withdrawn && !of("liu").told(), "{page:?}");
    assert!(of("wang").told(), "{page:?}");
    desk.stop();
    let after: Vec<String> = told.try_iter().collect();
    assert!(after.iter().any(|body| body.contains("Wang of the day")));
    assert!(after.iter().all(|body| !body.contains("Liu")), "{after:?}");
}
