-- Times are microseconds since 1970-01-01T00:00:00Z. `number` counts rows of a table in the
-- order of their commits and is never given twice.

CREATE TABLE fact (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT    NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    at       INTEGER NOT NULL,
    json     TEXT    NOT NULL,
    UNIQUE (incident, sequence)
);
CREATE INDEX fact_opening ON fact (number, incident) WHERE sequence = 0;

CREATE TABLE finding (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,
    incident  TEXT,
    source    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    stored_at INTEGER NOT NULL,
    json      TEXT    NOT NULL
);
CREATE INDEX finding_incident ON finding (incident, number);
CREATE INDEX finding_source ON finding (source, number);
CREATE INDEX finding_kind ON finding (kind, number);

CREATE TABLE document (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    json       TEXT    NOT NULL,
    UNIQUE (collection, id)
);
CREATE INDEX document_collection ON document (collection, number);

CREATE TABLE outbox (
    number             INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 TEXT    NOT NULL UNIQUE,
    incident           TEXT,
    channel            TEXT    NOT NULL,
    kind               TEXT    NOT NULL,
    state              TEXT    NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'cancelled')),
    due_at             INTEGER NOT NULL,
    changed_at         INTEGER,
    attempts           INTEGER NOT NULL DEFAULT 0,
    possible_duplicate INTEGER NOT NULL DEFAULT 0,
    note               TEXT    NOT NULL DEFAULT '',
    json               TEXT    NOT NULL
);
CREATE INDEX outbox_due ON outbox (due_at, number) WHERE state = 'pending';
CREATE INDEX outbox_sending ON outbox (number) WHERE state = 'sending';
CREATE INDEX outbox_incident ON outbox (incident, number);

CREATE TABLE leaf (
    sequence INTEGER PRIMARY KEY,
    bytes    BLOB    NOT NULL
);
-- One row. `next` outlives pruned leaves; `copied` is how many the journal holds.
CREATE TABLE leaf_count (
    next   INTEGER NOT NULL,
    copied INTEGER NOT NULL CHECK (copied <= next)
);
INSERT INTO leaf_count (next, copied) VALUES (0, 0);

CREATE TABLE progress (
    name     TEXT    PRIMARY KEY,
    position INTEGER NOT NULL
);

CREATE TABLE account (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    positions     TEXT    NOT NULL,
    disabled      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    language      TEXT    NOT NULL
);

-- Tokens are kept as their SHA-256 only.
CREATE TABLE session (
    token      BLOB    PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    csrf       TEXT    NOT NULL
);
CREATE INDEX session_account ON session (account, created_at);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE login_link (
    token      BLOB    PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX login_link_account ON login_link (account);

CREATE TABLE login_attempt (
    subject      TEXT    PRIMARY KEY,
    attempts     INTEGER NOT NULL,
    window_start INTEGER NOT NULL
);
CREATE INDEX login_attempt_age ON login_attempt (window_start);
