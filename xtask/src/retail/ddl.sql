CREATE TABLE customers (
    id         INTEGER PRIMARY KEY,
    country    TEXT NOT NULL,
    first_seen TEXT NOT NULL
);

CREATE TABLE invoices (
    id          INTEGER PRIMARY KEY,
    invoice_no  TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    customer_id INTEGER REFERENCES customers (id),
    country     TEXT NOT NULL,
    invoiced_at TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    currency    TEXT NOT NULL
);
CREATE INDEX invoices_by_customer ON invoices (customer_id);

CREATE TABLE invoice_lines (
    id          INTEGER PRIMARY KEY,
    invoice_id  INTEGER NOT NULL REFERENCES invoices (id),
    stock_code  TEXT NOT NULL,
    description TEXT,
    quantity    INTEGER NOT NULL,
    unit_price  TEXT NOT NULL,
    unit_minor  INTEGER,
    invoiced_at TEXT NOT NULL
);
CREATE INDEX invoice_lines_by_invoice ON invoice_lines (invoice_id);

CREATE TABLE refunds (
    id           INTEGER PRIMARY KEY,
    invoice_id   INTEGER NOT NULL UNIQUE REFERENCES invoices (id),
    customer_id  INTEGER REFERENCES customers (id),
    amount_minor INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    refunded_at  TEXT NOT NULL
);
