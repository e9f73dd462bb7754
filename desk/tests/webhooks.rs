//! Outgoing webhooks against a real receiver on loopback, judged by the standard's own library.

use desk::config::Config;
use desk::webhooks::{
    DeliveryState, EventKind, NewWebhook, OffWhy, WebhookChange, WebhookRefusal, WebhookView,
};
use desk::{DataFolder, Desk, DeskError, NewReport};
use incident::access::{AccessCommand, Viewer};
use model::{AccountId, Actor, Clock as _, IncidentId, Operation, PositionId, RequestId};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::{TempFolder, VirtualClock};

const LONG: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct horse battery staple";

#[derive(Clone, Debug)]
struct Heard {
    head: String,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        let line = self
            .head
            .lines()
            .find_map(|l| l.split_once(": ").filter(|(n, _)| *n == name));
        line.map_or("", |(_, value)| value)
    }
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
    /// By the standard's own library, which shares no code with the program.
    fn signed_by(&self, secret: &str) -> bool {
        let judge = standardwebhooks::Webhook::new(secret).unwrap();
        let at = self.header("webhook-timestamp").parse().unwrap();
        // Its `verify` compares with the machine's clock; the world's is set by the test.
        let expected = judge
            .sign(self.header("webhook-id"), at, self.body.as_bytes())
            .unwrap();
        let mut given = self.header("webhook-signature").split(' ');
        given.any(|signature| signature == expected)
    }
}

/// A receiver that answers 204 until it is told to answer otherwise.
struct Program {
    port: u16,
    heard: Receiver<Heard>,
    answers: Arc<Mutex<Vec<&'static str>>>,
}

impl Program {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Arc<Mutex<Vec<&'static str>>> = Arc::default();
        let (tell, heard): (Sender<Heard>, _) = channel();
        let told = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap() <= 2 {
                        break;
                    }
                    if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = n.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = String::from_utf8(body).unwrap();
                let mut answers = told.lock().unwrap();
                let answer = if answers.is_empty() {
                    "204 No Content\r\n\r\n"
                } else {
                    answers.remove(0)
                };
                drop(answers);
                // Nothing is answered by somebody who has hung up.
                let _ = write!(stream, "HTTP/1.1 {answer}");
                drop(tell.send(Heard { head, body }));
            }
        });
        Self {
            port,
            heard,
            answers,
        }
    }
    fn then(&self, answers: &[&'static str]) {
        self.answers.lock().unwrap().extend(answers);
    }
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in/TOKENPATH", self.port)
    }
    fn next(&self) -> Heard {
        self.heard
            .recv_timeout(LONG)
            .expect("the receiver was called")
    }
    /// The next one of a kind.
    fn of(&self, kind: &str) -> Heard {
        loop {
            let heard = self.next();
            if heard.json()["type"] == kind {
                return heard;
            }
        }
    }
}

struct World {
    folder: TempFolder,
    clock: VirtualClock,
    config: Config,
    desk: Desk,
}

const POSITIONS: [(&str, &str); 3] = [
    ("chen", "ciso"),
    ("liu", "sysadmin"),
    ("wang", "head_support"),
];

impl World {
    fn new(settings: &str) -> Self {
        let folder = TempFolder::new();
        let clock = VirtualClock::at(model::SystemClock.now());
        let config = Config::parse(settings).unwrap();
        let desk = open(&folder, &config, &clock);
        for (id, position) in POSITIONS {
            let (id, position) = (AccountId::new(id), [PositionId::new(position)]);
            desk.add_account(&id, id.as_str(), &position, PASSWORD)
                .unwrap();
        }
        Self {
            folder,
            clock,
            config,
            desk,
        }
    }
    fn on_loopback() -> Self {
        Self::new("[webhooks]\nallow = [\"127.0.0.1\"]\n")
    }
    fn op(&self, who: &str) -> Operation {
        let position = POSITIONS.iter().find(|(id, _)| *id == who).unwrap().1;
        Operation {
            actor: Actor::Person {
                account: AccountId::new(who),
                name: who.into(),
                positions: vec![PositionId::new(position)],
            },
            reason: "because".into(),
            request: RequestId::new(format!("r-{}", self.desk.now().0)),
            now: self.clock.advance_us(1),
        }
    }
    fn viewer(&self, who: &str) -> Viewer {
        let position = POSITIONS.iter().find(|(id, _)| *id == who).unwrap().1;
        self.desk
            .viewer(&AccountId::new(who), &[PositionId::new(position)])
    }
    fn hook(&self, url: &str, kinds: &[EventKind], details: bool) -> (WebhookView, String) {
        let asked = asked(url, kinds, details);
        self.desk.new_webhook(&self.op("chen"), &asked).unwrap()
    }
    fn incident(&self, words: &str) -> IncidentId {
        let request = RequestId::new(format!("report-{}", self.clock.advance_us(1).0));
        let report = NewReport::new(words, plan::Lang::En, request);
        let received = self.desk.report(report).unwrap();
        self.desk
            .open_incident_from_report(self.op("chen"), &received.report)
            .unwrap()
    }
    fn last(&self, hook: &str) -> desk::webhooks::DeliveryView {
        let found = self
            .desk
            .webhook_deliveries(&self.viewer("chen"), hook, 1)
            .unwrap();
        found.into_iter().next().expect("there is a delivery")
    }
    fn until(&self, what: &str, enough: impl Fn() -> bool) {
        let begun = Instant::now();
        let mut seen = 0;
        while !enough() {
            assert!(begun.elapsed() < LONG, "{what} did not come");
            seen = self.desk.wait_for_change(seen, Duration::from_millis(50));
        }
    }
    fn again(self) -> Self {
        self.desk.stop();
        // The folder is free once nobody holds the desk.
        drop(self.desk);
        let desk = open(&self.folder, &self.config, &self.clock);
        Self { desk, ..self }
    }
    /// Every byte that the data folder holds, and the whole record.
    fn holds(&self, text: &str) -> bool {
        let mut folders = vec![self.folder.join("data")];
        let mut found = false;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    found |= bytes.windows(text.len()).any(|w| w == text.as_bytes());
                }
            }
        }
        found
    }
}

fn open(folder: &TempFolder, config: &Config, clock: &VirtualClock) -> Desk {
    let folder = DataFolder::new(folder.join("data"));
    Desk::open_with(folder, config.clone(), Arc::new(clock.clone())).unwrap()
}

fn asked(url: &str, kinds: &[EventKind], details: bool) -> NewWebhook {
    NewWebhook {
        name: "SOC <b>board</b>".into(),
        url: url.into(),
        kinds: kinds.iter().copied().collect(),
        details,
    }
}

#[test]
fn an_event_is_signed_and_says_no_more_than_to_log_in() {
    let (world, program) = (World::on_loopback(), Program::start());
    let (hook, secret) = world.hook(&program.url(), &EventKind::ALL, false);
    let id = world.incident("a forged refund of CANARY");
    let heard = program.of("incident.opened");
    assert!(heard.signed_by(&secret), "{heard:?}");
    assert!(!heard.signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let data = &heard.json()["data"];
    assert_eq!(data["incident"], id.as_str());
    assert_eq!(data["exercise"], false);
    assert!(
        data["link"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/incidents/{id}"))
    );
    assert!(data.get("details").is_none());
    let code_name = world.desk.incident(&id).unwrap().code_name.clone();
    world.until("the delivery", || {
        world.last(&hook.id).state != DeliveryState::Waiting
    });
    for delivery in world
        .desk
        .webhook_deliveries(&world.viewer("chen"), &hook.id, 50)
        .unwrap()
    {
        let body = delivery.body.unwrap();
        assert!(
            !body.contains("CANARY") && !body.contains(&code_name),
            "{body}"
        );
    }
    // Neither the secret nor the URL's path is anywhere in the open.
    assert!(!world.holds(&secret) && !world.holds(&secret[6..]));
    assert!(!world.holds("TOKENPATH"));
    let shown = format!(
        "{:?}{}",
        world.desk.webhooks(),
        serde_json::to_string(&world.desk.webhooks()).unwrap()
    );
    assert!(!shown.contains(&secret[6..]) && !shown.contains("TOKENPATH"));
    world.desk.stop();
}

#[test]
fn details_want_somebody_with_authority_and_stay_where_they_were_sent() {
    let (world, program) = (World::on_loopback(), Program::start());
    let kinds = [EventKind::Opened, EventKind::ReportReceived];
    let by_admin = world
        .desk
        .new_webhook(&world.op("liu"), &asked(&program.url(), &kinds, true));
    assert!(matches!(
        by_admin,
        Err(DeskError::Webhook(WebhookRefusal::Details))
    ));
    let (hook, _) = world.hook(&program.url(), &kinds, true);
    // Who may not send details may not point them elsewhere either.
    let elsewhere = WebhookChange {
        url: Some(Program::start().url()),
        ..WebhookChange::default()
    };
    let moved = world
        .desk
        .change_webhook(&world.op("liu"), &hook.id, None, &elsewhere);
    assert!(
        matches!(moved, Err(DeskError::Webhook(WebhookRefusal::Details))),
        "{moved:?}"
    );
    let all: BTreeSet<_> = EventKind::ALL.into_iter().collect();
    let more = WebhookChange {
        kinds: Some(all),
        ..WebhookChange::default()
    };
    let widened = world
        .desk
        .change_webhook(&world.op("liu"), &hook.id, None, &more);
    assert!(matches!(
        widened,
        Err(DeskError::Webhook(WebhookRefusal::Details))
    ));
    let id = world.incident("words of the report");
    let report = program.of("report.received").json();
    assert_eq!(report["data"]["details"]["what"], "words of the report");
    let opened = program.of("incident.opened").json();
    let code_name = world.desk.incident(&id).unwrap().code_name.clone();
    assert_eq!(opened["data"]["details"]["code_name"], code_name);
    assert_eq!(opened["data"]["details"]["kind"], "opened");
    world.until("the delivery", || {
        world.last(&hook.id).state == DeliveryState::Delivered
    });
    assert_eq!(world.last(&hook.id).body, None);
    world.desk.stop();
}

#[test]
fn what_failed_comes_again_with_the_same_id_and_body_over_a_restart() {
    let (world, program) = (World::on_loopback(), Program::start());
    let (hook, secret) = world.hook(&program.url(), &[EventKind::Opened], false);
    program.then(&[
        "503 Busy\r\nContent-Length: 14\r\n\r\n<b>slow\r\nX: 1\x07",
        "302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        // Takes it, and the connection breaks before the answer is through.
        "",
    ]);
    world.incident("one");
    let first = program.of("incident.opened");
    let tries = |world: &World, n: usize| {
        world.until("the try", || world.last(&hook.id).tries.len() == n);
        world.last(&hook.id)
    };
    let seen = tries(&world, 1);
    assert_eq!(seen.tries[0].status, Some(503));
    assert_eq!(seen.tries[0].said, "<b>slow\\r\\nX: 1\\u{7}");
    assert!(
        world
            .desk
            .webhook(&hook.id)
            .unwrap()
            .failing_since
            .is_some()
    );
    world.clock.advance_s(6);
    let second = program.next();
    assert_eq!(tries(&world, 2).tries[1].status, Some(302));
    world.clock.advance_s(331);
    let third = program.next();
    assert_eq!(tries(&world, 3).tries[2].status, None);
    let world = world.again();
    world.clock.advance_s(2_000);
    let fourth = program.next();
    for heard in [&second, &third, &fourth] {
        assert_eq!(heard.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(heard.body, first.body);
        assert!(heard.signed_by(&secret));
        assert_ne!(
            heard.header("webhook-timestamp"),
            first.header("webhook-timestamp")
        );
    }
    world.until("the end", || {
        world.last(&hook.id).state == DeliveryState::Delivered
    });
    assert!(
        world
            .desk
            .webhook(&hook.id)
            .unwrap()
            .failing_since
            .is_none()
    );

    // A person has it sent again: the receiver knows it by its id.
    let delivery = world.last(&hook.id).id;
    world
        .desk
        .resend_webhook(&world.op("liu"), &world.viewer("liu"), &hook.id, &delivery)
        .unwrap();
    assert_eq!(
        program.next().header("webhook-id"),
        first.header("webhook-id")
    );
    world.desk.stop();
}

#[test]
fn both_secrets_sign_while_one_is_exchanged_and_then_the_new_one_alone() {
    let (world, program) = (World::on_loopback(), Program::start());
    let (hook, old) = world.hook(&program.url(), &[EventKind::Opened], false);
    let too_long = world
        .desk
        .rotate_webhook(&world.op("liu"), &hook.id, None, 169);
    assert!(matches!(
        too_long,
        Err(DeskError::Webhook(WebhookRefusal::Overlap))
    ));
    let stale = world
        .desk
        .rotate_webhook(&world.op("liu"), &hook.id, Some(7), 24);
    assert!(matches!(
        stale,
        Err(DeskError::Webhook(WebhookRefusal::Changed))
    ));
    let (turned, new) = world
        .desk
        .rotate_webhook(&world.op("liu"), &hook.id, Some(1), 24)
        .unwrap();
    assert_eq!(
        turned
            .old_secret_until
            .unwrap()
            .since_s(turned.secret_at)
            .round(),
        86_400.0
    );
    world.incident("one");
    let heard = program.next();
    assert!(heard.signed_by(&old) && heard.signed_by(&new) && old != new);
    assert_eq!(heard.header("webhook-signature").split(' ').count(), 2);
    world.clock.advance_s(86_401);
    world.incident("two");
    let heard = program.next();
    assert!(!heard.signed_by(&old) && heard.signed_by(&new));
    // A secret that leaked ends at once.
    let (_, newest) = world
        .desk
        .rotate_webhook(&world.op("liu"), &hook.id, None, 0)
        .unwrap();
    world.incident("three");
    let heard = program.next();
    assert!(!heard.signed_by(&new) && heard.signed_by(&newest));
    world.desk.stop();
}

#[test]
fn where_it_must_not_go_is_refused_on_entry_and_at_each_call() {
    let program = Program::start();
    let world = World::new("");
    let enter = |url: &str| {
        let made = world
            .desk
            .new_webhook(&world.op("chen"), &asked(url, &[EventKind::Opened], false));
        match made {
            Err(DeskError::Webhook(refusal)) => refusal,
            other => panic!("{url}: {other:?}"),
        }
    };
    use WebhookRefusal as R;
    for (url, refusal) in [
        (program.url().as_str(), R::Inward),
        ("https://127.0.0.1:8443/", R::Inward),
        ("https://[::1]/", R::Inward),
        ("https://[::ffff:10.0.0.1]/", R::Inward),
        ("https://169.254.169.254/latest/meta-data/", R::Inward),
        ("https://10.1.2.3/", R::Inward),
        ("https://2130706433/", R::Inward),
        // A name that leads inside.
        ("https://localhost/hook", R::Inward),
        ("http://93.184.216.34/", R::Plain),
        ("https://user:pw@hooks.example/", R::Url),
        ("ftp://hooks.example/", R::Url),
        ("https://hooks.example/\r\nX-Evil: 1", R::Url),
        ("file:///etc/passwd", R::Url),
        ("https://no-such-host.invalid/", R::NoHost),
    ] {
        assert_eq!(enter(url), refusal, "{url}");
    }
    let named = NewWebhook {
        name: "two\r\nlines".into(),
        ..asked("https://1.1.1.1/", &[EventKind::Opened], false)
    };
    let made = world.desk.new_webhook(&world.op("chen"), &named);
    assert!(matches!(made, Err(DeskError::Webhook(R::Name))), "{made:?}");
    let stranger = Operation {
        actor: Actor::Reporter,
        ..world.op("chen")
    };
    let made = world.desk.new_webhook(
        &stranger,
        &asked("https://1.1.1.1/", &[EventKind::Opened], false),
    );
    assert!(matches!(made, Err(DeskError::Webhook(R::NotAllowed))));
    world.desk.stop();

    // Allowed when it was written down, and no longer so when it is to be sent.
    let mut world = World::on_loopback();
    let (hook, _) = world.hook(&program.url(), &[EventKind::Opened], false);
    world.config = Config::parse("").unwrap();
    let world = world.again();
    world.incident("one");
    let all = || {
        world
            .desk
            .webhook_deliveries(&world.viewer("chen"), &hook.id, 9)
            .unwrap()
    };
    world.until("the try", || all().iter().any(|d| !d.tries.is_empty()));
    let tried = world.last(&hook.id).tries.remove(0);
    assert!(
        tried.status.is_none() && tried.why.contains("allow"),
        "{tried:?}"
    );
    assert!(program.heard.try_recv().is_err());
    world.desk.stop();
}

#[test]
fn a_concealed_incident_is_never_sent_and_its_deliveries_are_not_there() {
    let (world, program) = (World::on_loopback(), Program::start());
    let (hook, _) = world.hook(&program.url(), &EventKind::ALL, true);
    program.then(&[
        "503 Busy\r\n\r\n",
        "503 Busy\r\n\r\n",
        "503 Busy\r\n\r\n",
        "503 Busy\r\n\r\n",
    ]);
    let id = world.incident("somebody of the house");
    program.of("incident.opened");
    let waits = |who: &str| {
        world
            .desk
            .webhook_deliveries(&world.viewer(who), &hook.id, 50)
            .unwrap()
            .len()
    };
    world.until("the try", || {
        waits("liu") >= 2 && world.last(&hook.id).state == DeliveryState::Waiting
    });
    let suspect = AccessCommand::NameSuspect {
        account: AccountId::new("liu"),
    };
    world
        .desk
        .change_access(world.op("chen"), &id, suspect, None)
        .unwrap();
    assert_eq!(waits("liu"), 0);
    // What was waiting is withheld, and nothing new is made.
    let call = incident::Command::RecordDecision {
        topic: incident::learning::Topic::General,
        text: "CANARY".into(),
    };
    world.desk.execute(world.op("chen"), &id, call).unwrap();
    world.clock.advance_s(60);
    let other = world.incident("another one");
    let mut heard = program.of("incident.opened");
    while heard.json()["data"]["incident"] != other.as_str() {
        assert_ne!(heard.json()["data"]["incident"], id.as_str());
        heard = program.of("incident.opened");
    }
    let of_it = || {
        let all = world
            .desk
            .webhook_deliveries(&world.viewer("chen"), &hook.id, 100)
            .unwrap();
        all.into_iter()
            .filter(|d| d.incident.as_ref() == Some(&id))
            .collect::<Vec<_>>()
    };
    world.until("the withholding", || {
        of_it().iter().all(|d| d.state != DeliveryState::Waiting)
    });
    assert!(of_it().iter().any(|d| d.state == DeliveryState::Withheld));
    assert!(
        of_it()
            .iter()
            .all(|d| d.kind != EventKind::DecisionRecorded)
    );
    assert!(!world.holds("\"decision.recorded\\\""));
    let again = of_it().remove(0).id;
    let resent =
        world
            .desk
            .resend_webhook(&world.op("liu"), &world.viewer("liu"), &hook.id, &again);
    assert!(matches!(resent, Err(DeskError::NotFound(_))), "{resent:?}");
    let resent =
        world
            .desk
            .resend_webhook(&world.op("chen"), &world.viewer("chen"), &hook.id, &again);
    assert!(
        matches!(resent, Err(DeskError::Webhook(WebhookRefusal::Withheld))),
        "{resent:?}"
    );
    world.desk.stop();
}

#[test]
fn a_receiver_that_is_gone_or_long_dead_is_switched_off() {
    let (world, program) = (World::on_loopback(), Program::start());
    let (hook, _) = world.hook(&program.url(), &[EventKind::Opened], false);
    program.then(&["410 Gone\r\n\r\n"]);
    world.incident("one");
    let off = |why| {
        world.until("the switch", || {
            world.desk.webhook(&hook.id).unwrap().off_why == Some(why)
        })
    };
    off(OffWhy::Gone);
    assert!(matches!(
        world.desk.test_webhook(&world.op("liu"), &hook.id),
        Err(DeskError::Webhook(WebhookRefusal::Off))
    ));
    world.incident("while it is off");
    let on = WebhookChange {
        enabled: Some(true),
        ..WebhookChange::default()
    };
    let view = world
        .desk
        .change_webhook(&world.op("liu"), &hook.id, None, &on)
        .unwrap();
    let stale = world
        .desk
        .change_webhook(&world.op("liu"), &hook.id, Some(view.version - 1), &on);
    assert!(matches!(
        stale,
        Err(DeskError::Webhook(WebhookRefusal::Changed))
    ));
    program.next();
    // What happened meanwhile is not made up for; a test comes, marked.
    world.desk.test_webhook(&world.op("liu"), &hook.id).unwrap();
    let test = program.next().json();
    assert_eq!(test["type"], "webhook.test");
    assert_eq!(test["data"]["exercise"], true);
    for _ in 1..6 {
        world.desk.test_webhook(&world.op("liu"), &hook.id).unwrap();
        program.next();
    }
    assert!(matches!(
        world.desk.test_webhook(&world.op("liu"), &hook.id),
        Err(DeskError::Webhook(WebhookRefusal::Tests))
    ));
    program.then(&["500 No\r\n\r\n"; 3]);
    world.incident("two");
    world.until("a failure", || {
        world
            .desk
            .webhook(&hook.id)
            .unwrap()
            .failing_since
            .is_some()
    });
    world.clock.advance_s(6 * 86_400);
    off(OffWhy::Failing);
    world
        .desk
        .delete_webhook(&world.op("liu"), &hook.id, None)
        .unwrap();
    assert!(world.desk.webhooks().is_empty());
    assert!(
        world
            .desk
            .webhook_deliveries(&world.viewer("chen"), &hook.id, 1)
            .is_err()
    );
    world.desk.stop();
}
