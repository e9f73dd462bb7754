//! Collects the blocks of the document and numbers its chapters, sections and annexes.

use super::Block;
use crate::catalogue::{Catalogue, Value, words};
use plan::{Lang, Plan, Words};

pub(super) struct Writer<'a> {
    pub plan: &'a Plan,
    pub lang: Lang,
    pub words: &'static Catalogue,
    blocks: Vec<Block>,
    chapter: u32,
    section: u32,
    /// Letter of the annex under way; none in the chapters.
    annex: Option<char>,
}

impl<'a> Writer<'a> {
    pub fn new(plan: &'a Plan, lang: Lang) -> Self {
        Self {
            plan,
            lang,
            words: words(lang),
            blocks: Vec::new(),
            chapter: 0,
            section: 0,
            annex: None,
        }
    }
    pub fn finish(self) -> Vec<Block> {
        self.blocks
    }
    /// A word of the catalogue.
    pub fn word(&self, key: &str) -> String {
        self.words.text(key).into_owned()
    }
    pub fn with(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        self.words.with(key, values)
    }
    /// A text of the plan in the document's language.
    pub fn of(&self, text: &Words) -> String {
        text.in_lang(self.lang).to_owned()
    }

    pub fn title(&mut self, text: String) {
        self.blocks.push(Block::Title(text));
    }
    pub fn contents(&mut self, key: &str) {
        let text = self.word(key);
        self.blocks.push(Block::Contents(text));
    }
    pub fn chapter(&mut self, key: &str) {
        self.chapter += 1;
        self.section = 0;
        let text = format!("{} {}", self.chapter, self.word(key));
        self.blocks.push(Block::Heading { level: 1, text });
    }
    pub fn annex(&mut self, key: &str) {
        let letter = self.annex.map_or('A', |last| char::from(last as u8 + 1));
        self.annex = Some(letter);
        let title = self.word(key);
        let values = [
            ("letter", letter.to_string().into()),
            ("title", title.into()),
        ];
        let text = self.with("plan-annex", &values);
        self.blocks.push(Block::Heading { level: 1, text });
    }
    pub fn section(&mut self, key: &str) {
        let title = self.word(key);
        self.section_titled(&title);
    }
    pub fn section_titled(&mut self, title: &str) {
        self.section += 1;
        let text = match self.annex {
            None => format!("{}.{} {title}", self.chapter, self.section),
            Some(_) => title.to_owned(),
        };
        self.blocks.push(Block::Heading { level: 2, text });
    }
    pub fn part(&mut self, text: String) {
        self.blocks.push(Block::Heading { level: 3, text });
    }
    pub fn paragraph(&mut self, text: String) {
        self.blocks.push(Block::Paragraph(text));
    }
    pub fn note(&mut self, key: &str) {
        let text = self.word(key);
        self.paragraph(text);
    }
    pub fn list(&mut self, items: &[Words]) {
        let items = items.iter().map(|item| self.of(item)).collect();
        self.items(items);
    }
    pub fn items(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }
    pub fn facts(&mut self, facts: Vec<(&str, String)>) {
        let facts = facts.into_iter();
        let facts = facts.map(|(key, value)| (self.word(key), value)).collect();
        self.blocks.push(Block::Facts(facts));
    }
    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) {
        let head = head.iter().map(|key| self.word(key)).collect();
        self.blocks.push(Block::Table { head, rows });
    }
    pub fn text(&mut self, text: String) {
        self.blocks.push(Block::Text(text));
    }
}
