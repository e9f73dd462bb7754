//! Which language a page speaks: the session's, else the cookie's, else the browser's,
//! else the operator's choice.

use plan::Lang;

pub(crate) fn negotiate(
    session: Option<Lang>,
    cookie: Option<&str>,
    accept_language: Option<&str>,
    otherwise: Lang,
) -> Lang {
    session
        .or_else(|| cookie.and_then(|text| text.parse().ok()))
        .or_else(|| accept_language.and_then(accepted))
        .unwrap_or(otherwise)
}

/// The language of ours that the browser likes best; the first one wins a tie.
fn accepted(header: &str) -> Option<Lang> {
    let mut best: Option<(Lang, f32)> = None;
    for part in header.split(',') {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let quality = rest
            .trim()
            .strip_prefix("q=")
            .map_or(Some(1.0), |q| q.parse().ok());
        let (Ok(lang), Some(quality)) = (tag.trim().parse::<Lang>(), quality) else {
            continue;
        };
        if quality > 0.0 && best.is_none_or(|(_, q)| quality > q) {
            best = Some((lang, quality));
        }
    }
    best.map(|(lang, _)| lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_choice_wins() {
        for (session, cookie, header, expected) in [
            (None, None, None, Lang::Zh),
            (None, None, Some("fr, de;q=0.8"), Lang::Zh),
            (None, None, Some("en-GB,en;q=0.9,zh;q=0.8"), Lang::En),
            (None, None, Some("en;q=0.3, zh-TW;q=0.7"), Lang::Zh),
            (None, None, Some("en;q=0"), Lang::Zh),
            (None, Some("zh-CN"), Some("en"), Lang::Zh),
            (None, Some("nonsense"), Some("en"), Lang::En),
            (Some(Lang::En), Some("zh-CN"), Some("zh"), Lang::En),
        ] {
            assert_eq!(
                negotiate(session, cookie, header, Lang::Zh),
                expected,
                "{session:?} {cookie:?} {header:?}"
            );
        }
    }
}
