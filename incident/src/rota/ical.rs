//! Shifts as an iCalendar feed (RFC 5545): what a phone's calendar subscribes to.
//!
//! Times are in UTC, so no zone's rules travel along. Deliberately not here: who may read a feed.

use model::Instant;
use std::fmt::Write as _;

/// One shift as an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stable over edits of anything else; the feed's name is added.
    pub uid: String,
    pub from: Instant,
    pub to: Instant,
    /// Free text of people: escaped here.
    pub summary: String,
    pub description: String,
}

/// Octets of a content line before it is folded (RFC 5545, section 3.1), without its end.
const LINE_OCTETS: usize = 75;

/// The whole feed. `domain` makes the UIDs unique in the world; `made_at` is DTSTAMP.
pub fn feed(title: &str, domain: &str, made_at: Instant, events: &[Event]) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| fold(&mut out, &format!("{name}:{value}"));
    line("BEGIN", "VCALENDAR");
    line("VERSION", "2.0");
    line("PRODID", "-//Balefire//Duty rota//EN");
    line("CALSCALE", "GREGORIAN");
    line("METHOD", "PUBLISH");
    line("X-WR-CALNAME", &escape(title));
    line("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
    for event in events {
        line("BEGIN", "VEVENT");
        line("UID", &escape(&format!("{}@{domain}", event.uid)));
        line("DTSTAMP", &utc(made_at));
        line("DTSTART", &utc(event.from));
        line("DTEND", &utc(event.to));
        line("SUMMARY", &escape(&event.summary));
        if !event.description.is_empty() {
            line("DESCRIPTION", &escape(&event.description));
        }
        line("TRANSP", "TRANSPARENT");
        line("END", "VEVENT");
    }
    line("END", "VCALENDAR");
    out
}

/// `19980119T070000Z` (form 2 of section 3.3.5).
fn utc(at: Instant) -> String {
    let text: String = at
        .to_string()
        .chars()
        .filter(|c| *c != '-' && *c != ':')
        .collect();
    // `20260102T030405.000000Z`
    format!("{}Z", text.split('.').next().unwrap_or(&text))
}

/// TEXT of section 3.3.11: a line break, comma, semicolon or backslash ends nothing.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n");
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes a content line, folded between characters, never within one.
fn fold(out: &mut String, line: &str) {
    let mut used = 0;
    for c in line.chars() {
        if used + c.len_utf8() > LINE_OCTETS {
            out.push_str("\r\n ");
            // The space counts.
            used = 1;
        }
        // Writing to a string never fails.
        let _ = out.write_char(c);
        used += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(summary: &str) -> String {
        let event = Event {
            uid: "cio-1767225600".into(),
            from: Instant::from_secs(1_767_225_600),
            to: Instant::from_secs(1_767_229_200),
            summary: summary.into(),
            description: String::new(),
        };
        feed(
            "值班",
            "balefire",
            Instant::from_secs(1_767_000_000),
            &[event],
        )
    }

    #[test]
    fn a_shift_stands_in_utc_under_a_stable_uid() {
        let text = sample("on duty");
        for line in [
            "UID:cio-1767225600@balefire",
            "DTSTART:20260101T000000Z",
            "DTEND:20260101T010000Z",
            "SUMMARY:on duty",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
        }
    }

    #[test]
    fn nothing_that_people_write_ends_a_line_or_begins_a_property() {
        let evil = "a\r\nEND:VCALENDAR\nATTACH:http://x\u{2028}b;c,d\\e\u{7}";
        let text = sample(evil);
        assert!(text.contains("SUMMARY:a\\nEND:VCALENDAR\\nATTACH:http://x\\nb\\;c\\,d\\\\e\r\n"));
        assert_eq!(text.matches("\r\nEND:VCALENDAR\r\n").count(), 1);
        assert_eq!(text.replace("\r\n", "").matches(['\r', '\n']).count(), 0);
    }

    #[test]
    fn long_lines_are_folded_at_75_octets_between_characters() {
        let long = "数据安全值班，".repeat(30);
        let text = sample(&long);
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_OCTETS));
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("SUMMARY:{long}")));
    }
}
