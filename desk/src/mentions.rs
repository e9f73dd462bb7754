//! Whom a text names by `@`: a person, a position or a group of the plan.
//!
//! A name may stand in either language and need no space behind it, as in `@法务负责人请看`; the
//! longest name that fits is meant. What fits nothing is plain text.

use crate::account::Person;
use crate::{Desk, DeskError};
use incident::access::Viewer;
use incident::orders::OrderedPerson;
use incident::people::Addressee;
use plan::{Lang, Plan};

impl Desk {
    /// The persons of whom the writer may know, positions and groups that a text names, in its
    /// order and once each.
    pub fn mentions(&self, writer: &Viewer, text: &str) -> Result<Vec<Addressee>, DeskError> {
        if !text.contains('@') {
            return Ok(Vec::new());
        }
        let people = self.accounts_for(writer)?;
        Ok(mentioned(text, &names(&self.plan(), &people)))
    }
}

type Name = (String, Addressee);

/// Every name with whom it means, the longest first.
fn names(plan: &Plan, people: &[Person]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    let mut add = |name: &str, to: &Addressee| {
        if !name.trim().is_empty() {
            names.push((name.to_lowercase(), to.clone()));
        }
    };
    for person in people.iter().filter(|p| !p.disabled) {
        // Without a position in the plan there is no place from which to be told.
        let Some(position) = person.positions.first().cloned() else {
            continue;
        };
        let to = Addressee::Person(OrderedPerson {
            account: person.id.clone(),
            name: person.name.clone(),
            position,
        });
        add(person.id.as_str(), &to);
        add(&person.name, &to);
    }
    for position in &plan.positions {
        let to = Addressee::Position(position.id.clone());
        add(position.id.as_str(), &to);
        for lang in Lang::ALL {
            add(position.title.in_lang(lang), &to);
        }
    }
    for group in &plan.groups {
        let to = Addressee::Group(group.id.clone());
        add(group.id.as_str(), &to);
        for lang in Lang::ALL {
            add(group.title.in_lang(lang), &to);
        }
    }
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
    names
}

fn mentioned(text: &str, names: &[Name]) -> Vec<Addressee> {
    let text = text.to_lowercase();
    let mut found: Vec<Addressee> = Vec::new();
    let mut before = None;
    for (at, sign) in text.char_indices() {
        // `wang@example.org` is an address, not a call.
        let inside = before.is_some_and(|c: char| c.is_ascii_alphanumeric());
        before = Some(sign);
        if sign != '@' || inside {
            continue;
        }
        let rest = &text[at + 1..];
        let fits = |name: &&Name| {
            rest.strip_prefix(name.0.as_str())
                .is_some_and(ends(&name.0))
        };
        if let Some((_, to)) = names.iter().find(fits)
            && !found.contains(to)
        {
            found.push(to.clone());
        }
    }
    found
}

/// Whether a name may end before this: an ASCII name not in the middle of an ASCII word.
fn ends(name: &str) -> impl Fn(&str) -> bool {
    let ascii = name.ends_with(|c: char| c.is_ascii_alphanumeric());
    move |rest| !(ascii && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, Instant, PositionId};

    fn person(id: &str, name: &str) -> Person {
        Person {
            id: AccountId::from(id),
            name: name.to_owned(),
            positions: vec![PositionId::from("sysadmin")],
            disabled: false,
            state: store::AccountState::Active,
            created_at: Instant(0),
        }
    }

    fn of(text: &str) -> Vec<String> {
        let plan = plan::built_in::plan();
        let people = [person("li", "Li"), person("li-wei", "Li Wei")];
        let named = mentioned(text, &names(plan, &people));
        let told = named.into_iter().map(|to| match to {
            Addressee::Person(p) => format!("person {}", p.account),
            Addressee::Position(p) => format!("position {p}"),
            Addressee::Group(g) => format!("group {g}"),
        });
        told.collect()
    }

    #[test]
    fn the_longest_name_is_meant_and_no_space_is_needed() {
        assert_eq!(of("ask @li-wei and @Li."), ["person li-wei", "person li"]);
        assert_eq!(of("@Li Wei, please"), ["person li-wei"]);
        let cio = &plan::built_in::plan().positions[0];
        let title = cio.title.in_lang(Lang::Zh).to_owned();
        let expected = format!("position {}", cio.id);
        assert_eq!(of(&format!("请@{title}看一下")), [expected]);
    }

    #[test]
    fn an_address_and_an_unknown_name_call_nobody() {
        assert!(of("mail li@li-wei.example or @limousine or @ nobody").is_empty());
        assert_eq!(of("@li @li @LI").len(), 1);
    }
}
