//! The message catalogue: every word that a user reads, by key, in zh-CN and English (Fluent).
//!
//! Deliberately not here: the choice of the language (the edge knows the session and the
//! request) and texts of the plan, which are data of the plan itself.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use fluent_syntax::ast::Pattern;
use plan::Lang;
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// What stands for a `{ $name }` in a message: a text or a number.
pub use fluent_bundle::FluentValue as Value;

/// Every file of the catalogue; a key stands in one file only.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$(File {
            name: $name,
            zh: include_str!(concat!("../locales/zh-CN/", $name, ".ftl")),
            en: include_str!(concat!("../locales/en/", $name, ".ftl")),
        }),+]
    };
}

const FILES: &[File] = &files![
    "shell",
    "access",
    "api",
    "api_more",
    "web",
    "plan",
    "report",
    "refused",
    "seek",
    "incident",
    "investigation",
    "cli",
    "call_out",
    "policies",
    "policy",
    "source",
    "sources",
    "triage",
    "stack",
    "orders",
    "room",
    "rota",
    "brief",
    "tasks",
    "resources",
    "assessment",
    "settings",
    "channels",
    "webhooks",
    "mail",
];

struct File {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "names the file in a test's message")
    )]
    name: &'static str,
    zh: &'static str,
    en: &'static str,
}

impl File {
    fn source(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

/// The catalogue in one language. Cheap to share: one instance a language for the whole process.
pub struct Catalogue {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

/// The catalogue in a language.
pub fn words(lang: Lang) -> &'static Catalogue {
    static ZH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(Lang::Zh));
    static EN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(Lang::En));
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

impl Catalogue {
    pub fn lang(&self) -> Lang {
        self.lang
    }
    /// The text of a key. A missing key is our mistake: it is shown as the key itself in a
    /// release, and stops a debug build so that a test fails.
    pub fn text(&self, key: &str) -> Cow<'_, str> {
        self.get(key).unwrap_or_else(|| self.missing(key))
    }
    /// The text of a key with its variables filled in.
    pub fn with(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        let args: FluentArgs<'_> = values.iter().map(|(n, v)| (*n, v.clone())).collect();
        match self.pattern(key) {
            Some(pattern) => self.format(key, pattern, Some(&args)).into_owned(),
            None => self.missing(key).into_owned(),
        }
    }
    /// Whether the key has a text, whatever values it takes.
    pub fn has(&self, key: &str) -> bool {
        self.pattern(key).is_some()
    }
    /// The text of a key that may be unknown, such as one made from a rule's name.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        Some(self.format(key, self.pattern(key)?, None))
    }

    fn load(lang: Lang) -> Self {
        // Our own two tags always parse; the default would only change number forms.
        let language: LanguageIdentifier = lang.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Isolation marks would get into copied ids, CSV and terminals; the pages set `dir` and `lang`.
        bundle.set_use_isolating(false);
        for file in FILES {
            // What does not parse is left out here and named by the test.
            let resource = match FluentResource::try_new(file.source(lang).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(resource);
        }
        Self { lang, bundle }
    }
    fn pattern(&self, key: &str) -> Option<&Pattern<&str>> {
        self.bundle.get_message(key)?.value()
    }
    fn format<'a>(
        &'a self,
        key: &str,
        pattern: &'a Pattern<&'a str>,
        args: Option<&'a FluentArgs<'a>>,
    ) -> Cow<'a, str> {
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut faults);
        debug_assert!(faults.is_empty(), "message {key}: {faults:?}");
        text
    }
    fn missing(&self, key: &str) -> Cow<'_, str> {
        debug_assert!(false, "the catalogue lacks {key} in {}", self.lang);
        Cow::Owned(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fluent_syntax::ast::{Entry, Expression, InlineExpression, PatternElement};
    use std::collections::{BTreeMap, BTreeSet};

    type Keys = BTreeMap<String, BTreeSet<String>>;

    fn keys(file: &File, lang: Lang) -> Keys {
        let parsed = fluent_syntax::parser::parse(file.source(lang))
            .unwrap_or_else(|(_, faults)| panic!("{} {lang}: {faults:?}", file.name));
        let mut out = Keys::new();
        for entry in parsed.body {
            let Entry::Message(message) = entry else {
                continue;
            };
            let mut variables = BTreeSet::new();
            if let Some(pattern) = &message.value {
                in_pattern(pattern, &mut variables);
            }
            let twice = out.insert(message.id.name.to_owned(), variables);
            assert!(
                twice.is_none(),
                "{} {lang}: {} twice",
                file.name,
                message.id.name
            );
        }
        out
    }

    fn in_pattern(pattern: &Pattern<&str>, out: &mut BTreeSet<String>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                in_expression(expression, out);
            }
        }
    }

    fn in_expression(expression: &Expression<&str>, out: &mut BTreeSet<String>) {
        match expression {
            Expression::Inline(inline) => in_inline(inline, out),
            Expression::Select { selector, variants } => {
                in_inline(selector, out);
                for variant in variants {
                    in_pattern(&variant.value, out);
                }
            }
        }
    }

    fn in_inline(inline: &InlineExpression<&str>, out: &mut BTreeSet<String>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                out.insert(id.name.to_owned());
            }
            InlineExpression::Placeable { expression } => in_expression(expression, out),
            InlineExpression::FunctionReference { arguments, .. } => {
                for argument in &arguments.positional {
                    in_inline(argument, out);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn both_languages_have_the_same_keys_and_variables() {
        for file in FILES {
            let (zh, en) = (keys(file, Lang::Zh), keys(file, Lang::En));
            for (key, variables) in &zh {
                assert_eq!(en.get(key), Some(variables), "{} en: {key}", file.name);
            }
            for key in en.keys() {
                assert!(
                    zh.contains_key(key),
                    "{} zh-CN: {key} is missing",
                    file.name
                );
            }
        }
    }

    #[test]
    fn a_key_stands_in_one_file() {
        let mut seen = BTreeMap::new();
        for file in FILES {
            for key in keys(file, Lang::Zh).into_keys() {
                if let Some(other) = seen.insert(key.clone(), file.name) {
                    panic!("{key} stands in {other} and in {}", file.name);
                }
            }
        }
    }

    #[test]
    fn values_are_filled_in_without_marks() {
        let zh = words(Lang::Zh).with("common-of", &[("n", 3.into()), ("all", 7.into())]);
        let en = words(Lang::En).with("common-of", &[("n", 3.into()), ("all", 7.into())]);
        assert_eq!((zh.as_str(), en.as_str()), ("3 / 7", "3 of 7"));
    }

    #[test]
    fn an_unknown_key_may_be_asked_for() {
        assert_eq!(words(Lang::En).get("no-such-key-at-all"), None);
    }

    #[test]
    #[should_panic(expected = "the catalogue lacks")]
    fn a_missing_key_fails_a_test() {
        words(Lang::Zh).text("no-such-key-at-all");
    }
}
