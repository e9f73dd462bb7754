//! What can go wrong in the demo.

use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum DemoError {
    #[error("{} is not a demo's folder; give another one with --data, or remove it", folder.display())]
    NotOurs { folder: PathBuf },
    #[error("{}: cannot be written", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    #[error(transparent)]
    Shop(#[from] crate::shop::ShopError),
    #[error(transparent)]
    Desk(#[from] desk::DeskError),
    #[error(transparent)]
    Web(#[from] web::WebError),
    #[error(transparent)]
    Browser(#[from] crate::browser::BrowserError),
    #[error("{0}")]
    Story(String),
    #[error("an object of ours does not serialise")]
    Json(#[from] serde_json::Error),
}
