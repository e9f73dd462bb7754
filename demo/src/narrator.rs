//! What the demo says while it runs: lines of the catalogue to whoever listens.

use document::{Catalogue, Value};
use plan::Lang;

/// Speaks one language to one listener.
pub struct Narrator {
    words: &'static Catalogue,
    line: Box<dyn Fn(&str) + Send + Sync>,
}

impl Narrator {
    pub fn new(lang: Lang, line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            words: document::words(lang),
            line: Box::new(line),
        }
    }
    pub fn lang(&self) -> Lang {
        self.words.lang()
    }
    pub fn say(&self, key: &str, values: &[(&str, Value<'_>)]) {
        (self.line)(&self.words.with(key, values));
    }
    pub fn line(&self, text: &str) {
        (self.line)(text);
    }
    pub fn text(&self, key: &str) -> String {
        self.words.text(key).into_owned()
    }
}
