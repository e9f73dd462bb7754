//! Write tokens of one source: keys read from their files, and the verdict on each transaction.

use crate::DeskError;
use crate::config::SourceConfig;
use detect::stamp::{StampKey, verify};
use model::{Instant, SourceName, SourceTransaction, Stamp};

/// `None`: the policy asks for no stamps.
pub(crate) struct Stamps(Option<Vec<StampKey>>);

impl Stamps {
    pub fn of_source(config: &SourceConfig) -> Result<Self, DeskError> {
        let Some(stamp) = &config.stamp else {
            return Ok(Self(None));
        };
        let mut keys = Vec::with_capacity(stamp.key_files.len());
        for file in &stamp.key_files {
            let text = std::fs::read_to_string(file).map_err(|e| DeskError::file(file, e))?;
            let key = hex(text.trim()).and_then(|bytes| StampKey::from_bytes(&bytes).ok());
            keys.push(key.ok_or_else(|| DeskError::Config {
                path: file.clone(),
                detail: "this is no stamp key: it must hold at least 32 bytes as hex".into(),
            })?);
        }
        Ok(Self(Some(keys)))
    }

    /// The verdict on what went round the log, as of a transaction: it cannot have carried one.
    pub fn of_none(&self) -> &'static [Stamp] {
        match self.0 {
            Some(_) => &[Stamp::Missing],
            None => &[],
        }
    }

    /// One verdict a transaction; none where no stamps are asked for.
    pub fn of(
        &self,
        source: &SourceName,
        transactions: &[SourceTransaction],
        now: Instant,
    ) -> Vec<Stamp> {
        let Some(keys) = &self.0 else {
            return Vec::new();
        };
        let one = |told: &SourceTransaction| verify(source, told, keys, now);
        transactions.iter().map(one).collect()
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_hex_is_taken() {
        assert_eq!(hex("00ff1A"), Some(vec![0, 255, 26]));
        assert_eq!(hex("00f"), None);
        assert_eq!(hex("zz"), None);
    }
}
