//! The journal in the form of C2SP tlog-tiles: checkpoint, hash tiles, entry bundles.

use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use plan::Act;

const TILE_WIDTH: u64 = 256;
/// The log of what people and the program did.
pub(crate) const RECORD: &str = "record";
/// Full tiles never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const PRIVATE_FOR_EVER: &str = "private, max-age=31536000, immutable";

/// What a path below a log's prefix asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Checkpoint,
    Tile { level: u8, n: u64, width: u16 },
    Entries { n: u64, width: u16 },
}

pub(crate) fn serve(visit: &Visit) -> Reply {
    let rest = visit.params.get("rest");
    let Some((log, asked)) = parse(rest) else {
        return missing();
    };
    let Some(reader) = visit.desk().log_reader(log) else {
        return missing();
    };
    let (level, n, width) = match asked {
        Asked::Checkpoint => {
            return Reply::text(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                reader.checkpoint(),
            );
        }
        Asked::Tile { level, n, width } => (level, n, width),
        Asked::Entries { n, width } => (0, n, width),
    };
    if !covered(reader.size(), level, n, width) {
        return missing();
    }
    if matches!(asked, Asked::Entries { .. }) && !may_read(visit, log, n, width) {
        return missing();
    }
    let bytes = match asked {
        Asked::Entries { .. } => reader.entry_bundle(n, width),
        _ => reader.tile(level, n, width),
    };
    match bytes {
        Ok(bytes) => {
            let keep = if visit.app.options.public_journal {
                FOR_EVER
            } else {
                PRIVATE_FOR_EVER
            };
            Reply::bytes("application/octet-stream", bytes).with_header(header::CACHE_CONTROL, keep)
        }
        Err(error) => {
            tracing::error!(error = %crate::perform::chain(&error), path = rest, "a tile cannot be read");
            Reply::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                String::new(),
            )
        }
    }
}

/// The same for one entry and its proof.
pub(crate) fn may_read_entry(visit: &Visit, log: &str, index: u64) -> bool {
    let hidden = |range| {
        visit
            .desk()
            .entries_hidden_from(&visit.viewer(), log, range)
    };
    !hidden(index..index.saturating_add(1))
}

/// Hashes tell nothing; entries do. The record holds every incident in full, so it is read by the
/// positions of the plan alone even where the operator publishes the journal.
fn may_read(visit: &Visit, log: &str, n: u64, width: u16) -> bool {
    if log == RECORD && !visit.may(Act::ReadRecord) {
        return false;
    }
    let first = n.saturating_mul(TILE_WIDTH);
    let entries = first..first.saturating_add(u64::from(width));
    !visit
        .desk()
        .entries_hidden_from(&visit.viewer(), log, entries)
}

fn missing() -> Reply {
    Reply::text(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        "not found\n".to_owned(),
    )
}

/// Whether the log is long enough for a tile. At level L one hash stands for 256^L entries.
fn covered(size: u64, level: u8, n: u64, width: u16) -> bool {
    let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
    let end = n
        .checked_mul(TILE_WIDTH)
        .and_then(|start| start.checked_add(u64::from(width)));
    width > 0 && end.is_some_and(|end| end <= hashes)
}

fn parse(path: &str) -> Option<(&str, Asked)> {
    if let Some(log) = path.strip_suffix("/checkpoint") {
        return Some((log, Asked::Checkpoint));
    }
    let (log, tile) = path.split_once("/tile/")?;
    let (level, number) = tile.split_once('/')?;
    let (number, width) = match number.split_once(".p/") {
        Some((number, width)) => (number, decimal(width, 255)? as u16),
        None => (number, TILE_WIDTH as u16),
    };
    let n = tile_number(number)?;
    let asked = if level == "entries" {
        Asked::Entries { n, width }
    } else {
        Asked::Tile {
            level: decimal(level, 63)? as u8,
            n,
            width,
        }
    };
    Some((log, asked))
}

/// `x001/x234/067` is 1234067: groups of three digits, all but the last behind an `x`.
fn tile_number(text: &str) -> Option<u64> {
    const MAX_GROUPS: usize = 6;
    let groups: Vec<&str> = text.split('/').collect();
    let (last, before) = groups.split_last()?;
    let mut n: u64 = 0;
    if groups.len() > MAX_GROUPS {
        return None;
    }
    let digits = before
        .iter()
        .map(|group| group.strip_prefix('x'))
        .chain([Some(*last)]);
    for group in digits {
        let group = group.filter(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))?;
        n = n.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    // One number has one spelling: no groups of zeros in front.
    (before.is_empty() || before[0] != "x000").then_some(n)
}

fn decimal(text: &str, most: u64) -> Option<u64> {
    let canonical =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    text.parse().ok().filter(|n| canonical && *n <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_format_writes_them() {
        for (path, asked) in [
            ("root/checkpoint", Some(("root", Asked::Checkpoint))),
            (
                "ledger/0/tile/0/000",
                Some((
                    "ledger/0",
                    Asked::Tile {
                        level: 0,
                        n: 0,
                        width: 256,
                    },
                )),
            ),
            (
                "record/tile/1/x001/x234/067",
                Some((
                    "record",
                    Asked::Tile {
                        level: 1,
                        n: 1_234_067,
                        width: 256,
                    },
                )),
            ),
            (
                "record/tile/entries/005.p/17",
                Some(("record", Asked::Entries { n: 5, width: 17 })),
            ),
            ("record/tile/0/5", None),
            ("record/tile/0/x000/001", None),
            ("record/tile/00/001", None),
            ("record/tile/0/001.p/256", None),
            ("record/tile/0/../../keys", None),
            ("record", None),
        ] {
            assert_eq!(parse(path), asked, "{path}");
        }
    }

    #[test]
    fn only_tiles_that_the_log_covers_are_given() {
        assert!(covered(256, 0, 0, 256) && covered(300, 0, 1, 44) && covered(300, 1, 0, 1));
        assert!(!covered(255, 0, 0, 256) && !covered(300, 0, 1, 45) && !covered(300, 1, 0, 2));
        assert!(!covered(300, 0, u64::MAX, 1) && !covered(300, 9, 0, 1) && !covered(300, 0, 0, 0));
    }
}
