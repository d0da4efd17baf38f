-- The sandbox's own books. `document` holds each object as Stripe gives it, with private members whose names begin with
-- an underscore; amounts are in Stripe's own unit, moments in epoch seconds inside documents and milliseconds in columns.
-- No card number is kept: a payment method names one of the public test cards.
CREATE TABLE IF NOT EXISTS document (
    position INTEGER PRIMARY KEY AUTOINCREMENT,    -- lists go by it, the newest first
    account  TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    kind     TEXT    NOT NULL,                     -- the object's `object`
    created  INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    UNIQUE (account, id)
);
CREATE INDEX IF NOT EXISTS document_by_kind ON document (account, kind, position);
CREATE INDEX IF NOT EXISTS document_by_customer ON document (account, kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS document_by_intent ON document (account, kind, json_extract(body, '$.payment_intent'));

-- What time alone brings about.
CREATE TABLE IF NOT EXISTS due (
    due_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    about   TEXT    NOT NULL,                      -- an object's id
    at_ms   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS due_by_moment ON due (at_ms, due_id);

-- The first answer under each key.
CREATE TABLE IF NOT EXISTS kept_answer (
    account    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    asked      TEXT    NOT NULL,                   -- method, path and parameters
    status     INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_answer_by_age ON kept_answer (at_ms);

-- Events on their way to the configured address. `due_ms` is null once nothing more is to be sent.
CREATE TABLE IF NOT EXISTS delivery (
    delivery_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        TEXT    NOT NULL,
    about           TEXT    NOT NULL,              -- the object's id
    url             TEXT    NOT NULL,
    body            TEXT    NOT NULL,              -- the exact text
    tries_left      INTEGER NOT NULL,
    repeats_left    INTEGER NOT NULL,              -- though it was taken
    due_ms          INTEGER,
    created_ms      INTEGER NOT NULL,
    acknowledged_ms INTEGER
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_ms) WHERE due_ms IS NOT NULL;

CREATE TABLE IF NOT EXISTS attempt (
    attempt_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES delivery,
    forged      INTEGER NOT NULL,
    status      INTEGER,                           -- null: no answer
    sent_ms     INTEGER NOT NULL
);

-- Orders whose fault marker has been used up.
CREATE TABLE IF NOT EXISTS used_marker (name TEXT PRIMARY KEY) WITHOUT ROWID;
