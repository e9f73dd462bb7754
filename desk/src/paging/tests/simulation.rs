//! Ten thousand seeded worlds: the engine against channels that hang, lie, throttle and break, a
//! process that dies at every step, and a clock that is set.
//!
//! Ten thousand worlds have pages that are just due. In ten thousand more (`calling`) the deciders
//! call groups stage by stage, and `oracle` says who had to be called when.
//!
//! Time is virtual. What a restart finds is what was stored, and nothing else.

mod calling;
mod oracle;

use crate::paging::engine::{Engine, Send};
use crate::paging::limit::{Ticks, Window};
use crate::paging::page::{LegState, Paged, Receiver, Route};
use connect::notify::{Handed, Limit, SendError};
use model::{Instant, OutboxId};
use plan::Lang;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use testkit::Seed;

const SEEDS: u64 = 10_000;
const EPOCH: Instant = Instant::from_secs(1_790_000_000);
const S: u64 = 1_000_000;
/// A world that is not done by then has lost a page.
const END: u64 = 4 * 3_600 * S;
const TIME_OUT: u64 = 15 * S;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Nature {
    /// Answers within a tenth of a second.
    Good,
    /// Per cent of time-outs after acceptance, before it, of 5xx, of throttling.
    Faulty([u64; 4]),
    /// Never answers.
    Hangs,
    Broken,
    /// Refuses the address.
    Refuses,
}

#[derive(Clone, Debug)]
struct Provider {
    nature: Nature,
    limit: Limit,
    requests: Vec<u64>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The page of this number is due.
    Due(usize),
    /// The provider of a request takes it.
    Accept(usize),
    /// The answer of a request, in the life of the process that sent it.
    Answer(usize, u32),
    Jump,
    Restart,
    Look(u32),
    /// The ticker looks, in the life of a process, unless it was told to look at another time.
    Tick(u32, u32),
    /// Somebody does something.
    Act(usize),
}

struct Request {
    send: Send,
    life: u32,
    answer: Result<Handed, SendError>,
    taken: bool,
    slow: bool,
}

#[derive(Clone, Debug, Default)]
struct Arrivals {
    /// True time, and whether it was marked as a possible duplicate.
    at: Vec<(u64, bool)>,
    /// Taken without the engine hearing of it, or so late that another channel took over.
    doubtful: u32,
}

struct World {
    seed: Seed,
    t: u64,
    offset: i64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    order: u64,
    providers: BTreeMap<String, Provider>,
    due: Vec<(u64, Paged)>,
    rows: Vec<usize>,
    stored: BTreeMap<OutboxId, Paged>,
    windows: BTreeMap<String, Window>,
    engine: Option<Engine>,
    life: u32,
    began: u64,
    starts: Vec<u64>,
    crashes_left: u32,
    crashes: u32,
    /// The clock was set and nothing stored since: the one moment whose loss may cost a window.
    unsettled: bool,
    requests: Vec<Request>,
    arrivals: BTreeMap<(OutboxId, usize), Arrivals>,
    calling: Option<Box<calling::Calling>>,
}

impl World {
    fn new(number: u64) -> Self {
        let mut world = Self::empty(number);
        for i in 0..=world.seed.below(5) {
            let at = world.seed.below(12) * S;
            let page = world.new_page(i, at);
            world.due.push((at, page));
            world.at(at, Event::Due(i as usize));
        }
        if !calm(number) && world.seed.below(3) == 0 {
            let at = world.seed.below(25 * S);
            world.at(at, Event::Jump);
        }
        world.at(0, Event::Restart);
        world
    }

    /// Channels, and nothing to send yet.
    fn empty(number: u64) -> Self {
        let mut seed = Seed::new(number);
        let calm = calm(number);
        let mut providers = BTreeMap::new();
        for i in 0..=seed.below(2) {
            let faults = [0; 4].map(|_| seed.below(30));
            let nature = match seed.below(8) {
                _ if calm => Nature::Good,
                0 => Nature::Hangs,
                1 => Nature::Broken,
                2 => Nature::Refuses,
                3..6 => Nature::Faulty(faults),
                _ => Nature::Good,
            };
            let (messages, per_s) = *seed.pick(&[(u32::MAX, 1), (20, 60), (3, 10), (1, 1)]);
            let limit = Limit { messages, per_s };
            providers.insert(format!("c{i}"), Provider::new(nature, limit));
        }
        let unlimited = Limit {
            messages: u32::MAX,
            per_s: 1,
        };
        // Something works in every world; not everybody has it first.
        providers.insert("sure".into(), Provider::new(Nature::Good, unlimited));
        Self {
            t: 0,
            offset: 0,
            events: BinaryHeap::new(),
            order: 0,
            due: Vec::new(),
            rows: Vec::new(),
            stored: BTreeMap::new(),
            windows: BTreeMap::new(),
            engine: None,
            life: 0,
            began: 0,
            starts: Vec::new(),
            crashes_left: if number.is_multiple_of(2) {
                0
            } else {
                seed.below(4) as u32
            },
            crashes: 0,
            unsettled: false,
            requests: Vec::new(),
            arrivals: BTreeMap::new(),
            calling: None,
            providers,
            seed,
        }
    }

    fn new_page(&mut self, i: u64, at: u64) -> Paged {
        let names: Vec<String> = self.providers.keys().cloned().collect();
        let mut receivers = Vec::new();
        for r in 0..=self.seed.below(3) {
            let mut routes = Vec::new();
            for _ in 0..self.seed.below(3) {
                let channel = self.seed.pick(&names).clone();
                if routes.iter().all(|route: &Route| route.channel != channel) {
                    // A robot has one receiver for all.
                    let to = *self.seed.pick(&["", "x", "y"]);
                    routes.push(Route {
                        channel,
                        to: to.into(),
                    });
                }
            }
            if routes.iter().all(|route| route.channel != "sure") {
                routes.push(Route {
                    channel: "sure".into(),
                    to: format!("{i}-{r}"),
                });
            }
            receivers.push(Receiver {
                who: format!("w{r}"),
                account: None,
                name: String::new(),
                lang: Lang::En,
                routes,
                route: 0,
                rounds: 0,
                failing_since: None,
                messages: Vec::new(),
                withdrawn: false,
            });
        }
        Paged {
            id: OutboxId::new(format!("p{i}")),
            kind: "page".into(),
            incident: None,
            call: None,
            position: None,
            urgent: self.seed.below(3) > 0,
            exercise: false,
            due_at: Instant(EPOCH.0 + at as i64),
            receivers,
            red: None,
            settled: false,
            over_at: None,
        }
    }

    fn at(&mut self, t: u64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((t, self.order, event)));
    }
    fn now(&self) -> Instant {
        Instant(EPOCH.0 + self.t as i64 + self.offset)
    }
    fn ticks(&self) -> Ticks {
        Ticks::from_micros(self.t - self.began)
    }

    fn run(&mut self) {
        while let Some(Reverse((t, _, event))) = self.events.pop() {
            assert!(t < END, "a page is still under way after {} s", t / S);
            self.t = t;
            match event {
                Event::Due(i) => {
                    self.rows.push(i);
                    self.step();
                }
                Event::Accept(request) => self.accept(request),
                Event::Answer(request, life) if life == self.life => self.answer(request),
                Event::Look(life) if life == self.life => self.step(),
                Event::Tick(life, turn) if life == self.life => self.tick(turn),
                Event::Act(i) => self.act(i),
                Event::Answer(..) | Event::Look(_) | Event::Tick(..) => {}
                Event::Jump => {
                    let far = 2 * 86_400 * S;
                    self.offset += self.seed.below(far) as i64 - far as i64 / 2;
                    self.unsettled = true;
                    self.step();
                }
                Event::Restart => self.start(),
            }
            let open = |page: &Paged| self.stored.get(&page.id).is_none_or(|p| !p.over());
            let calling = self.calling.as_ref().is_some_and(|c| !c.over());
            if self.t > 40 * S && !calling && !self.due.iter().any(|(_, page)| open(page)) {
                return;
            }
        }
    }

    fn start(&mut self) {
        self.began = self.t;
        self.starts.push(self.t);
        let limits = self.providers.iter().map(|(n, p)| (n.as_str(), p.limit));
        let mut engine = Engine::new(limits);
        for (name, window) in &self.windows {
            engine.restore(name, window, self.now(), self.ticks());
        }
        for page in self.stored.values().filter(|page| !page.over()) {
            engine.add(page.clone(), self.now());
        }
        self.engine = Some(engine);
        self.step();
        self.tick_now();
    }

    /// Perhaps the process dies here.
    fn dies(&mut self) -> bool {
        // A night of calling is longer: the end may come at any time of it.
        let rarely = if self.calling.is_some() { 24 } else { 8 };
        if self.crashes_left == 0 || self.unsettled || self.seed.below(rarely) > 0 {
            return false;
        }
        self.crashes_left -= 1;
        self.crashes += 1;
        self.life += 1;
        self.engine = None;
        let long = self.calling.is_some() && self.seed.below(3) == 0;
        let most = if long { 400 * S } else { 20 * S };
        let restart = self.t + self.seed.below(most);
        self.at(restart, Event::Restart);
        // What was under way was taken before the end, or never will be.
        for i in 0..self.requests.len() {
            let request = &self.requests[i];
            if request.life + 1 == self.life && !request.taken && self.seed.below(2) == 0 {
                self.take(i);
            }
        }
        true
    }

    /// One turn of the driver.
    fn step(&mut self) {
        if !self.take_on_calls() {
            return;
        }
        let (now, ticks) = (self.now(), self.ticks());
        let Some(engine) = &mut self.engine else {
            return;
        };
        for i in &self.rows {
            let page = &self.due[*i].1;
            if !self.stored.contains_key(&page.id) && engine.page(&page.id).is_none() {
                engine.add(page.clone(), now);
            }
        }
        if let Some(calling) = &self.calling {
            calling.settle(engine, now);
        }
        let sends = engine.turn(now, ticks);
        let (pages, windows) = engine.take_changed(now, ticks);
        let sleeps = engine.sleeps(now);
        if self.dies() {
            return;
        }
        self.stored
            .extend(pages.into_iter().map(|p| (p.id.clone(), p)));
        self.windows.extend(windows);
        self.unsettled = false;
        for send in sends {
            if self.dies() {
                return;
            }
            self.hand_over(send);
        }
        if let Some(sleeps) = sleeps {
            let at = self.t + sleeps.as_micros() as u64;
            self.at(at, Event::Look(self.life));
        }
    }

    fn hand_over(&mut self, send: Send) {
        let nature = self.providers[&send.channel].nature;
        let again = |after_s| {
            Err(SendError::Again {
                after_s,
                why: String::new(),
            })
        };
        let good = Ok(Handed {
            provider_id: None,
            delivered: self.seed.below(2) == 0,
        });
        let quick = 1_000 + self.seed.below(90_000);
        let (takes, answer, after) = match nature {
            Nature::Good => (true, good, quick),
            Nature::Hangs => (false, again(None), TIME_OUT),
            Nature::Broken => (false, Err(SendError::Broken { why: String::new() }), quick),
            Nature::Refuses => (false, Err(SendError::Never { why: String::new() }), quick),
            Nature::Faulty([late, lost, error, full]) => match self.seed.below(130) {
                n if n < late => (true, again(None), TIME_OUT),
                n if n < late + lost => (false, again(None), TIME_OUT),
                n if n < late + lost + error => (false, again(None), quick),
                n if n < late + lost + error + full => (false, again(Some(40)), quick),
                n if n < 125 => (true, good, quick),
                _ => (true, good, TIME_OUT - S),
            },
        };
        let i = self.requests.len();
        self.requests.push(Request {
            send,
            life: self.life,
            answer,
            taken: !takes,
            slow: after > S,
        });
        let accept = self.t + self.seed.below(after);
        self.at(accept, Event::Accept(i));
        let (at, life) = (self.t + after, self.life);
        self.at(at, Event::Answer(i, life));
    }

    fn accept(&mut self, i: usize) {
        // Of a process that died, what had not been taken by then never is.
        if self.requests[i].life == self.life {
            let channel = self.requests[i].send.channel.clone();
            let t = self.t;
            self.providers
                .entry(channel)
                .and_modify(|p| p.requests.push(t));
            if !self.requests[i].taken {
                self.take(i);
            }
        }
    }

    fn take(&mut self, i: usize) {
        let request = &mut self.requests[i];
        request.taken = true;
        let doubtful = request.answer.is_err() || request.slow;
        let parts = request.send.parts.clone();
        for part in &parts {
            let page = &self.stored[&part.page];
            if let (Some(calling), Some(call)) = (&mut self.calling, page.call) {
                let who = page.receivers[part.receiver].account.clone();
                if let Some((act, after)) = calling.reacts(&part.page, call, who) {
                    self.order += 1;
                    let at = self.t + after;
                    self.events.push(Reverse((at, self.order, Event::Act(act))));
                }
            }
        }
        let request = &mut self.requests[i];
        for part in &request.send.parts {
            let all = self
                .arrivals
                .entry((part.page.clone(), part.receiver))
                .or_default();
            all.at.push((self.t, request.send.possible_duplicate));
            all.doubtful += u32::from(doubtful);
        }
    }

    fn answer(&mut self, i: usize) {
        let (now, ticks) = (self.now(), self.ticks());
        let (id, answer) = (
            self.requests[i].send.id.clone(),
            self.requests[i].answer.clone(),
        );
        if let Some(engine) = &mut self.engine {
            engine.result(&id, &answer, now, ticks);
        }
        if !self.dies() {
            self.step();
        }
    }

    fn check(&self, number: u64) {
        for (due, page) in &self.due {
            let stored = &self.stored[&page.id];
            assert!(stored.over(), "seed {number}: {} is not over", page.id);
            for (r, receiver) in page.receivers.iter().enumerate() {
                let none = Arrivals::default();
                let key = (page.id.clone(), r);
                let arrivals = self.arrivals.get(&key).unwrap_or(&none);
                let n = arrivals.at.len() as u32;
                let what = format!("seed {number}: {} to {r}: {:?}", page.id, arrivals.at);
                // Whoever was tried in vain need not be told any more of what was answered.
                if stored.settled && !stored.receivers[r].told() {
                    let legs = &stored.receivers[r].messages;
                    assert!(legs.iter().any(|leg| leg.tries > 0), "{what}: never tried");
                    continue;
                }
                assert!(n >= 1, "{what}: never arrived");
                assert!(
                    n <= 1 + self.crashes + arrivals.doubtful,
                    "{what}: too often"
                );
                let unmarked = arrivals.at.iter().filter(|(_, marked)| !marked).count();
                assert!(unmarked <= 1, "{what}: a second one is not marked");
                assert!(stored.receivers[r].told(), "{what}: it does not show");
                let hanging = |l: &crate::paging::page::Leg| {
                    matches!(l.state, LegState::Queued | LegState::Sending)
                };
                let hangs = stored.receivers[r].messages.iter().any(hanging);
                assert!(!hangs, "{what}: a state hangs");
                self.prompt(receiver, *due, arrivals.at[0].0, &what);
            }
        }
        for (name, provider) in &self.providers {
            provider.kept_to_its_limit(&format!("seed {number}: {name}"));
        }
    }

    /// Within a second of due or of the start, where the first channel works and is not full.
    fn prompt(&self, receiver: &Receiver, due: u64, first: u64, what: &str) {
        let channel = &self.providers[&receiver.routes[0].channel];
        if channel.nature != Nature::Good || channel.limit.messages < u32::MAX {
            return;
        }
        let start = self.starts.iter().rev().find(|at| **at <= first);
        let from = due.max(start.copied().unwrap_or(0));
        assert!(
            first <= from + S,
            "{what}: {} ms late",
            (first - from) / 1_000
        );
    }
}

impl Provider {
    fn new(nature: Nature, limit: Limit) -> Self {
        Self {
            nature,
            limit,
            requests: Vec::new(),
        }
    }
    fn kept_to_its_limit(&self, what: &str) {
        let most = self.limit.messages as usize;
        let per = u64::from(self.limit.per_s) * S;
        for (i, at) in self.requests.iter().enumerate() {
            let beyond = self.requests.get(i.saturating_add(most));
            assert!(
                beyond.is_none_or(|next| *next >= at + per),
                "{what}: more than {most} in {} s",
                self.limit.per_s
            );
        }
    }
}

/// Every channel of such a world is good.
fn calm(number: u64) -> bool {
    number.is_multiple_of(4)
}

#[test]
fn ten_thousand_worlds_lose_no_page() {
    let (mut crashes, mut twice) = (0, 0);
    let run = |numbers: std::ops::Range<u64>| {
        let (mut crashes, mut twice) = (0, 0);
        for number in numbers {
            let mut world = World::new(number);
            world.run();
            world.check(number);
            crashes += world.crashes;
            twice += world.arrivals.values().filter(|a| a.at.len() > 1).count();
        }
        (crashes, twice)
    };
    std::thread::scope(|threads| {
        let half = threads.spawn(|| run(0..SEEDS / 2));
        let other = run(SEEDS / 2..SEEDS);
        let half = half.join().expect("no seed fails");
        (crashes, twice) = (half.0 + other.0, half.1 + other.1);
    });
    // The worlds are hard enough to show what they look for.
    assert!(crashes > 4_000, "{crashes} crashes");
    assert!(twice > 500, "{twice} doubled");
}
