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

/// The asset under a hash and a name; another hash is another asset.
pub(crate) fn find(hash: &str, name: &str) -> Option<&'static Asset> {
    let path = format!("/assets/{hash}/{name}");
    [&*STYLE, &*SCRIPT, &*SIGN]
        .into_iter()
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
