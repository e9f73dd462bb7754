//! The promise of call-out on a real process: every page at least once, exactly once where nothing
//! crashed, at most one extra a crash, with the same id. The process is killed at every named
//! point of paging and at random ones; what counts is what a receiver on the network got.
//!
//! Virtual clocks, faults of channels and thousands of crashes are the simulation's
//! (`desk/src/paging/tests/simulation.rs`).

use crate::guarded::{CHIEF, Guarded, LONG};
use model::AccountId;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::{SMALL_SHOP_SETTINGS, Seed};

/// Points at which the process dies, and at which pass.
const POINTS: [&str; 14] = [
    "outbox-before-send",
    "outbox-before-send:2",
    "outbox-before-send:5",
    "outbox-after-send",
    "outbox-after-send:2",
    "outbox-after-send:3",
    "outbox-after-send:6",
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

/// Every message that arrived: its id and when.
type Arrived = Arc<Mutex<Vec<(String, Instant)>>>;

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
    log.lock()
        .expect("no thread broke off")
        .push((id, Instant::now()));
    stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
}

struct Story {
    guarded: Guarded,
    arrived: Arrived,
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
        let (guarded, _shop) = Guarded::with_shop(500, 3);
        let secret = guarded.path("hook.secret");
        std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").expect("a file");
        guarded.settings(&format!(
            "{SMALL_SHOP_SETTINGS}\n[web]\ntrusted_proxies = [\"127.0.0.1\"]\n\n\
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
        desk.stop();
        drop(desk);
        Self {
            guarded,
            arrived,
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
        self.guarded.stop();
    }

    /// Ids of the pages that were to reach the one person with an address, with the request that
    /// each is about.
    fn pages(&self) -> Vec<(String, String)> {
        let sql = "SELECT page.id, report.json ->> '$.what' FROM document page
                   JOIN document report ON report.collection = 'report'
                   AND substr(page.id, 1, length(report.id)) = report.id
                   WHERE page.collection = 'page' AND page.json LIKE '%\"hook\"%'";
        let store = self.guarded.store();
        let mut all = store.prepare(sql).expect("a question");
        let pairs = all.query_map([], |row| {
            let what: String = row.get(1)?;
            Ok((row.get(0)?, what.replace("something odd, ", "")))
        });
        pairs.expect("rows").map(|p| p.expect("a page")).collect()
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "how late pages were is a figure of the machine, and is told"
)]
fn every_page_arrives_and_only_a_crash_sends_one_twice() {
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
    let arrived = story.arrived.lock().expect("no thread broke off").clone();
    let mut extra = 0;
    let mut late: Vec<Duration> = Vec::new();
    for (page, request) in &pages {
        let mine = |(id, _): &&(String, Instant)| id.starts_with(page.as_str());
        let times: Vec<Instant> = arrived.iter().filter(mine).map(|(_, at)| *at).collect();
        let ids: std::collections::BTreeSet<&str> = arrived
            .iter()
            .filter(mine)
            .map(|(id, _)| id.as_str())
            .collect();
        assert_eq!(ids.len(), 1, "{page}: it came under one id: {ids:?}");
        let (first, last) = (times[0], times[times.len() - 1]);
        let between = story.kills.iter().filter(|k| (first..last).contains(k));
        assert!(
            times.len() <= 1 + between.count(),
            "{page}: came {} times",
            times.len()
        );
        extra += times.len() - 1;
        // From when it was reported, or from when the next process was ready: what that one sends
        // before it says so is not late.
        let dead = story.kills.iter().rfind(|kill| **kill <= first);
        let ready = story.ready.iter().rfind(|ready| **ready <= first);
        if dead > ready {
            late.push(Duration::ZERO);
            continue;
        }
        let due = story.sent[request].max(*ready.expect("a server was there"));
        late.push(first - due);
    }
    late.sort_unstable();
    let worst = late.last().expect("pages were sent");
    let median = late[late.len() / 2];
    println!(
        "{} pages, {} kills, {extra} extra, {median:?} and at most {worst:?} after it was due or after the start",
        pages.len(),
        story.kills.len()
    );
    assert!(*worst < AT_MOST, "{late:?}");
    let known = |id: &str| pages.iter().any(|(page, _)| id.starts_with(page.as_str()));
    let others = arrived.iter().filter(|(id, _)| !known(id));
    let others: Vec<&str> = others.map(|(id, _)| id.as_str()).collect();
    assert!(others.is_empty(), "{others:?}");
}
