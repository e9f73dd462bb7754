//! Signed notes and checkpoints as the writer makes and reads them (C2SP signed-note,
//! tlog-checkpoint). The verifier has a reader of its own.

use crate::Hash;
use crate::keys::{LogKey, VerifierKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Our own notes are below 400 bytes; room for cosignatures of witnesses.
pub const MAX_NOTE_BYTES: usize = 16 * 1024;

/// The statement that a log of this origin has this size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Text and signature line, under the key's name for this origin.
pub fn sign(text: &str, origin: &str, key: &LogKey) -> String {
    let mut signature = key.vkey().for_origin(origin).id().to_vec();
    signature.extend_from_slice(&key.sign(text.as_bytes()));
    format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode(signature))
}

/// The text of a note whose signature by `key` (for `origin`) holds.
pub fn open<'a>(note: &'a str, origin: &str, key: &VerifierKey) -> Option<&'a str> {
    let split = note.rfind("\n\n")? + 1;
    let (text, lines) = (&note[..split], &note[split + 1..]);
    let key = key.for_origin(origin);
    lines.strip_suffix('\n')?.split('\n').find_map(|line| {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (id, signature) = bytes.split_at_checked(4)?;
        let signature: &[u8; 64] = signature.try_into().ok()?;
        let ours = name == origin && id == key.id();
        (ours && key.verify(text.as_bytes(), signature)).then_some(text)
    })
}

impl Checkpoint {
    pub fn signed(&self, key: &LogKey) -> String {
        let text = format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        );
        sign(&text, &self.origin, key)
    }

    pub fn open(note: &str, origin: &str, key: &VerifierKey) -> Option<Checkpoint> {
        let mut lines = open(note, origin, key)?.split('\n');
        let named = lines.next()?;
        let size = lines.next()?.parse().ok()?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        (named == origin).then(|| Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}
