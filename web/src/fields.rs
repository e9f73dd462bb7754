//! Names and values of a form, a query or a path, as they came.

/// Names and values in the order sent. Values are free text of strangers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a name, trimmed; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.trim())
    }
    /// The first value of a name, where there is one that is not blank.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|v| !v.is_empty())
    }
    /// Whether a name stands there at all, if only blank.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
    /// Every value of a name that is not blank.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.trim())
            .filter(|v| !v.is_empty())
    }
    pub fn ticked(&self, name: &str) -> bool {
        self.given(name).is_some()
    }
}
