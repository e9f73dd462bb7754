//! The style sheet, the script and the sign, compiled in and served under a name that changes with them.

use model::Digest;
use std::sync::LazyLock;

pub(crate) struct Asset {
    /// `/assets/HASH/NAME`: may be kept for ever.
    pub path: String,
    pub kind: &'static str,
    pub bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset::new($name, $kind, include_bytes!(concat!("../assets/", $name)))
    };
}

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| asset!("balefire.css", "text/css; charset=utf-8"));
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| asset!("balefire.js", "text/javascript; charset=utf-8"));
pub(crate) static SIGN: LazyLock<Asset> = LazyLock::new(|| asset!("sign.svg", "image/svg+xml"));
/// Sheets and scripts of single pages; a page links its own in the block `head`.
static OF_PAGES: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset!("incidents.css", "text/css; charset=utf-8"),
        asset!("room.css", "text/css; charset=utf-8"),
        asset!("rota.css", "text/css; charset=utf-8"),
        asset!("war_room.css", "text/css; charset=utf-8"),
        asset!("drafts.js", "text/javascript; charset=utf-8"),
        asset!("triage.css", "text/css; charset=utf-8"),
        asset!("assessment.css", "text/css; charset=utf-8"),
    ]
});

/// The path of a page's own sheet or script.
pub(crate) fn of_page(name: &str) -> &'static str {
    let own = OF_PAGES.iter().map(|asset| asset.path.as_str());
    own.into_iter()
        .find(|path| path.rsplit('/').next() == Some(name))
        .unwrap_or("")
}

/// The asset under a hash and a name; another hash is another asset.
pub(crate) fn find(hash: &str, name: &str) -> Option<&'static Asset> {
    let path = format!("/assets/{hash}/{name}");
    [&*STYLE, &*SCRIPT, &*SIGN]
        .into_iter()
        .chain(OF_PAGES.iter())
        .find(|asset| asset.path == path)
}

impl Asset {
    fn new(name: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        Self {
            path: format!("/assets/{}/{name}", Digest::of(bytes).short()),
            kind,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    const SHEET: &str = include_str!("../assets/balefire.css");

    /// `--name: #rrggbb` of a part of the sheet.
    fn colours(part: &str) -> HashMap<&str, u32> {
        part.split(';')
            .filter_map(|rule| rule.rsplit("--").next()?.split_once(": #"))
            .filter_map(|(name, hex)| {
                let wide: String = match hex.len() {
                    3 => hex.chars().flat_map(|c| [c, c]).collect(),
                    _ => hex.to_owned(),
                };
                Some((name, u32::from_str_radix(&wide, 16).ok()?))
            })
            .collect()
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let c = f64::from((colour >> shift) & 0xff) / 255.0;
            if c <= 0.03928 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_colour_stands_out_in_both_looks() {
        // The light look, the dark one by the system's wish, the dark one by choice.
        let parts: Vec<&str> = SHEET.split(":root").collect();
        let light = colours(parts[1]);
        for dark_part in [parts[2], parts[3], ""] {
            let mut look = light.clone();
            look.extend(colours(dark_part));
            let text = [
                "text", "muted", "link", "accent", "ok", "warn", "bad", "info",
            ];
            let grounds = ["bg", "surface", "sunk"];
            let mut pairs: Vec<(&str, &str, f64)> = text
                .iter()
                .flat_map(|t| grounds.map(|g| (*t, g, 4.5)))
                .collect();
            pairs.extend([
                ("ok", "ok-bg", 4.5),
                ("warn", "warn-bg", 4.5),
                ("bad", "bad-bg", 4.5),
                ("info", "info-bg", 4.5),
                ("on-accent", "accent", 4.5),
                ("on-bar", "bar", 4.5),
                ("on-bar-muted", "bar", 4.5),
                ("line-strong", "surface", 3.0),
                ("focus", "bg", 3.0),
            ]);
            for (front, ground, least) in pairs {
                let found = contrast(look[front], look[ground]);
                assert!(
                    found >= least,
                    "{front} on {ground}: {found:.2}, needs {least}"
                );
            }
        }
        let (wished, chosen) = (colours(parts[2]), colours(parts[3]));
        assert_ne!(wished["bg"], light["bg"], "the dark look was not read");
        assert!(wished.iter().all(|(name, colour)| chosen[name] == *colour));
    }
}
