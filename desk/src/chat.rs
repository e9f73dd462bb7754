//! What somebody says to our robot in a chat goes on the record of an incident.
//!
//! The words begin with the code name or the id of the incident, whole, and a colon: words meant
//! for one incident must never stand in another, where others read. Deliberately not here: the signature (room
//! `connect`) and what the robot answers in the chat, where everybody reads it (room `web`).

use crate::account::Person;
use crate::{CommandError, Desk, DeskError};
use connect::notify::heard::{self, Heard, NotHeard};
use incident::room::{Mark, RoomCommand, Said};
use incident::{Command, Incident};
use model::{Actor, Digest, Operation, RequestId};
use plan::Act;
use std::sync::Arc;
use store::AccountState;

/// What became of words that were heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromChat {
    OnRecord,
    /// The speaker is nobody here, may not write, or no incident is meant that they may know of:
    /// which of these it is, the chat is not told.
    NotRecorded,
}

#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    #[error("no channel of this name hears a chat")]
    NoChannel,
    #[error(transparent)]
    NotHeard(#[from] NotHeard),
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl Desk {
    /// Takes a message that DingTalk hands on, with its headers `timestamp` and `sign`. The same
    /// message twice is one note.
    pub fn hear_chat(
        &self,
        channel: &str,
        signed: (&str, &str),
        body: &[u8],
    ) -> Result<FromChat, ChatError> {
        let secret = self.inner.paging.watched.hear_secret(channel);
        let secret = secret.ok_or(ChatError::NoChannel)?;
        let heard = heard::from_dingtalk(secret, signed, body, self.now())?;
        let Some(speaker) = self.speaker(channel, &heard.sender)? else {
            return Ok(FromChat::NotRecorded);
        };
        let Some((incident, text)) = self.meant_in_chat(&speaker, &heard.text) else {
            return Ok(FromChat::NotRecorded);
        };
        let viewer = self.viewer(&speaker.id, &speaker.positions);
        let command = Command::Room(RoomCommand::Write {
            mentions: self.mentions(&viewer, text)?,
            text: text.to_owned(),
            mark: Mark::Plain,
            corrects: None,
            said: Some(said(channel, &heard)),
        });
        let named = Digest::of(format!("{channel}\n{}", heard.id).as_bytes());
        let op = Operation {
            actor: Actor::Person {
                account: speaker.id,
                name: speaker.name,
                positions: speaker.positions,
            },
            reason: String::new(),
            request: RequestId::new(format!("chat-{named}")),
            now: self.now(),
        };
        match self.execute(op, &incident.id, command) {
            Ok(_) => Ok(FromChat::OnRecord),
            Err(CommandError::Desk(error)) => Err(error.into()),
            Err(_) => Ok(FromChat::NotRecorded),
        }
    }

    /// Who is at this address of the channel; nobody where two say that they are.
    fn speaker(&self, channel: &str, sender: &str) -> Result<Option<Person>, DeskError> {
        if sender.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        for person in self.accounts()? {
            let (profile, _) = self.profile(&person.id)?;
            let mut own = profile.addresses.iter();
            if own.any(|a| a.channel == channel && a.address == sender) {
                found.push(person);
            }
        }
        let alone = found.len() == 1;
        let one = found.pop().filter(|_| alone);
        Ok(one.filter(|p| {
            let writes = self.plan().allows(Act::WriteNote, &p.positions);
            p.state == AccountState::Active && writes
        }))
    }

    /// The incident that is meant, and the words without its name.
    fn meant_in_chat<'t>(
        &self,
        speaker: &Person,
        text: &'t str,
    ) -> Option<(Arc<Incident>, &'t str)> {
        let viewer = self.viewer(&speaker.id, &speaker.positions);
        let (name, words) = named(text)?;
        let mut open = self.open_incidents_for(&viewer);
        open.retain(|i| name == i.code_name.to_lowercase() || name == i.id.as_str());
        // Two of one name: which is meant, nobody knows.
        let alone = open.len() == 1;
        let one = open.pop().filter(|_| alone);
        one.map(|incident| (incident, words))
    }
}

/// The name before the first colon, in lower case, and the words behind it.
fn named(text: &str) -> Option<(String, &str)> {
    let (name, words) = text.split_once([':', '：'])?;
    let (name, words) = (name.trim(), words.trim());
    let both = !name.is_empty() && !words.is_empty();
    both.then(|| (name.to_lowercase(), words))
}

fn said(channel: &str, heard: &Heard) -> Said {
    let one_line = |text: &str| -> String {
        let plain = text.chars().filter(|c| !c.is_control());
        plain.take(80).collect()
    };
    let shown = Some(&heard.shown_as).filter(|name| !name.trim().is_empty());
    Said {
        by: one_line(shown.unwrap_or(&heard.sender)),
        place: one_line(&format!("{channel} {}", heard.place))
            .trim()
            .to_owned(),
        at: heard.at,
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_name_is_all_that_stands_before_the_first_colon() {
        let of = |text| named(text).map(|(name, words)| (name, words.to_owned()));
        let is = |name: &str, words: &str| Some((name.to_owned(), words.to_owned()));
        assert_eq!(of("Heron-3: stop: now"), is("heron-3", "stop: now"));
        assert_eq!(of(" 苍鹭二号：先停退款"), is("苍鹭二号", "先停退款"));
        assert_eq!(of("Heron 3: stop"), is("heron 3", "stop"));
        for nothing in ["Heron-3 stop", ": stop", "Heron-3:", "", "Heron-3: "] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }
}
