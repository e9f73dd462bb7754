CREATE TABLE customers (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    phone      TEXT NOT NULL,
    email      TEXT NOT NULL,
    address    TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE staff (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL,
    role  TEXT NOT NULL,
    phone TEXT NOT NULL
);

CREATE TABLE orders (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id    INTEGER NOT NULL REFERENCES customers (id),
    status         TEXT NOT NULL,
    total_minor    INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    payee_account  TEXT NOT NULL,
    receiver_phone TEXT NOT NULL,
    placed_at      TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    shipped_at     TEXT
);
CREATE INDEX orders_by_status ON orders (status);
CREATE INDEX orders_by_customer ON orders (customer_id);

CREATE TABLE order_lines (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id   INTEGER NOT NULL REFERENCES orders (id),
    sku        TEXT NOT NULL,
    title      TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    unit_minor INTEGER NOT NULL
);
CREATE INDEX order_lines_by_order ON order_lines (order_id);

CREATE TABLE payments (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    customer_id   INTEGER NOT NULL REFERENCES customers (id),
    amount_minor  INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    payee_account TEXT NOT NULL,
    provider_ref  TEXT NOT NULL,
    paid_at       TEXT NOT NULL
);
CREATE INDEX payments_by_order ON payments (order_id);

CREATE TABLE refunds (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    customer_id   INTEGER NOT NULL REFERENCES customers (id),
    amount_minor  INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    payee_account TEXT NOT NULL,
    status        TEXT NOT NULL,
    created_at    TEXT NOT NULL
);
CREATE INDEX refunds_by_order ON refunds (order_id);
CREATE INDEX refunds_by_status ON refunds (status);
