//! What a file is by its first bytes, whatever its name says. Nothing is opened or unpacked.

use serde::{Deserialize, Serialize};

/// Bytes that are looked at.
pub(super) const HEAD: usize = 512;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Image,
    Pdf,
    /// A zip archive, which modern office documents are too.
    Archive,
    Media,
    /// An old office document or mail, which may hold macros.
    OldOffice,
    /// Runs when it is opened: a program or a script.
    Program,
    /// A page or a drawing that may hold scripts.
    Page,
    Database,
    Text,
    #[default]
    Other,
}

impl FileKind {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Pdf => "pdf",
            Self::Archive => "archive",
            Self::Media => "media",
            Self::OldOffice => "old-office",
            Self::Program => "program",
            Self::Page => "page",
            Self::Database => "database",
            Self::Text => "text",
            Self::Other => "other",
        }
    }
    /// Whether the reader is warned before opening it.
    pub const fn dangerous(self) -> bool {
        matches!(
            self,
            Self::Program | Self::Page | Self::OldOffice | Self::Archive
        )
    }
}

const MAGIC: &[(&[u8], FileKind)] = &[
    (b"\xff\xd8\xff", FileKind::Image),
    (b"\x89PNG\r\n\x1a\n", FileKind::Image),
    (b"GIF87a", FileKind::Image),
    (b"GIF89a", FileKind::Image),
    (b"BM", FileKind::Image),
    (b"II*\0", FileKind::Image),
    (b"MM\0*", FileKind::Image),
    (b"%PDF-", FileKind::Pdf),
    (b"PK\x03\x04", FileKind::Archive),
    (b"PK\x05\x06", FileKind::Archive),
    (b"\x1f\x8b", FileKind::Archive),
    (b"BZh", FileKind::Archive),
    (b"7z\xbc\xaf\x27\x1c", FileKind::Archive),
    (b"Rar!\x1a\x07", FileKind::Archive),
    (b"\xfd7zXZ\0", FileKind::Archive),
    (b"(\xb5/\xfd", FileKind::Archive),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::OldOffice),
    (b"{\\rtf", FileKind::OldOffice),
    (b"MZ", FileKind::Program),
    (b"\x7fELF", FileKind::Program),
    (b"\xfe\xed\xfa", FileKind::Program),
    (b"\xcf\xfa\xed\xfe", FileKind::Program),
    (b"\xca\xfe\xba\xbe", FileKind::Program),
    (b"#!", FileKind::Program),
    (b"L\0\0\0\x01\x14\x02\0", FileKind::Program),
    (b"SQLite format 3\0", FileKind::Database),
    (b"ID3", FileKind::Media),
    (b"OggS", FileKind::Media),
    (b"\x1aE\xdf\xa3", FileKind::Media),
];

/// The kind by the first bytes.
pub(super) fn kind(head: &[u8]) -> FileKind {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    match (head.get(..4), head.get(4..12)) {
        (Some(b"RIFF"), Some([.., b'W', b'E', b'B', b'P'])) => return FileKind::Image,
        (Some(b"RIFF"), Some(_)) => return FileKind::Media,
        (_, Some([b'f', b't', b'y', b'p', brand @ ..])) => {
            let still = [b"heic".as_slice(), b"heix", b"mif1", b"avif"].contains(&brand);
            return if still {
                FileKind::Image
            } else {
                FileKind::Media
            };
        }
        _ => {}
    }
    let start = String::from_utf8_lossy(head)
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    let page = [
        "<!doctype",
        "<html",
        "<script",
        "<svg",
        "<?xml",
        "<head",
        "<body",
    ];
    if page.iter().any(|tag| start.starts_with(tag)) {
        return FileKind::Page;
    }
    if !head.is_empty() && is_text(head) {
        return FileKind::Text;
    }
    FileKind::Other
}

/// UTF-8 without control characters; the head may end within a character.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or("")
        }
        Err(_) => return false,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    !valid.is_empty() && valid.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_the_kind_and_names_do_not() {
        let cases: &[(&[u8], FileKind)] = &[
            (b"\xff\xd8\xff\xe0\0\x10JFIF", FileKind::Image),
            (b"RIFF\0\0\0\0WEBPVP8 ", FileKind::Image),
            (b"\0\0\0\x18ftypheic", FileKind::Image),
            (b"\0\0\0\x18ftypmp42", FileKind::Media),
            (b"%PDF-1.7", FileKind::Pdf),
            (b"PK\x03\x04rest", FileKind::Archive),
            (b"MZ\x90\0", FileKind::Program),
            (b"#!/bin/sh\n", FileKind::Program),
            (b"\xef\xbb\xbf <!DOCTYPE html>", FileKind::Page),
            (b"<svg onload=alert(1)>", FileKind::Page),
            ("订单 1001 被改\n".as_bytes(), FileKind::Text),
            ("订".as_bytes().split_at(2).0, FileKind::Other),
            (b"\0\0\0", FileKind::Other),
            (b"", FileKind::Other),
        ];
        for (head, expected) in cases {
            assert_eq!(kind(head), *expected, "{head:?}");
        }
    }
}
