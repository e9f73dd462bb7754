//! Texts with named places, `${to}` and the like, filled with what is escaped for where it stands.
//!
//! Deliberately not here: conditions, loops, or any way to say which value is looked up.

use crate::notify::sign::percent;
use std::collections::BTreeMap;

/// A body of a gateway's call.
pub const MAX_TEMPLATE_BYTES: usize = 4_096;
const PLACES: [&str; 4] = ["to", "text", "id", "secret"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// Inside a string of JSON.
    Json,
    /// A value of a form.
    Form,
    /// A header: visible ASCII, the rest percent-encoded.
    Header,
}

/// What a gateway is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Json(Template),
    Form(Template),
}

impl Template {
    /// The error names the place that does not exist.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(format!("is longer than {MAX_TEMPLATE_BYTES} bytes"));
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find("${") {
            let after = &rest[at + 2..];
            let name = after.split('}').next().unwrap_or_default();
            let known = PLACES.iter().find(|place| **place == name);
            let Some(known) = known.filter(|_| after.len() > name.len()) else {
                return Err(format!(
                    "has the place `${{{}}}`; there are ${{to}}, ${{text}}, ${{id}} and ${{secret}}",
                    name.chars().take(20).collect::<String>().escape_debug()
                ));
            };
            parts.push(Part::Text(rest[..at].to_owned()));
            parts.push(Part::Place(known));
            rest = &after[name.len() + 1..];
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    pub fn has(&self, place: &str) -> bool {
        self.parts
            .iter()
            .any(|p| matches!(p, Part::Place(name) if *name == place))
    }

    pub(super) fn fill(&self, values: &BTreeMap<&str, &str>, escaping: Escaping) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => escaping.escape(values.get(name).copied().unwrap_or_default()),
        });
        parts.collect()
    }
}

impl Escaping {
    fn escape(self, value: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Form => percent(value),
            Self::Header => value
                .chars()
                .map(|c| match c {
                    ' '..='~' => c.to_string(),
                    _ => percent(c.encode_utf8(&mut [0; 4])),
                })
                .collect(),
        }
    }
}

impl Body {
    /// Checked with a value that would break out of its place if it could.
    pub fn parse(format: &str, text: &str) -> Result<Self, String> {
        let template = Template::parse(text)?;
        if !template.has("to") || !template.has("text") {
            return Err("must have the places ${to} and ${text}".into());
        }
        let body = match format {
            "json" => Self::Json(template),
            "form" => Self::Form(template),
            _ => return Err("has a `format` that is neither `json` nor `form`".into()),
        };
        let hostile = "\",\"x\":{\\";
        let values = PLACES.iter().map(|place| (*place, hostile)).collect();
        let filled = body.fill(&values);
        if matches!(body, Self::Json(_))
            && serde_json::from_str::<serde_json::Value>(&filled).is_err()
        {
            return Err("is no JSON; put each place inside quotes, as in {\"phone\":\"${to}\",\"text\":\"${text}\"}".into());
        }
        Ok(body)
    }

    pub(super) fn fill(&self, values: &BTreeMap<&str, &str>) -> String {
        match self {
            Self::Json(template) => template.fill(values, Escaping::Json),
            Self::Form(template) => template.fill(values, Escaping::Form),
        }
    }

    pub(super) const fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json; charset=utf-8",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_named_places_exist() {
        for bad in ["${env}", "${to", "${}", "${to.x}", "${ to }"] {
            let said = Template::parse(bad).unwrap_err();
            assert!(said.contains("${text}"), "{bad}: {said}");
        }
        assert!(Body::parse("json", "{\"p\":\"${to}\"}").is_err());
        assert!(Body::parse("json", "{\"p\":${to},\"t\":\"${text}\"}").is_err());
        assert!(Body::parse("xml", "${to}${text}").is_err());
    }

    proptest! {
        #[test]
        fn no_value_breaks_out_of_its_place(to in any::<String>(), text in any::<String>()) {
            let values = BTreeMap::from([("to", to.as_str()), ("text", &text), ("id", "1"), ("secret", "s")]);
            let body = Body::parse("json", r#"{"p":"${to}","m":["${text}"],"k":"${secret}"}"#).unwrap();
            let filled: serde_json::Value = serde_json::from_str(&body.fill(&values)).unwrap();
            prop_assert_eq!(filled, serde_json::json!({"p": to, "m": [text], "k": "s"}));
            let form = Body::parse("form", "p=${to}&m=${text}").unwrap().fill(&values);
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            prop_assert_eq!(pairs, vec![("p".to_owned(), to.clone()), ("m".to_owned(), text.clone())]);
            let header = Template::parse("Bearer ${text}").unwrap().fill(&values, Escaping::Header);
            prop_assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)));
        }
    }
}
