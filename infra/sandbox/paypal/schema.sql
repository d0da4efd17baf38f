-- The sandbox's own books. Amounts are minor units of ISO 4217; times are epoch milliseconds. No card number is kept.

-- Everything that has an id at PayPal. `body` is JSON, as it is answered, beside what is nobody's business but the
-- sandbox's (names that begin with an underscore).
CREATE TABLE IF NOT EXISTS resource (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_id TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    parent      TEXT,                           -- order of a movement, capture of a refund, customer of a token
    body        TEXT    NOT NULL,
    due_ms      INTEGER,                        -- when time alone changes it
    created_ms  INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS resource_by_kind ON resource (kind, position);
CREATE INDEX IF NOT EXISTS resource_by_parent ON resource (parent, kind) WHERE parent IS NOT NULL;
-- Whose invoice was paid before.
CREATE INDEX IF NOT EXISTS resource_by_invoice ON resource (json_extract(body, '$.invoice_id'))
    WHERE kind IN ('authorization', 'capture');
CREATE INDEX IF NOT EXISTS resource_due ON resource (due_ms) WHERE due_ms IS NOT NULL;

-- Every change of the merchant's balance.
CREATE TABLE IF NOT EXISTS movement (
    movement_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL CHECK (kind IN ('capture', 'sale', 'fee', 'refund', 'dispute', 'dispute_returned')),
    reference    TEXT    NOT NULL,              -- the capture, sale, refund or dispute
    about        TEXT,                          -- the order or subscription
    custom_id    TEXT,
    invoice_id   TEXT,
    currency     TEXT    NOT NULL,
    amount_minor INTEGER NOT NULL,
    at_ms        INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS movement_by_time ON movement (at_ms);
CREATE INDEX IF NOT EXISTS movement_by_invoice ON movement (invoice_id) WHERE invoice_id IS NOT NULL;

-- Request ids, and what is answered to a repeat.
CREATE TABLE IF NOT EXISTS kept_request (
    scope      TEXT    NOT NULL,                -- method and path
    request_id TEXT    NOT NULL,
    digest     TEXT    NOT NULL,                -- of the body
    status     INTEGER NOT NULL,
    body       TEXT,                            -- JSON
    about_kind TEXT,                            -- whose latest state is answered instead of `body`
    about_id   TEXT,
    until_ms   INTEGER NOT NULL,
    PRIMARY KEY (scope, request_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS access_token (
    token      TEXT    PRIMARY KEY,
    until_ms   INTEGER NOT NULL,
    asked      INTEGER NOT NULL,                -- how often it was given out
    revoked_ms INTEGER
) WITHOUT ROWID;

-- What the merchant is told, and until when it is told again. `due_ms` is null once nothing more is to be sent.
CREATE TABLE IF NOT EXISTS event (
    position        INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        TEXT    NOT NULL UNIQUE,
    event_type      TEXT    NOT NULL,
    resource_id     TEXT    NOT NULL,
    body            TEXT    NOT NULL,           -- the exact text
    transmission_id TEXT    NOT NULL,
    transmitted     TEXT    NOT NULL,           -- the time that is signed
    tries_left      INTEGER NOT NULL,
    repeats_left    INTEGER NOT NULL,
    due_ms          INTEGER,
    created_ms      INTEGER NOT NULL,
    acknowledged_ms INTEGER
);
CREATE INDEX IF NOT EXISTS event_due ON event (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS event_by_resource ON event (resource_id);

CREATE TABLE IF NOT EXISTS attempt (
    attempt_id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id   TEXT    NOT NULL REFERENCES event (event_id),
    forged     INTEGER NOT NULL,
    status     INTEGER,                         -- null: no answer
    sent_ms    INTEGER NOT NULL
);

-- Descriptions whose fault marker has been used up.
CREATE TABLE IF NOT EXISTS used_marker (name TEXT PRIMARY KEY) WITHOUT ROWID;
