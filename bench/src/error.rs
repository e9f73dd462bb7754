//! What keeps a figure from being measured.

use thiserror::Error;

#[derive(Debug, Error)]
pub enum BenchError {
    #[error("there is no measurement `{wanted}`; there are {known}")]
    Unknown { wanted: String, known: String },
    #[error(
        "this folder lies in memory, so that an fsync would cost nothing; change to a folder on a disk"
    )]
    InMemory,
    #[error("the bench's files cannot be written or read")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Desk(#[from] desk::DeskError),
    #[error(transparent)]
    Command(#[from] desk::CommandError),
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    #[error(transparent)]
    Shop(#[from] demo::shop::ShopError),
    #[error(transparent)]
    Page(#[from] demo::browser::BrowserError),
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    #[error("the bench's shop cannot be used")]
    Sql(#[from] rusqlite::Error),
    /// A throwaway database server, or a program beside it, refused.
    #[error(
        "a throwaway database server, or a program measured beside it, refused; name the other measurements with --only to leave it out: {0}"
    )]
    Server(String),
    /// What was measured did not do its work, so that its time would say nothing.
    #[error("{0}")]
    Unsound(String),
}
