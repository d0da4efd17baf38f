-- The sandbox's own books. Amounts are minor units; times are epoch milliseconds. No card number is kept:
-- `card_name` names one of the public cards.
CREATE TABLE IF NOT EXISTS payment (
    payment_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant_oid    TEXT    NOT NULL,
    kind            TEXT    NOT NULL CHECK (kind IN ('iframe', 'eft', 'direct', 'bkm', 'link')),
    state           TEXT    NOT NULL CHECK (state IN ('opened', 'running', 'paid', 'failed')),
    currency        TEXT    NOT NULL,
    amount_minor    INTEGER NOT NULL,              -- the order's
    paid_minor      INTEGER NOT NULL DEFAULT 0,    -- what the buyer paid, an instalment surcharge in it
    fee_minor       INTEGER NOT NULL DEFAULT 0,    -- what PayTR keeps of it
    installment     INTEGER NOT NULL DEFAULT 0,    -- 0 or 2 to 12
    most_installment INTEGER NOT NULL DEFAULT 12,  -- 1: none
    test_mode       INTEGER NOT NULL,
    email           TEXT    NOT NULL,
    ok_url          TEXT    NOT NULL DEFAULT '',
    fail_url        TEXT    NOT NULL DEFAULT '',
    card_name       TEXT,
    utoken          TEXT,
    ctoken          TEXT,
    store_card      INTEGER NOT NULL DEFAULT 0,
    reason_code     TEXT,                          -- set when it failed
    page_token      TEXT    UNIQUE,                -- of the page that the buyer is shown
    bank_token      TEXT    UNIQUE,                -- of the bank's page
    link_id         TEXT,
    ordered         TEXT,                          -- a fault ordered with its creation, for when the buyer pays
    ordered_s       REAL    NOT NULL DEFAULT 0,
    expires_ms      INTEGER,                       -- while opened or running: when it fails with reason 6
    decide_ms       INTEGER,                       -- while running: when it is decided ...
    decide_as       TEXT,                          -- ... as 'paid', or as failed with this reason
    created_ms      INTEGER NOT NULL,
    decided_ms      INTEGER,
    acknowledged_ms INTEGER                        -- when the store answered OK to the callback
);
CREATE INDEX IF NOT EXISTS payment_by_oid ON payment (merchant_oid);
CREATE INDEX IF NOT EXISTS payment_by_link ON payment (link_id) WHERE link_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS payment_undecided ON payment (decide_ms)
    WHERE state = 'running' AND decide_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS payment_expiring ON payment (expires_ms)
    WHERE state IN ('opened', 'running') AND expires_ms IS NOT NULL;

CREATE TABLE IF NOT EXISTS refund (
    refund_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id   INTEGER NOT NULL REFERENCES payment,
    amount_minor INTEGER NOT NULL,
    reference_no TEXT,
    created_ms   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS refund_by_payment ON refund (payment_id);

CREATE TABLE IF NOT EXISTS stored_card (
    ctoken      TEXT PRIMARY KEY,
    utoken      TEXT    NOT NULL,
    card_name   TEXT    NOT NULL,
    require_cvv INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS stored_card_by_user ON stored_card (utoken);

CREATE TABLE IF NOT EXISTS link (
    link_id       TEXT PRIMARY KEY,
    name          TEXT    NOT NULL,
    price_minor   INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    most_installment INTEGER NOT NULL,
    link_type     TEXT    NOT NULL CHECK (link_type IN ('product', 'collection')),
    max_count     INTEGER,
    callback_link TEXT,
    callback_id   TEXT,
    expires_ms    INTEGER,
    deleted_ms    INTEGER,
    messages      INTEGER NOT NULL DEFAULT 0,      -- sent by SMS or e-mail
    created_ms    INTEGER NOT NULL
);

-- Money that left for a seller's account: `ordered` until it is sent, `returned` when the bank gave it back.
CREATE TABLE IF NOT EXISTS transfer (
    transfer_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    trans_id           TEXT    NOT NULL UNIQUE,
    payment_id         INTEGER NOT NULL REFERENCES payment,
    seller_minor       INTEGER NOT NULL,
    total_minor        INTEGER NOT NULL,
    name               TEXT    NOT NULL,
    iban               TEXT    NOT NULL,
    due_ms             INTEGER NOT NULL,
    created_ms         INTEGER NOT NULL,
    sent_ms            INTEGER,
    returned_ms        INTEGER
);
CREATE INDEX IF NOT EXISTS transfer_waiting ON transfer (due_ms) WHERE sent_ms IS NULL;

-- Money that had come back and was sent again.
CREATE TABLE IF NOT EXISTS resend (
    resend_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    trans_id     TEXT    NOT NULL,
    position     INTEGER NOT NULL,                 -- within its request
    amount_minor INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    iban         TEXT    NOT NULL,
    due_ms       INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    sent_ms      INTEGER,
    UNIQUE (trans_id, position)
);
CREATE INDEX IF NOT EXISTS resend_waiting ON resend (due_ms) WHERE sent_ms IS NULL;

-- What the store is told, and until when it is told again. `due_ms` is null once nothing more is to be sent.
CREATE TABLE IF NOT EXISTS callback (
    callback_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    subject         TEXT    NOT NULL,              -- merchant_oid, or trans_id
    payment_id      INTEGER REFERENCES payment,    -- of those whose OK lets the money go
    url             TEXT    NOT NULL,
    form            TEXT    NOT NULL,              -- JSON, its hash in it
    repeats_left    INTEGER NOT NULL,
    due_ms          INTEGER,
    created_ms      INTEGER NOT NULL,
    acknowledged_ms INTEGER
);
CREATE INDEX IF NOT EXISTS callback_due ON callback (due_ms) WHERE due_ms IS NOT NULL;

CREATE TABLE IF NOT EXISTS attempt (
    attempt_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    callback_id INTEGER NOT NULL REFERENCES callback,
    forged      INTEGER NOT NULL,
    status      INTEGER,                           -- null: no answer
    answered    TEXT    NOT NULL,                  -- the first characters of it
    sent_ms     INTEGER NOT NULL
);

-- Names of basket lines whose fault marker has been used up.
CREATE TABLE IF NOT EXISTS used_marker (name TEXT PRIMARY KEY) WITHOUT ROWID;
