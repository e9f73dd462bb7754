//! The promise of call-out on a real process: every page at least once, exactly once where nothing
//! crashed, at most one extra a crash, with the same id; and the same of every event for a program
//! that subscribed to it. The process is killed at every named point of both and at random ones;
//! what counts is what a receiver on the network got.
//!
//! Virtual clocks, faults of channels and thousands of crashes are the simulation's
//! (`desk/src/paging/tests/simulation.rs`).

use crate::guarded::{CHIEF, Guarded, LONG};
use desk::webhooks::{EventKind, NewWebhook};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::{SMALL_SHOP_SETTINGS, Seed};

/// Points at which the process dies, and at which pass.
const POINTS: [&str; 18] = [
    "outbox-before-send",
    "outbox-before-send:2",
    "outbox-before-send:5",
    "outbox-after-send",
    "outbox-after-send:2",
    "outbox-after-send:3",
    "outbox-after-send:6",
    "webhook-before-send:2",
    "webhook-after-send",
    "webhook-after-send:2",
    "webhook-after-send:4",
    "store-before-commit:6",
    "store-before-commit:9",
    "store-before-commit:14",
    "store-after-commit:6",
    "store-after-commit:8",
    "store-after-commit:11",
    "store-after-commit:15",
];
/// Kills at random moments.
const RANDOM: usize = 12;
/// Reports of one round; more than that a minute would be paged together.
const MOST: usize = 6;
/// A busy machine may be late by itself; how late it was stands in the test's output.
const AT_MOST: Duration = Duration::from_secs(10);

/// A message that arrived.
#[derive(Clone, Debug)]
struct Message {
    id: String,
    at: Instant,
    body: String,
}

type Arrived = Arc<Mutex<Vec<Message>>>;

fn so_far(arrived: &Arrived) -> Vec<Message> {
    arrived.lock().expect("no thread broke off").clone()
}

fn chief(now: model::Instant) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new(CHIEF),
            name: CHIEF.into(),
            positions: vec![PositionId::new("ciso")],
        },
        reason: String::new(),
        request: RequestId::new("subscribe"),
        now,
    }
}

fn receiver() -> (u16, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("an address").port();
    let arrived = Arrived::default();
    let log = arrived.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let log = log.clone();
            // A process that dies in the middle of a request is part of the test.
            std::thread::spawn(move || drop(take(stream, &log)));
        }
    });
    (port, arrived)
}

/// A message counts as received when its last byte is here, whatever becomes of the answer.
fn take(mut stream: TcpStream, log: &Arrived) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length, mut id) = (String::new(), 0, String::new());
    loop {
        // Dead before the end of the head: nothing was received.
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("webhook-id:") {
            id = line[11..].trim().to_owned();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    log.lock().expect("no thread broke off").push(Message {
        id,
        at: Instant::now(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
}

struct Story {
    guarded: Guarded,
    /// Pages.
    arrived: Arrived,
    /// Events, at the program that subscribed to reports.
    told: Arrived,
    seed: Seed,
    /// Requests that were sent, and when they were first.
    sent: BTreeMap<String, Instant>,
    unanswered: Vec<String>,
    receipts: BTreeMap<String, String>,
    kills: Vec<Instant>,
    ready: Vec<Instant>,
}

impl Story {
    fn begin() -> Self {
        let (port, arrived) = receiver();
        let (program, told) = receiver();
        let (guarded, _shop) = Guarded::with_shop(500, 3);
        let secret = guarded.path("hook.secret");
        std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a file");
        guarded.settings(&format!(
            "{SMALL_SHOP_SETTINGS}\n[web]\ntrusted_proxies = [\"127.0.0.1\"]\n\n\
             [webhooks]\nallow = [\"127.0.0.1\"]\n\n\
             [[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\n\
             secret_file = \"hook.secret\"\nallow = [\"127.0.0.1\"]\n\
             limit = {{ messages = 1000, per_s = 1 }}\n"
        ));
        let config = desk::config::Config::load(&guarded.path("balefire.toml")).expect("settings");
        let folder = desk::DataFolder::new(guarded.data());
        let desk = desk::Desk::open(folder, config).expect("a desk opens");
        let profile = desk::Profile {
            addresses: vec![desk::Address {
                channel: "hook".into(),
                address: CHIEF.into(),
            }],
            ..desk::Profile::default()
        };
        desk.set_profile(&AccountId::new(CHIEF), &profile, 0)
            .expect("a profile is kept");
        let asked = NewWebhook {
            name: "reports".into(),
            url: format!("http://127.0.0.1:{program}/"),
            kinds: [EventKind::ReportReceived].into(),
            details: false,
        };
        desk.new_webhook(&chief(desk.now()), &asked)
            .expect("a subscription is made");
        desk.stop();
        drop(desk);
        Self {
            guarded,
            arrived,
            told,
            seed: Seed::new(2_026),
            sent: BTreeMap::new(),
            unanswered: Vec::new(),
            receipts: BTreeMap::new(),
            kills: Vec::new(),
            ready: Vec::new(),
        }
    }

    /// Sends one report, from an address of its own; `false` when no answer came.
    fn report(&mut self, request: &str) -> bool {
        let n = self.sent.len() as u32;
        let address = std::net::Ipv4Addr::from(0xC633_6400 + n).to_string();
        let first = *self
            .sent
            .entry(request.to_owned())
            .or_insert_with(Instant::now);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(LONG))
            .build()
            .into();
        let what = format!("something odd, {request}");
        let answer = agent
            .post(format!("{}/report", self.guarded.base))
            .header("x-forwarded-for", &address)
            .send_form([("request", request), ("what", what.as_str())]);
        let Ok(answer) = answer else {
            self.unanswered.push(request.to_owned());
            return false;
        };
        assert_eq!(answer.status().as_u16(), 303, "{first:?}");
        let location = answer.headers()["location"].to_str().expect("letters");
        let number = location.split("no=").nth(1).unwrap_or_default();
        let number = number.split('&').next().unwrap_or_default().to_owned();
        assert!(number.len() > 10, "{location}");
        let known = self.receipts.insert(request.to_owned(), number.clone());
        assert!(known.is_none_or(|known| known == number), "{request}");
        true
    }

    /// Reports until the process is dead; kills it where it does not die by itself.
    fn round(&mut self, at: Option<&str>) {
        let ready = match at {
            Some(at) => self.guarded.serve_crashing(at),
            None => {
                self.guarded.serve();
                true
            }
        };
        if ready {
            self.ready.push(Instant::now());
            let mut more = std::mem::take(&mut self.unanswered);
            let new = MOST.saturating_sub(more.len());
            let named = (0..new).map(|n| format!("report-{}-{n}", self.kills.len()));
            more.extend(named);
            let until = match at {
                Some(_) => more.len(),
                None => 1 + self.seed.below(MOST as u64) as usize,
            };
            for (n, request) in more.iter().enumerate() {
                if n >= until || !self.report(request) {
                    let rest = &more[(n + 1).min(more.len())..];
                    let known = |r: &&String| self.sent.contains_key(*r);
                    let rest: Vec<String> = rest.iter().filter(known).cloned().collect();
                    self.unanswered.extend(rest);
                    break;
                }
            }
        }
        self.guarded.kill();
        self.kills.push(Instant::now());
    }

    /// Everything that is due goes out, and nothing is left under way.
    fn settle(&mut self) {
        self.guarded.serve();
        self.ready.push(Instant::now());
        for request in std::mem::take(&mut self.unanswered) {
            assert!(self.report(&request), "a server that lives answers");
        }
        let under_way = |guarded: &Guarded| -> i64 {
            let sql = "SELECT count(*) FROM outbox WHERE state <> 'sent'";
            let store = guarded.store();
            store.query_row(sql, [], |row| row.get(0)).expect("a count")
        };
        self.guarded.until(under_way, |left| *left == 0);
        let told = |_: &Guarded| {
            let told = so_far(&self.told);
            let ids: BTreeSet<String> = told.into_iter().map(|m| m.id).collect();
            ids.len()
        };
        self.guarded.until(told, |n| *n == self.receipts.len());
        self.guarded.stop();
    }

    /// How often a message about one report came, which is at least once, under one id, and at
    /// most one time more for each crash between; and how late the first was. From when it was
    /// reported, or from when the next process was ready: what that one sends before it says so is
    /// not late.
    fn judge<'a>(
        &self,
        about: &str,
        request: &str,
        came: impl Iterator<Item = &'a Message>,
    ) -> (usize, Duration) {
        let came: Vec<&Message> = came.collect();
        let ids: BTreeSet<&str> = came.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids.len(), 1, "{about}: it came under one id: {ids:?}");
        let (first, last) = (came[0].at, came[came.len() - 1].at);
        let between = self.kills.iter().filter(|k| (first..last).contains(k));
        let most = 1 + between.count();
        assert!(came.len() <= most, "{about}: came {} times", came.len());
        let dead = self.kills.iter().rfind(|kill| **kill <= first);
        let ready = self.ready.iter().rfind(|ready| **ready <= first);
        if dead > ready {
            return (came.len(), Duration::ZERO);
        }
        let due = self.sent[request].max(*ready.expect("a server was there"));
        (came.len(), first - due)
    }

    /// Ids of the pages that were to reach the one person with an address, with the report and the
    /// request that each is about.
    fn pages(&self) -> Vec<(String, String, String)> {
        let sql = "SELECT page.id, report.id, report.json ->> '$.what' FROM document page
                   JOIN document report ON report.collection = 'report'
                   AND substr(page.id, 1, length(report.id)) = report.id
                   WHERE page.collection = 'page' AND page.json LIKE '%\"hook\"%'";
        let store = self.guarded.store();
        let mut all = store.prepare(sql).expect("a question");
        let pairs = all.query_map([], |row| {
            let what: String = row.get(2)?;
            Ok((
                row.get(0)?,
                row.get(1)?,
                what.replace("something odd, ", ""),
            ))
        });
        pairs.expect("rows").map(|p| p.expect("a page")).collect()
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "how late pages were is a figure of the machine, and is told"
)]
fn every_page_and_event_arrives_and_only_a_crash_sends_one_twice() {
    let mut story = Story::begin();
    let random = std::iter::repeat_n(None, RANDOM);
    for at in POINTS.into_iter().map(Some).chain(random) {
        story.round(at);
        // Two deaths in a row now and then: what is left over is then older than one life.
        if story.seed.below(4) > 0 {
            story.settle();
        }
    }
    story.settle();
    assert_eq!(story.receipts.len(), story.sent.len());
    let pages = story.pages();
    assert_eq!(pages.len(), story.sent.len(), "one page a report");
    let (arrived, told) = (so_far(&story.arrived), so_far(&story.told));
    let (mut extra, mut again) = (0, 0);
    let mut late: Vec<Duration> = Vec::new();
    for (page, report, request) in &pages {
        let mine = |m: &&Message| m.id.starts_with(page.as_str());
        let (times, lateness) = story.judge(page, request, arrived.iter().filter(mine));
        extra += times - 1;
        late.push(lateness);
        let mine = |m: &&Message| m.body.contains(report.as_str());
        let (times, lateness) = story.judge(report, request, told.iter().filter(mine));
        again += times - 1;
        late.push(lateness);
    }
    late.sort_unstable();
    let worst = late.last().expect("pages were sent");
    let median = late[late.len() / 2];
    println!(
        "{} pages and as many events, {} kills, {extra} pages and {again} events twice, {median:?} and at most {worst:?} after it was due or after the start",
        pages.len(),
        story.kills.len()
    );
    assert!(*worst < AT_MOST, "{late:?}");
    let known = |id: &str| pages.iter().any(|(page, ..)| id.starts_with(page.as_str()));
    let others: Vec<_> = arrived.iter().filter(|m| !known(&m.id)).collect();
    assert!(others.is_empty(), "{others:?}");
}
