//! How the store gets into a throwaway PostgreSQL.

use store::{PostgresSettings, PostgresTls};
use testkit::postgres::Database;

/// As the superuser of a throwaway server, who needs no password.
pub fn settings(database: &Database) -> PostgresSettings {
    PostgresSettings {
        host: "127.0.0.1".to_owned(),
        port: database.port(),
        database: database.name().to_owned(),
        user: "postgres".to_owned(),
        password_file: None,
        tls: PostgresTls::Off,
        ca_file: None,
    }
}
