//! A channel with a memory of how it fared: every message through it counts, whoever sent it.
//!
//! Deliberately not here: an answer to a failure. Call-out tries again; people look at the page.

use connect::notify::{Channel, ChannelKind, Handed, Limit, Message, SendError};
use model::Instant;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

const HOUR_S: i64 = 3_600;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Taken,
    Again(String),
    Never(String),
    Broken(String),
}

impl Outcome {
    pub(super) fn of(error: &SendError) -> Self {
        match error {
            SendError::Again { why, .. } => Self::Again(why.clone()),
            SendError::Never { why } => Self::Never(why.clone()),
            SendError::Broken { why } => Self::Broken(why.clone()),
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Again(_) => "again",
            Self::Never(_) => "never",
            Self::Broken(_) => "broken",
        }
    }

    /// In the operator's English, without secrets; empty when it was taken.
    pub fn why(&self) -> &str {
        match self {
            Self::Taken => "",
            Self::Again(why) | Self::Never(why) | Self::Broken(why) => why,
        }
    }
}

/// A channel as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    pub name: String,
    /// As in the configuration, such as `dingtalk`.
    pub kind: &'static str,
    /// Whether a message goes to a person's own address, not to a group or a program.
    pub personal: bool,
    /// Empty while the file with the URL cannot be read.
    pub host: String,
    pub limit: Limit,
    pub off: bool,
    /// Since the desk was opened.
    pub taken: u64,
    pub failed: u64,
    pub last_taken: Option<Instant>,
    pub last_failed: Option<(Instant, Outcome)>,
}

impl ChannelView {
    /// `off`, `new` (nothing sent yet), `ok`, `failing` or `broken`.
    pub fn state(&self) -> &'static str {
        if self.off {
            return "off";
        }
        let failed_last = self
            .last_failed
            .as_ref()
            .filter(|(at, _)| self.last_taken.is_none_or(|taken| taken < *at));
        match failed_last {
            Some((_, Outcome::Broken(_))) => "broken",
            // One bad address says nothing about the channel.
            Some((_, Outcome::Never(_))) if self.last_taken.is_some() => "ok",
            Some(_) => "failing",
            None if self.last_taken.is_some() => "ok",
            None => "new",
        }
    }
}

pub(crate) struct Watched {
    inner: Box<dyn Channel>,
    host: String,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    off: bool,
    taken: u64,
    failed: u64,
    last_taken: Option<Instant>,
    last_failed: Option<(Instant, Outcome)>,
    /// Of the last hour; at most as many as may be sent.
    tests: VecDeque<Instant>,
}

impl Watched {
    pub fn new(inner: Box<dyn Channel>, host: String, off: bool) -> Self {
        let memory = Mutex::new(Memory {
            off,
            ..Memory::default()
        });
        Self {
            inner,
            host,
            memory,
        }
    }

    pub fn switch(&self, off: bool) {
        self.memory().off = off;
    }

    /// Counts the test if it may be sent.
    pub fn may_test(&self, now: Instant, most: usize) -> bool {
        let mut memory = self.memory();
        memory.tests.retain(|at| now.since_s(*at) < HOUR_S as f64);
        let may = memory.tests.len() < most;
        if may {
            memory.tests.push_back(now);
        }
        may
    }

    pub fn view(&self) -> ChannelView {
        let memory = self.memory();
        ChannelView {
            name: self.inner.name().to_owned(),
            kind: self.inner.kind().code(),
            personal: matches!(self.inner.kind(), ChannelKind::Mail | ChannelKind::Sms),
            host: self.host.clone(),
            limit: self.inner.limit(),
            off: memory.off,
            taken: memory.taken,
            failed: memory.failed,
            last_taken: memory.last_taken,
            last_failed: memory.last_failed.clone(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel for Watched {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn kind(&self) -> ChannelKind {
        self.inner.kind()
    }
    fn limit(&self) -> Limit {
        self.inner.limit()
    }
    fn send(&self, message: &Message, now: Instant) -> Result<Handed, SendError> {
        if self.memory().off {
            return Err(SendError::Never {
                why: "the channel is switched off".into(),
            });
        }
        let outcome = self.inner.send(message, now);
        let mut memory = self.memory();
        match &outcome {
            Ok(_) => {
                memory.taken += 1;
                memory.last_taken = Some(now);
            }
            Err(error) => {
                memory.failed += 1;
                memory.last_failed = Some((now, Outcome::of(error)));
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as the address says.
    struct Scripted;

    impl Channel for Scripted {
        fn name(&self) -> &str {
            "duty"
        }
        fn kind(&self) -> ChannelKind {
            ChannelKind::Webhook
        }
        fn limit(&self) -> Limit {
            Limit {
                messages: 1,
                per_s: 1,
            }
        }
        fn send(&self, message: &Message, _: Instant) -> Result<Handed, SendError> {
            let why = || "no".to_owned();
            match message.to.as_str() {
                "again" => Err(SendError::Again {
                    after_s: None,
                    why: why(),
                }),
                "never" => Err(SendError::Never { why: why() }),
                "broken" => Err(SendError::Broken { why: why() }),
                _ => Ok(Handed {
                    provider_id: None,
                    delivered: false,
                }),
            }
        }
    }

    #[test]
    fn the_state_follows_the_last_messages() {
        let watched = Watched::new(Box::new(Scripted), "hooks.example".into(), false);
        let mut second = 0;
        let mut after = |to: &str| {
            second += 1;
            let message = Message {
                id: "m".into(),
                to: to.into(),
                subject: String::new(),
                body: String::new(),
                link: None,
                possible_duplicate: false,
                exercise: false,
            };
            let _ = watched.send(&message, Instant::from_secs(second));
            watched.view().state()
        };
        assert_eq!(after("broken"), "broken");
        assert_eq!(after("ok"), "ok");
        assert_eq!(after("never"), "ok");
        assert_eq!(after("again"), "failing");
        assert_eq!(after("ok"), "ok");
        watched.switch(true);
        let taken = watched.view().taken;
        assert_eq!(after("ok"), "off");
        assert_eq!(watched.view().taken, taken, "nothing was sent");
    }

    #[test]
    fn tests_are_bounded_within_an_hour() {
        let watched = Watched::new(Box::new(Scripted), String::new(), false);
        let may = |second| watched.may_test(Instant::from_secs(second), 2);
        assert!(may(0) && may(10) && !may(20));
        assert!(may(3_601) && !may(3_602));
    }
}
