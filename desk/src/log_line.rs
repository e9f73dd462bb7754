//! One record of a PostgreSQL server's own log (`jsonlog`, `csvlog`): whose transaction it is of.
//!
//! Nothing is taken out of it but names; statements and their values stay in the log.

use model::LoggedWriter;
use serde::Deserialize;

/// Characters of a name that are kept; PostgreSQL's own names have at most 63.
const MOST_CHARS: usize = 128;
/// Where the fields of a csvlog record stand.
const TIME: usize = 0;
const USER: usize = 1;
const FROM: usize = 4;
const SESSION: usize = 5;
const XID: usize = 10;
const APPLICATION: usize = 22;
/// What stands right before the first thing that a client may make long.
const JSON_HEAD_ENDS: &str = ",\"error_severity\":";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A transaction's id and who is at work in it.
    Writer(u32, LoggedWriter),
    /// Of no transaction that writes, or of none of a client.
    Other,
    /// Not what a server writes.
    Unreadable,
}

/// Reads one record; of one that is not `whole` only its beginning is there.
pub(crate) fn read(format: Format, record: &[u8], whole: bool) -> Line {
    let text = String::from_utf8_lossy(record);
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Line::Other;
    }
    match format {
        Format::Json if whole => json(text),
        Format::Json => match text.split_once(JSON_HEAD_ENDS) {
            Some((head, _)) => json(&format!("{head}}}")),
            None => Line::Unreadable,
        },
        Format::Csv => csv(text, whole),
    }
}

#[derive(Deserialize)]
struct Told {
    timestamp: String,
    #[serde(default)]
    user: String,
    remote_host: Option<String>,
    remote_port: Option<u32>,
    #[serde(default)]
    session_id: String,
    txid: u32,
    application_name: Option<String>,
}

fn json(text: &str) -> Line {
    let Ok(told) = serde_json::from_str::<Told>(text) else {
        return Line::Unreadable;
    };
    let address = match (told.remote_host, told.remote_port) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        (host, _) => host,
    };
    writer(
        told.txid,
        [&told.timestamp, &told.user, &told.session_id],
        [address, told.application_name],
    )
}

fn csv(text: &str, whole: bool) -> Line {
    let fields = fields(text);
    let have = if whole { APPLICATION } else { XID + 1 };
    let field = |i: usize| fields.get(i).map(String::as_str).unwrap_or_default();
    let begins = field(TIME).starts_with(|c: char| c.is_ascii_digit());
    let Some(xid) = field(XID).parse().ok().filter(|_: &u32| begins) else {
        return Line::Unreadable;
    };
    if fields.len() <= have {
        return Line::Unreadable;
    }
    let application = whole.then(|| field(APPLICATION).to_owned());
    writer(
        xid,
        [field(TIME), field(USER), field(SESSION)],
        [Some(field(FROM).to_owned()), application],
    )
}

fn writer(
    xid: u32,
    [at, role, session]: [&str; 3],
    [address, application]: [Option<String>; 2],
) -> Line {
    if xid == 0 || role.is_empty() {
        return Line::Other;
    }
    let named = |name: Option<String>| name.map(|n| plain(&n)).filter(|n| !n.is_empty());
    Line::Writer(
        xid,
        LoggedWriter {
            role: plain(role),
            application: named(application),
            address: named(address),
            session: plain(session),
            logged_at: plain(at),
        },
    )
}

/// What a client calls itself must not paint on a terminal.
fn plain(name: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(MOST_CHARS).map(shown).collect()
}

/// The first fields of a CSV record, as far as somebody asks for them.
fn fields(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last(&mut fields).push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted && fields.len() > APPLICATION => break,
            ',' if !quoted => fields.push(String::new()),
            c => last(&mut fields).push(c),
        }
    }
    fields
}

fn last(fields: &mut [String]) -> &mut String {
    // There is always one: it begins with the record.
    &mut fields[fields.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "2026-11-23 05:18:03.244 UTC,\"shop\",\"db\",26656,\"127.0.0.1:48532\",6b03cc70.6820,3,\"INSERT\",2026-11-23 05:17:36 UTC,3/78,737,LOG,00000,\"EXECUTOR, \"\"STATISTICS\"\"\",\"! system\n! usage\",,,,,\"insert\n2026-01-01 00:00:00 UTC,\"\"evil\"\"\",,,\"psql\",\"client backend\",,0\n";
    const JSON: &str = r#"{"timestamp":"2026-11-23 05:18:03.244 UTC","user":"shop","dbname":"db","pid":1,"remote_host":"::1","remote_port":48532,"session_id":"6b03.1","txid":737,"error_severity":"LOG","message":"x","statement":"update","application_name":"psql"}"#;

    fn told(line: Line) -> (u32, String) {
        match line {
            Line::Writer(xid, w) => (
                xid,
                format!(
                    "{} {:?} {:?} {}",
                    w.role, w.application, w.address, w.session
                ),
            ),
            other => panic!("no writer: {other:?}"),
        }
    }

    #[test]
    fn both_formats_name_role_program_and_address() {
        let csv = told(read(Format::Csv, CSV.as_bytes(), true));
        let of_csv = "shop Some(\"psql\") Some(\"127.0.0.1:48532\") 6b03cc70.6820";
        assert_eq!(csv, (737, of_csv.to_owned()));
        let json = told(read(Format::Json, JSON.as_bytes(), true));
        let of_json = "shop Some(\"psql\") Some(\"::1:48532\") 6b03.1";
        assert_eq!(json, (737, of_json.to_owned()));
    }

    #[test]
    fn the_beginning_of_a_long_record_names_all_but_the_program() {
        let csv = told(read(Format::Csv, &CSV.as_bytes()[..200], false));
        assert!(csv.1.starts_with("shop None"), "{}", csv.1);
        let json = told(read(Format::Json, &JSON.as_bytes()[..200], false));
        assert!(json.1.starts_with("shop None"), "{}", json.1);
    }

    #[test]
    fn what_names_no_writing_client_says_nothing() {
        let reading = JSON.replace("737", "0");
        assert_eq!(read(Format::Json, reading.as_bytes(), true), Line::Other);
        let own = JSON.replace("\"user\":\"shop\",", "");
        assert_eq!(read(Format::Json, own.as_bytes(), true), Line::Other);
        assert_eq!(read(Format::Csv, b"\n", true), Line::Other);
    }

    #[test]
    fn hostile_records_are_told_from_a_servers_and_stop_nothing() {
        let cut = |text: &str, format| {
            for end in (0..text.len()).filter(|i| text.is_char_boundary(*i)) {
                for whole in [true, false] {
                    read(format, &text.as_bytes()[..end], whole);
                }
            }
        };
        cut(CSV, Format::Csv);
        cut(JSON, Format::Json);
        let bad: [&[u8]; 6] = [
            b"{",
            b"{\"txid\":-1}",
            b"[[[[[[[[",
            b"\xff\xfe\x00",
            b"{\"timestamp\":\"x\",\"user\":\"a\",\"txid\":99999999999}",
            b"LOG:  plain text",
        ];
        for bad in bad {
            assert_eq!(read(Format::Json, bad, true), Line::Unreadable);
            assert_eq!(read(Format::Csv, bad, true), Line::Unreadable);
        }
        let painted = JSON.replace("psql", "\\u001b[31m");
        let (_, told) = told(read(Format::Json, painted.as_bytes(), true));
        assert!(!told.contains('\u{1b}'), "{told}");
    }
}
