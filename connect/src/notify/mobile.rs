//! Whom a robot is asked to call in its group: a mobile number, or the platform's own user id.

use super::SendError;

pub(super) enum Mobile {
    /// Digits as the platform writes them: without +86.
    Number(String),
    User(String),
    /// Would be read as something else, such as everybody.
    Neither,
}

/// Ids of the platforms have at most 64 characters.
const MAX_CHARS: usize = 64;

impl Mobile {
    pub(super) fn of(to: &str) -> Self {
        let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        let digits = to.strip_prefix("+86").or(to.strip_prefix('+'));
        // Without a plus only a mobile number of the mainland; other digits may be a user's id.
        let number = match digits {
            Some(digits) => (7..=15).contains(&digits.len()).then_some(digits),
            None => (to.len() == 11 && to.starts_with('1')).then_some(to),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let everybody = ["all", "everyone", "channel", "here"];
        if let Some(number) = number.filter(|number| all_digits(number)) {
            Self::Number(number.to_owned())
        } else if to.is_empty()
            || to.len() > MAX_CHARS
            || !to.chars().all(plain)
            || everybody.iter().any(|word| to.eq_ignore_ascii_case(word))
        {
            Self::Neither
        } else {
            Self::User(to.to_owned())
        }
    }

    pub(super) fn refused() -> SendError {
        SendError::Never {
            why: "the address is no user id of the group's platform".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_everybody() {
        let kind = |to: &str| match Mobile::of(to) {
            Mobile::Number(number) => format!("number {number}"),
            Mobile::User(user) => format!("user {user}"),
            Mobile::Neither => "neither".into(),
        };
        assert_eq!(kind("+8613800138000"), "number 13800138000");
        assert_eq!(kind("13800138000"), "number 13800138000");
        assert_eq!(kind("+14155550100"), "number 14155550100");
        assert_eq!(kind("0162534"), "user 0162534");
        assert_eq!(kind("ou_7dab8a3d"), "user ou_7dab8a3d");
        for bad in [
            "all",
            "@all",
            "ALL",
            "",
            "a b",
            "x\"></at>",
            "<!here>",
            "+86",
            "here",
            "所有人",
        ] {
            assert_eq!(kind(bad), "neither", "{bad}");
        }
    }
}
