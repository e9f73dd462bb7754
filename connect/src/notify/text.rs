//! The text of a message as a channel can carry it: marks first, cut by bytes, nothing in it that
//! the receiver would take for an instruction.
//!
//! Deliberately not here: words that the catalogue holds. The two marks stand in both languages
//! because a channel does not know who reads, and they must not be missed.

use super::Message;
use unicode_segmentation::UnicodeSegmentation as _;

const EXERCISE: &str = "[演练 EXERCISE] ";
const POSSIBLE_DUPLICATE: &str = "[可能重复 POSSIBLE DUPLICATE] ";
const CUT: &str = "…";
/// A cluster of more bytes is no character that anybody reads; it is cut inside.
const MAX_CLUSTER_BYTES: usize = 64;

/// What must be seen even if nothing else is.
pub(super) fn marks(message: &Message) -> String {
    let mut marks = String::new();
    if message.exercise {
        marks.push_str(EXERCISE);
    }
    if message.possible_duplicate {
        marks.push_str(POSSIBLE_DUPLICATE);
    }
    marks
}

pub(super) fn subject(message: &Message) -> String {
    let line = one_line(&message.subject);
    format!("{}{line}", marks(message))
}

/// Marks, subject, body and the link, at most so many bytes after `write` has put them into the
/// receiver's form. The link is kept whole or left out; the body is what is cut.
pub(super) fn whole(message: &Message, most: usize, write: impl Fn(&str) -> String) -> String {
    let link = message.link.as_ref().map(|link| format!("\n{link}"));
    let link = link
        .map(|link| write(&link))
        .filter(|link| link.len() <= most / 2);
    let room = most - link.as_ref().map_or(0, String::len);
    let text = format!("{}\n{}", subject(message), tidy(&message.body));
    let mut text = cut(text.trim_end(), room, write);
    text.push_str(link.as_deref().unwrap_or_default());
    text
}

/// As much of the text as fits in `most` bytes when written by `write`, which works on any piece
/// by itself; ends with an ellipsis when something was left out.
pub(super) fn cut(text: &str, most: usize, write: impl Fn(&str) -> String) -> String {
    let all = write(text);
    if all.len() <= most {
        return all;
    }
    let room = most.saturating_sub(CUT.len());
    let mut out = String::new();
    for cluster in clusters(text) {
        let written = write(cluster);
        if out.len() + written.len() > room {
            break;
        }
        out.push_str(&written);
    }
    if CUT.len() <= most {
        out.push_str(CUT);
    }
    out
}

fn clusters(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true).flat_map(|cluster| {
        let inside = cluster.len() > MAX_CLUSTER_BYTES;
        let parts = cluster.split_inclusive(move |_: char| inside);
        parts.collect::<Vec<_>>()
    })
}

pub(super) fn as_it_is(text: &str) -> String {
    text.to_owned()
}

/// Robots read `@name`, `<at …>` and `<@id>` in a text as a call to people; what a reporter typed
/// must not ring a whole company. The wide forms look alike and mean nothing.
pub(super) fn harmless(text: &str) -> String {
    text.replace('@', "＠")
        .replace('<', "＜")
        .replace('>', "＞")
}

/// Slack's own rule: these three, and nothing else. `@channel` rings nobody without `<!…>`.
pub(super) fn slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Without control characters other than line breaks, and without marks that turn the direction
/// of what follows.
pub(super) fn tidy(text: &str) -> String {
    text.chars()
        .filter(|c| *c == '\n' || !(c.is_control() || turns(*c)))
        .collect()
}

pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !turns(*c))
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Words that providers of SMS take for a link: with a scheme, `www.`, or a domain and a path.
pub(super) fn without_links(text: &str) -> String {
    let linklike = |word: &str| {
        let word = word.to_ascii_lowercase();
        let domain = word.split_once('/').is_some_and(|(before, _)| {
            before.contains('.') && before.chars().any(|c| c.is_ascii_alphabetic())
        });
        word.contains("://") || word.starts_with("www.") || domain
    };
    let lines = text.lines().map(|line| {
        let words = line.split(' ').filter(|word| !linklike(word));
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn message(subject: &str, body: &str) -> Message {
        Message {
            id: "out-1".into(),
            to: String::new(),
            subject: subject.into(),
            body: body.into(),
            link: None,
            possible_duplicate: false,
            exercise: false,
        }
    }

    #[test]
    fn marks_come_first_and_survive_any_cut() {
        let mut message = message("请到岗", &"很长".repeat(5_000));
        message.exercise = true;
        message.possible_duplicate = true;
        let text = whole(&message, 200, as_it_is);
        assert!(text.starts_with("[演练 EXERCISE] [可能重复 POSSIBLE DUPLICATE] 请到岗\n很长"));
        assert!(text.len() <= 200 && text.ends_with('…'));
    }

    #[test]
    fn the_link_is_kept_whole() {
        let mut message = message("s", &"x".repeat(1_000));
        message.link = Some("https://desk.example/calls/1".into());
        let text = whole(&message, 100, as_it_is);
        assert!(text.ends_with("…\nhttps://desk.example/calls/1") && text.len() <= 100);
        message.link = Some(format!("https://desk.example/{}", "y".repeat(90)));
        assert!(!whole(&message, 100, as_it_is).contains("desk.example"));
    }

    #[test]
    fn a_character_of_several_code_points_stays_whole() {
        // A family of four, 25 bytes in one cluster.
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(
            cut(&family.repeat(3), 60, as_it_is),
            format!("{}…", family.repeat(2))
        );
        // A tower of accents is no character; it must not swallow the whole text.
        let tower = format!("a{}", "\u{301}".repeat(500));
        assert!(cut(&tower, 100, as_it_is).len() > 90);
    }

    #[test]
    fn calls_to_everybody_are_made_harmless() {
        let text = "@all @所有人 <at user_id=\"all\">x</at> <!channel> <@U1> a&b";
        let robot = harmless(text);
        assert!(!robot.contains(['@', '<', '>']));
        assert_eq!(slack("<!channel> a&b"), "&lt;!channel&gt; a&amp;b");
    }

    #[test]
    fn links_leave_an_sms() {
        let text = "事件 inc-1 见 https://desk.example/x\nwww.a.example evil.example/p 3.5/5 19:30";
        assert_eq!(without_links(text), "事件 inc-1 见\n3.5/5 19:30");
    }

    proptest! {
        #[test]
        fn the_limit_holds_for_any_text(text in "\\PC{0,80}", body in any::<String>(), most in 3_usize..300) {
            for write in [as_it_is as fn(&str) -> String, harmless, slack] {
                prop_assert!(cut(&text, most, write).len() <= most);
                prop_assert!(whole(&message(&text, &body), most, write).len() <= most);
            }
            prop_assert!(!one_line(&body).contains(['\r', '\n', '\0']));
        }
    }
}
