//! Looks every few seconds how slot, publication and tables stand on the server.
//!
//! Whoever may alter the publication could take a table out, write to it, and put it back: the log
//! would not say so. Such a change of the publication, of a replica identity or of a partition's
//! storage therefore counts as a gap.

use super::super::guarded::Access;
use super::super::slot::{self, GONE, Standing};
use super::super::source::PostgresSource;
use super::follow::Follower;
use crate::ConnectError;
use crate::source::address::OnFull;
use crate::source::{LostReason, ServerAddress};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(5);

pub(super) enum Seen {
    AsBefore,
    /// Everything up to the position was written before, and is told first.
    Changed {
        tables: Vec<String>,
        until: u64,
    },
    Unsure {
        reason: LostReason,
        until: u64,
    },
    Lost(LostReason),
}

pub(super) struct Watch {
    address: ServerAddress,
    standing: Option<Standing>,
    looked_at: Option<Instant>,
    retained: Option<u64>,
    warned: bool,
}

impl Watch {
    pub(super) fn new(address: ServerAddress) -> Self {
        Self {
            address,
            standing: None,
            looked_at: None,
            retained: None,
            warned: false,
        }
    }

    pub(super) fn retained(&self) -> Option<u64> {
        self.retained
    }

    /// Remembers how things stand, before the snapshot is taken.
    pub(super) fn begin(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
    ) -> Result<(), ConnectError> {
        let name = &self.address.slot;
        self.standing = Some(source.again(|session| slot::standing(session, name, access))?);
        Ok(())
    }

    /// Whether others inherit from a guarded table, as things stood at the last look.
    pub(super) fn inherited(&self, access: &[Access]) -> Option<LostReason> {
        inherited(None, self.standing.as_ref()?, access)
    }

    pub(super) fn look(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
        follower: &mut Follower,
    ) -> Result<Seen, ConnectError> {
        let now = Instant::now();
        if self
            .looked_at
            .is_some_and(|at| now.saturating_duration_since(at) < EVERY)
        {
            return Ok(Seen::AsBefore);
        }
        self.looked_at = Some(now);
        let name = self.address.slot.clone();
        let looked = source.again(|session| {
            Ok((
                slot::look(session, &name)?,
                slot::standing(session, &name, access)?,
            ))
        });
        match looked {
            Ok((slot, standing)) => {
                let seen = self.judge(slot, &standing, access, follower)?;
                self.standing = Some(standing);
                Ok(seen)
            }
            // The stream says so too, and knows how long it has been.
            Err(error) if error.may_pass() => {
                self.retained = None;
                Ok(Seen::AsBefore)
            }
            Err(error) => Err(error),
        }
    }

    fn judge(
        &mut self,
        slot: Option<slot::Slot>,
        standing: &Standing,
        access: &[Access],
        follower: &mut Follower,
    ) -> Result<Seen, ConnectError> {
        let gone = |detail: &str| {
            Ok(Seen::Lost(LostReason::SlotGone {
                slot: self.address.slot.clone(),
                detail: detail.to_owned(),
            }))
        };
        let Some(slot) = slot else {
            return gone("somebody dropped it");
        };
        if !slot.sound {
            return gone(&slot.why);
        }
        self.retained = Some(slot.retained);
        if let Some(before) = self.standing.as_ref().filter(|before| *before != standing) {
            let tables = changed(before, standing, access);
            if !tables.is_empty() {
                let until = slot.end;
                return Ok(Seen::Changed { tables, until });
            }
            let changed =
                before.publication != standing.publication || before.tables != standing.tables;
            let publication = || LostReason::PublicationChanged {
                publication: self.address.slot.clone(),
            };
            let reason = inherited(Some(before), standing, access).or(changed.then(publication));
            if let Some(reason) = reason {
                let until = slot.end;
                return Ok(Seen::Unsure { reason, until });
            }
        }
        self.bound(slot.retained, follower)
    }

    /// Keeps the log that is held for us within its bound.
    fn bound(&mut self, retained: u64, follower: &mut Follower) -> Result<Seen, ConnectError> {
        let most = self.address.max_retained_mib.saturating_mul(1 << 20);
        if retained <= most {
            self.warned = false;
            return Ok(Seen::AsBefore);
        }
        match self.address.on_full {
            OnFull::Keep => {
                if !self.warned {
                    tracing::warn!(
                        retained,
                        most,
                        "the server keeps more log for the guard than it should"
                    );
                }
                self.warned = true;
                Ok(Seen::AsBefore)
            }
            OnFull::LetGo => {
                follower.let_go()?;
                Ok(Seen::Lost(LostReason::SlotGone {
                    slot: self.address.slot.clone(),
                    detail: format!(
                        "it was let go, because the server had to keep {} MiB of log for it",
                        retained >> 20
                    ),
                }))
            }
        }
    }
}

/// A table that others inherit from, and did not before.
fn inherited(before: Option<&Standing>, now: &Standing, access: &[Access]) -> Option<LostReason> {
    let new = |(i, children): &(usize, &String)| {
        let known = before.and_then(|before| before.children.get(*i));
        !children.is_empty() && known != Some(*children)
    };
    let (i, children) = now.children.iter().enumerate().find(new)?;
    Some(LostReason::Inherited {
        table: access.get(i)?.guarded.schema.name.clone(),
        child: children.clone(),
    })
}

/// Tables whose columns are others now, or that are gone.
fn changed(before: &Standing, now: &Standing, access: &[Access]) -> Vec<String> {
    let pairs = before.tables.iter().zip(&now.tables).zip(access);
    pairs
        .filter(|((before, now), _)| before.0 != now.0 || now.0 == GONE)
        .map(|(_, access)| access.guarded.schema.name.clone())
        .collect()
}
