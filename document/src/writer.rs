//! Who wrote a change, as the server's log says it: in words that promise no more than that.

use crate::Catalogue;
use model::LoggedWriter;

/// One line; what the log does not say is left out.
pub fn logged_writer(words: &Catalogue, writer: &LoggedWriter) -> String {
    let part = |key: &str, value: &str| words.with(key, &[("value", value.into())]);
    let mut parts = vec![part("source-logged-role", &writer.role)];
    if let Some(application) = &writer.application {
        parts.push(part("source-logged-application", application));
    }
    if let Some(address) = &writer.address {
        parts.push(part("source-logged-address", address));
    }
    parts.push(part("source-logged-session", &writer.session));
    let who = parts.join(&words.text("source-logged-between"));
    words.with("source-logged", &[("who", who.into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Lang;

    #[test]
    fn the_log_is_named_and_what_it_leaves_out_is_not() {
        let mut writer = LoggedWriter {
            role: "shop".into(),
            application: Some("psql".into()),
            address: Some("10.0.0.5:4711".into()),
            session: "6b03.1".into(),
            logged_at: String::new(),
        };
        let told = logged_writer(crate::words(Lang::En), &writer);
        assert!(told.contains("server's log") && told.contains("not proven"));
        assert!(told.contains("psql") && told.contains("10.0.0.5:4711"));
        (writer.application, writer.address) = (None, None);
        let told = logged_writer(crate::words(Lang::Zh), &writer);
        assert!(told.contains("shop") && told.contains("日志"), "{told}");
        assert!(!told.contains("程序"), "{told}");
    }
}
