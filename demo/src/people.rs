//! The demo's people: one for each position of the plan, with a random password each, numbered
//! and not named.

use crate::DemoError;
use desk::{Desk, Profile};
use model::{AccountId, PositionId};
use plan::Lang;
use std::collections::BTreeMap;

/// Passwords by account; they live in memory and in one 0600 file of the demo's folder.
#[derive(Debug, Default)]
pub struct People {
    passwords: BTreeMap<PositionId, String>,
}

impl People {
    /// Adds an account for every position of the plan.
    pub fn muster(desk: &Desk) -> Result<Self, DemoError> {
        let plan = desk.plan();
        let mut people = Self::default();
        for (number, position) in plan.positions.iter().enumerate() {
            let password = password()?;
            let name = player(number, desk.config().web.language);
            let id = AccountId::new(position.id.as_str());
            desk.add_account(&id, &name, std::slice::from_ref(&position.id), &password)?;
            // Numbers and a domain that nobody has (RFC 2606).
            let profile = Profile {
                phone: format!("+86 000 0000 {number:04}"),
                mail: format!("{}@shop.example", position.id),
                language: Some(desk.config().web.language),
                ..Profile::default()
            };
            desk.set_profile(&id, &profile, 0)?;
            people.passwords.insert(position.id.clone(), password);
        }
        Ok(people)
    }

    pub fn password(&self, position: &str) -> Option<&str> {
        self.passwords
            .get(&PositionId::new(position))
            .map(String::as_str)
    }

    /// One line an account, for the user who plays the people by hand.
    pub fn lines(&self) -> String {
        self.passwords
            .iter()
            .map(|(position, password)| format!("{position}\t{password}\n"))
            .collect()
    }
}

/// The heavenly stems and earthly branches number the players in Chinese, letters in English.
fn player(number: usize, lang: Lang) -> String {
    let stems: Vec<char> = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
        .chars()
        .collect();
    match lang {
        Lang::Zh => format!("演示员{}", stems[number % stems.len()]),
        Lang::En => format!("Player {}", char::from(b'A' + (number % 26) as u8)),
    }
}

/// 20 letters and digits, 100 bits and more.
fn password() -> Result<String, DemoError> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(|e| DemoError::Random(e.to_string()))?;
    Ok(bytes
        .iter()
        .map(|b| LETTERS[usize::from(b & 31)] as char)
        .collect())
}
