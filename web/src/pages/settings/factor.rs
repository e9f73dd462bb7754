//! Setting up the second factor: a QR code for an authenticator app, its first code, recovery codes.

use super::account::{HERE, own};
use super::{failed, once, only, raw};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use askama::filters::Safe;
use plan::Act;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around the code that scanners need (ISO/IEC 18004).
const QUIET: usize = 4;

#[derive(Template)]
#[template(path = "settings_factor.html")]
struct FactorPage<'a> {
    v: View<'a>,
    tab: &'static str,
    qr: Safe<String>,
    secret: String,
}

/// Shows the QR code; a POST, because it makes a secret.
pub(crate) fn begin(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    match visit.desk().begin_second_factor(&own(visit)) {
        Ok(enrolment) => Reply::page(&FactorPage {
            v: View::titled(visit, Section::Settings, "settings-factor-title"),
            tab: "account",
            qr: Safe(svg(&enrolment.uri)),
            secret: grouped(&enrolment.secret),
        }),
        Err(error) => failed(visit, &error, HERE),
    }
}

pub(crate) fn confirm(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["code"]) {
        return reply;
    }
    let confirmed = visit
        .desk()
        .confirm_second_factor(&own(visit), raw(visit, "code"));
    match confirmed {
        Ok(codes) => once(visit, "account", "settings-recovery", codes, HERE),
        Err(error) => failed(visit, &error, HERE),
    }
}

/// New recovery codes, for whoever still has the factor.
pub(crate) fn renew(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["code"]) {
        return reply;
    }
    let account = own(visit);
    let renewed = (visit
        .desk()
        .take_second_factor(&account, raw(visit, "code")))
    .and_then(|()| visit.desk().renew_recovery(&account));
    match renewed {
        Ok(codes) => once(visit, "account", "settings-recovery", codes, HERE),
        Err(error) => failed(visit, &error, HERE),
    }
}

/// One path of black squares on white, in both colour schemes: scanners want dark on light.
/// Only our own numbers go into it.
fn svg(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let width = code.width();
    let mut path = String::new();
    for (i, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            path.push_str(&format!(
                "M{} {}h1v1h-1z",
                i % width + QUIET,
                i / width + QUIET
            ));
        }
    }
    let side = width + 2 * QUIET;
    format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" width=\"220\" height=\"220\" role=\"img\" aria-labelledby=\"qr-text\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    )
}

/// Groups of four are typed without getting lost.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|g| g.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_holds_only_numbers() {
        let picture = svg("otpauth://totp/B:<script>?secret=A&issuer=B");
        assert!(picture.starts_with("<svg class=\"qr\""));
        assert!(!picture.contains("script") && !picture.contains("style"));
        assert!(picture.matches("h1v1").count() > 200);
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
    }
}
