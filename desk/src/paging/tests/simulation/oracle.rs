//! Who must have been called when, written from the plan's words and not from the code: it reads
//! what was done in a world, line by line, and says where that differs.

use super::S;
use std::collections::BTreeMap;

/// Calls of one position in one group at most.
const ATTEMPTS: usize = 5;

/// What a world's plan says, in the oracle's own form.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Called at the opening, in order.
    pub groups: Vec<&'static str>,
    /// Seconds of the lead's, the deputy's, the members' and everyone's stage.
    pub wait_s: [u64; 4],
    /// The members are called before everyone is.
    pub members_first: bool,
    /// All of a group at the opening.
    pub at_once: bool,
}

/// Lead, deputy, members of a group.
type Group = (&'static str, Option<&'static str>, &'static [&'static str]);

fn group(id: &str) -> Group {
    match id {
        "leading" => (
            "cio",
            Some("ciso"),
            &["head_support", "head_cs", "head_legal", "head_marketing"],
        ),
        "response" => (
            "ciso",
            Some("head_support"),
            &["security_engineer", "sysadmin", "cs_agent"],
        ),
        "legal" => ("head_legal", None, &["legal_counsel", "compliance_officer"]),
        other => panic!("no group {other}"),
    }
}

fn stand_ins(position: &str) -> &'static [&'static str] {
    match position {
        "cio" => &["ciso", "head_legal", "head_support"],
        "ciso" => &["head_support", "head_legal", "security_engineer"],
        "head_support" => &["security_engineer", "sysadmin"],
        "head_legal" => &["legal_counsel", "compliance_officer"],
        other => panic!("{other} leads nothing"),
    }
}

/// Group and position of a call.
pub type Named = (String, String);

/// What was done at a moment, with the calls that it made.
#[derive(Clone, Debug)]
pub struct Entry {
    pub t: u64,
    pub what: What,
    pub made: Vec<(u32, Named)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Opened,
    /// By the clock.
    Escalated(u32),
    /// By paging: nobody is there for it.
    Passed(u32),
    Acknowledged {
        call: u32,
        holds: Vec<String>,
    },
    Refused(u32),
    HandedOver {
        position: String,
        from: String,
        to: String,
    },
    /// The incident went into another one.
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    Acknowledged,
    Refused,
    Over,
}

#[derive(Clone, Debug)]
struct Call {
    group: String,
    position: String,
    acting_for: Option<String>,
    made: u64,
    due: u64,
    state: State,
}

type Wanted = (String, Option<String>, usize);

pub struct Oracle<'a> {
    rules: &'a Rules,
    /// When the process started.
    starts: &'a [u64],
    calls: BTreeMap<u32, Call>,
    withdrawn: bool,
    /// When the page of a call had to go out.
    pub due: BTreeMap<u32, u64>,
}

impl<'a> Oracle<'a> {
    pub fn new(rules: &'a Rules, starts: &'a [u64]) -> Self {
        Self {
            rules,
            starts,
            calls: BTreeMap::new(),
            withdrawn: false,
            due: BTreeMap::new(),
        }
    }

    /// A second after it was due, or after the process could.
    fn latest(&self, due: u64, t: u64) -> u64 {
        let started = self.starts.iter().rev().find(|at| **at <= t);
        due.max(started.copied().unwrap_or(0)) + S
    }

    pub fn read(&mut self, entry: &Entry, nobody: bool, seed: &str) {
        let (t, what) = (entry.t, format!("{seed}: {entry:?}"));
        let quiet = !self.withdrawn || entry.made.is_empty();
        assert!(quiet, "{what}: called after it was withdrawn");
        let (wanted, group, due) = match &entry.what {
            What::Opened => return self.opened(entry, &what),
            What::HandedOver { .. } => (Vec::new(), String::new(), t),
            What::Withdrawn => {
                self.withdrawn = true;
                (Vec::new(), String::new(), t)
            }
            What::Escalated(n) => {
                let call = self.ends(*n, State::Over, t, &what);
                assert!(t > call.due, "{what}: before its time, {} s", call.due / S);
                let (next, due) = (self.next(*n, &call, false), call.due);
                (next, call.group, due)
            }
            What::Passed(n) => {
                let call = self.ends(*n, State::Over, t, &what);
                assert!(nobody, "{what}: somebody was there");
                assert!(t <= self.latest(call.made, t), "{what}: passed on late");
                let mut next = self.next(*n, &call, false);
                next.retain(|(p, ..)| !self.called(&call.group, p));
                assert!(!next.is_empty(), "{what}: nobody was left");
                (next, call.group, t)
            }
            What::Refused(n) => {
                let call = self.ends(*n, State::Refused, t, &what);
                (self.next(*n, &call, true), call.group, t)
            }
            What::Acknowledged { call, holds } => {
                self.acknowledged(*call, holds, t, &what);
                (Vec::new(), String::new(), t)
            }
        };
        self.made(entry, &group, wanted, due, &what);
    }

    /// Nothing that must still happen is left.
    pub fn end(&self, seed: &str) {
        let open = self.calls.values().find(|c| c.state == State::Open);
        let over = self.withdrawn || open.is_none();
        assert!(over, "{seed}: never followed up: {open:?}");
    }

    fn opened(&mut self, entry: &Entry, what: &str) {
        for id in self.rules.groups.clone() {
            let (lead, deputy, members) = group(id);
            let mut all = vec![lead];
            if self.rules.at_once {
                all.extend(deputy.iter().chain(members));
            }
            let stage = if self.rules.at_once { 3 } else { 0 };
            let wanted = all.iter().map(|p| ((*p).to_owned(), None, stage));
            let own: Vec<_> = entry.made.iter().filter(|(_, (g, _))| g == id).collect();
            let part = Entry {
                made: own.into_iter().cloned().collect(),
                ..entry.clone()
            };
            self.made(&part, id, wanted.collect(), entry.t, what);
        }
        assert_eq!(self.calls.len(), entry.made.len(), "{what}");
    }

    fn made(&mut self, entry: &Entry, group: &str, wanted: Vec<Wanted>, due: u64, what: &str) {
        let named = |(p, ..): &Wanted| (group.to_owned(), p.clone());
        let named: Vec<Named> = wanted.iter().map(named).collect();
        let made: Vec<Named> = entry.made.iter().map(|(_, name)| name.clone()).collect();
        assert_eq!(made, named, "{what}: others had to be called");
        for ((n, _), (position, acting_for, stage)) in entry.made.iter().zip(wanted) {
            let call = Call {
                group: group.to_owned(),
                position,
                acting_for,
                made: entry.t,
                due: entry.t + self.rules.wait_s[stage] * S,
                state: State::Open,
            };
            assert!(self.calls.insert(*n, call).is_none(), "{what}: {n} twice");
            self.due.insert(*n, due);
        }
    }

    /// A call that waited until now and does no longer.
    fn ends(&mut self, n: u32, state: State, t: u64, what: &str) -> Call {
        let latest = self.calls.get(&n).map(|c| self.latest(c.due, t));
        let call = self.calls.get_mut(&n).expect("a call");
        assert_eq!(call.state, State::Open, "{what}: it waits no longer");
        assert!(t <= latest.expect("a time"), "{what}: followed up late");
        call.state = state;
        call.clone()
    }

    fn acknowledged(&mut self, n: u32, holds: &[String], t: u64, what: &str) {
        let late = self.calls[&n].state == State::Over;
        if !late {
            self.ends(n, State::Acknowledged, t, what);
        }
        for (number, call) in &mut self.calls {
            let own = call.state == State::Open && holds.contains(&call.position);
            if *number == n || own {
                call.state = State::Acknowledged;
            }
        }
    }

    fn of<'s>(&'s self, group: &'s str) -> impl Iterator<Item = (&'s u32, &'s Call)> {
        self.calls.iter().filter(move |(_, c)| c.group == group)
    }
    fn called(&self, group: &str, position: &str) -> bool {
        self.of(group).any(|(_, c)| c.position == position)
    }

    /// Somebody who leads the group, or acts for who does, has said yes.
    fn led(&self, id: &str) -> bool {
        let (lead, deputy, _) = group(id);
        let leads = |c: &Call| {
            c.acting_for.is_some() || c.position == lead || Some(c.position.as_str()) == deputy
        };
        self.of(id)
            .any(|(_, c)| c.state == State::Acknowledged && leads(c))
    }

    fn next(&self, n: u32, before: &Call, refused: bool) -> Vec<Wanted> {
        let id = before.group.as_str();
        if self.led(id) {
            return Vec::new();
        }
        let (lead, deputy, members) = group(id);
        let own = before.position.as_str();
        let heads: Vec<&str> = std::iter::once(lead).chain(deputy).collect();
        let leads = heads.contains(&own).then_some(own);
        let place = before.acting_for.as_deref().or(leads);
        let mut fresh: Vec<&str> = Vec::new();
        if let Some(place) = place {
            let second = deputy.unwrap_or(stand_ins(place)[0]);
            if !self.called(id, second) {
                let acting_for = (second != place).then(|| place.to_owned());
                return vec![(second.to_owned(), acting_for, 1)];
            }
            for p in stand_ins(place).iter().chain(&heads).chain(members) {
                if !self.called(id, p) && !fresh.contains(p) {
                    fresh.push(p);
                }
            }
            // Where everyone is called at once, no stage is the members' own.
            let members_first = self.rules.members_first && !self.rules.at_once;
            if !fresh.is_empty() && members_first {
                return fresh.into_iter().map(|p| (p.to_owned(), None, 2)).collect();
            }
        }
        let mut waiting = self
            .of(id)
            .filter(|(m, c)| **m != n && c.state == State::Open);
        let again = fresh.is_empty();
        if again {
            if refused && waiting.next().is_some() {
                return Vec::new();
            }
            fresh.push(place.unwrap_or(own));
        }
        let mut all: Vec<&str> = Vec::new();
        for p in fresh.into_iter().chain(heads) {
            let mut calls: Vec<&Call> = Vec::new();
            calls.extend(self.of(id).filter(|(_, c)| c.position == p).map(|(_, c)| c));
            let last = calls.last().map(|c| c.state);
            let waits = self
                .of(id)
                .any(|(m, c)| *m != n && c.position == p && c.state == State::Open);
            let new = again && calls.is_empty();
            let never = waits || last == Some(State::Refused) || new;
            if !never && calls.len() < ATTEMPTS && !all.contains(&p) {
                all.push(p);
            }
        }
        all.into_iter().map(|p| (p.to_owned(), None, 3)).collect()
    }
}
