//! How many reports come, from one address and in all: who is heard at once, who slowly, who not.
//!
//! In a real storm nobody's words are lost for their number: beyond the usual rate a report is
//! taken without files and pages together with others; only beyond that is the sender asked to
//! come back. Addresses are held as keyed hashes, in memory alone, and are written nowhere.

use axum::http::HeaderMap;
use model::Instant;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Addresses followed; when they are more, a new one counts as one that has sent too much.
const MAX_ADDRESSES: usize = 8_192;
/// Proxies named in one header.
const MAX_HOPS: usize = 16;

/// Reports of one address at once, and seconds until one more.
const ADDRESS: Rate = Rate {
    most: 6.0,
    every_s: 30.0,
};
/// Reports of all addresses at once.
const ALL: Rate = Rate {
    most: 120.0,
    every_s: 0.5,
};
/// Reports beyond these, without files.
const CROWD: Rate = Rate {
    most: 300.0,
    every_s: 0.2,
};
/// Looks at receipts of one address.
const LOOKS: Rate = Rate {
    most: 30.0,
    every_s: 2.0,
};

/// Receipts by mail to one address, and in all.
const ANSWERS: Rate = Rate {
    most: 3.0,
    every_s: 1_200.0,
};
const ALL_ANSWERS: Rate = Rate {
    most: 60.0,
    every_s: 30.0,
};

#[derive(Clone, Copy)]
struct Rate {
    most: f64,
    every_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    AtOnce,
    /// Without files, paged together with others.
    Crowded,
    Later,
}

#[derive(Default)]
pub(crate) struct Flood {
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    senders: HashMap<u64, Bucket>,
    lookers: HashMap<u64, Bucket>,
    answered: HashMap<u64, Bucket>,
    answers: Option<Bucket>,
    all: Option<Bucket>,
    crowd: Option<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.most,
            at: now,
        }
    }
    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        // A clock that went back gives nothing and takes nothing.
        let passed_s = now.since_s(self.at).max(0.0);
        self.tokens = (self.tokens + passed_s / rate.every_s).min(rate.most);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

impl Flood {
    /// Counts one report from an address.
    pub fn report(&self, from: &str, now: Instant) -> Heard {
        self.heard(self.key(from), now)
    }
    fn heard(&self, key: u64, now: Instant) -> Heard {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = take(&mut state.senders, key, ADDRESS, now);
        let all = state.all.get_or_insert_with(|| Bucket::full(ALL, now));
        if own && all.take(ALL, now) {
            return Heard::AtOnce;
        }
        let crowd = state.crowd.get_or_insert_with(|| Bucket::full(CROWD, now));
        match crowd.take(CROWD, now) {
            true => Heard::Crowded,
            false => Heard::Later,
        }
    }
    /// Counts one mail from a sender's address, as it says of itself.
    pub fn mail(&self, from: &str, now: Instant) -> Heard {
        self.heard(self.hasher.hash_one(("mail", mailbox(from))), now)
    }
    /// Whether a receipt may be sent there: whoever puts another's address into a mail must not
    /// make us write to them again and again.
    pub fn answer(&self, to: &str, now: Instant) -> bool {
        let key = self.hasher.hash_one(("answer", mailbox(to)));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = take(&mut state.answered, key, ANSWERS, now);
        let all = state
            .answers
            .get_or_insert_with(|| Bucket::full(ALL_ANSWERS, now));
        own && all.take(ALL_ANSWERS, now)
    }
    /// Counts one look at a receipt; false when there were too many.
    pub fn look(&self, from: &str, now: Instant) -> bool {
        let key = self.key(from);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut state.lookers, key, LOOKS, now)
    }

    /// An IPv4 address, or the /64 that an IPv6 one lies in.
    fn key(&self, from: &str) -> u64 {
        match from.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => self.hasher.hash_one(ip.octets()),
            Ok(IpAddr::V6(ip)) => self.hasher.hash_one(&ip.octets()[..8]),
            Err(_) => 0,
        }
    }
}

/// The host of an address knows no case, and its user part none that anybody uses.
fn mailbox(address: &str) -> String {
    address.trim().to_ascii_lowercase()
}

fn take(buckets: &mut HashMap<u64, Bucket>, key: u64, rate: Rate, now: Instant) -> bool {
    if !buckets.contains_key(&key) && buckets.len() >= MAX_ADDRESSES {
        let whole_s = rate.most * rate.every_s;
        buckets.retain(|_, b| now.since_s(b.at) < whole_s);
        if buckets.len() >= MAX_ADDRESSES {
            return false;
        }
    }
    let bucket = buckets
        .entry(key)
        .or_insert_with(|| Bucket::full(rate, now));
    bucket.take(rate, now)
}

/// The sender's address: the peer's, or what trusted proxies say of it, read from the right, since
/// a sender may have written what stands on the left.
pub(crate) fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut at = peer.to_canonical();
    let named = headers.get_all("x-forwarded-for").iter();
    let named: Vec<&str> = named.filter_map(|v| v.to_str().ok()).collect();
    let hops = named.iter().flat_map(|v| v.split(',')).collect::<Vec<_>>();
    for hop in hops.iter().rev().take(MAX_HOPS) {
        if !trusted.contains(&at) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(ip) => at = ip.to_canonical(),
            Err(_) => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_storm_is_heard_slowly_and_then_asked_to_come_back() {
        let flood = Flood::default();
        let now = Instant(0);
        let heard: Vec<Heard> = (0..400).map(|_| flood.report("192.0.2.1", now)).collect();
        let count = |what| heard.iter().filter(|h| **h == what).count();
        assert_eq!(count(Heard::AtOnce), 6);
        assert_eq!(count(Heard::Crowded), 300);
        assert_eq!(count(Heard::Later), 94);
        assert_eq!(flood.report("192.0.2.2", now), Heard::AtOnce);
        assert_eq!(
            flood.report("192.0.2.1", Instant(31_000_000)),
            Heard::AtOnce
        );
    }

    #[test]
    fn a_sender_of_mails_is_one_whatever_the_case_and_gets_few_receipts() {
        let flood = Flood::default();
        let now = Instant(0);
        let senders = ["li@shop.example", "LI@Shop.Example"];
        let mails = |n: usize| flood.mail(senders[n % 2], now) == Heard::AtOnce;
        assert_eq!((0..20).filter(|n| mails(*n)).count(), 6);
        assert_eq!(flood.mail("wu@shop.example", now), Heard::AtOnce);
        let receipts = |n: usize| flood.answer(senders[n % 2], now);
        assert_eq!((0..20).filter(|n| receipts(*n)).count(), 3);
        // However many addresses are made up.
        let made_up = (0..500).filter(|n| flood.answer(&format!("{n}@x.example"), now));
        assert_eq!(made_up.count(), 57);
    }

    #[test]
    fn many_threads_get_no_more_than_one() {
        let flood = Arc::new(Flood::default());
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let flood = Arc::clone(&flood);
                std::thread::spawn(move || {
                    let free = |_: &i32| flood.report("192.0.2.1", Instant(0)) == Heard::AtOnce;
                    (0..20).filter(free).count()
                })
            })
            .collect();
        let free: usize = threads.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(free, 6);
    }

    #[test]
    fn a_network_of_ipv6_is_one_sender_and_memory_is_bounded() {
        let flood = Flood::default();
        assert_eq!(flood.key("2001:db8::1"), flood.key("2001:db8::ffff"));
        assert_ne!(flood.key("2001:db8::1"), flood.key("2001:db8:0:1::1"));
        assert_eq!(flood.key("::ffff:192.0.2.1"), flood.key("192.0.2.1"));
        for n in 0..20_000_u32 {
            flood.look(&std::net::Ipv4Addr::from(n).to_string(), Instant(0));
        }
        let state = flood.state.lock().unwrap();
        assert_eq!(state.lookers.len(), MAX_ADDRESSES);
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "198.51.100.9, 203.0.113.7".parse().unwrap(),
        );
        let proxy = ip("127.0.0.1");
        assert_eq!(sender(proxy, &headers, &[]), proxy);
        assert_eq!(sender(proxy, &headers, &[proxy]), ip("203.0.113.7"));
    }
}
