-- The sandbox's own books. Amounts are minor units; times are epoch milliseconds. No card number is kept:
-- `card_name` names one of the public cards.
CREATE TABLE IF NOT EXISTS payment (
    payment_id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id         TEXT,
    basket_id               TEXT,
    kind                    TEXT    NOT NULL CHECK (kind IN ('auth', 'preauth')),
    currency                TEXT    NOT NULL,
    price_minor             INTEGER NOT NULL,
    paid_minor              INTEGER NOT NULL,              -- asked for: charged at once, or held
    captured_minor          INTEGER NOT NULL DEFAULT 0,
    capture_conversation_id TEXT,
    captured_ms             INTEGER,
    cancelled_ms            INTEGER,
    error_code              TEXT,                          -- set when the bank declined
    error_group             TEXT,
    installment             INTEGER NOT NULL,
    fraud_status            INTEGER NOT NULL DEFAULT 1,
    fraud_next              INTEGER,                       -- what a review ends in ...
    fraud_due_ms            INTEGER,                       -- ... and when
    card_name               TEXT    NOT NULL,
    card_user_key           TEXT,                          -- set when the card was stored while paying
    card_token              TEXT,
    created_ms              INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS payment_by_conversation ON payment (conversation_id);

CREATE TABLE IF NOT EXISTS line (
    line_id     INTEGER PRIMARY KEY AUTOINCREMENT,         -- iyzico's paymentTransactionId
    payment_id  INTEGER NOT NULL REFERENCES payment,
    item_id     TEXT    NOT NULL,
    price_minor INTEGER NOT NULL,
    paid_minor  INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS line_by_payment ON line (payment_id);

-- One row for each cancel or refund call that moved money (or lifted a hold) ...
CREATE TABLE IF NOT EXISTS reversal (
    reversal_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id      INTEGER NOT NULL REFERENCES payment,
    kind            TEXT    NOT NULL CHECK (kind IN ('cancel', 'refund')),
    conversation_id TEXT,
    amount_minor    INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS reversal_by_payment ON reversal (payment_id);

-- ... and how a refund spread over the lines.
CREATE TABLE IF NOT EXISTS reversal_part (
    part_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    reversal_id  INTEGER NOT NULL REFERENCES reversal,
    line_id      INTEGER NOT NULL REFERENCES line,
    amount_minor INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS reversal_part_by_reversal ON reversal_part (reversal_id);

CREATE TABLE IF NOT EXISTS card_user (
    card_user_key TEXT PRIMARY KEY,
    email         TEXT,
    external_id   TEXT
);

CREATE TABLE IF NOT EXISTS stored_card (
    card_token    TEXT PRIMARY KEY,
    card_user_key TEXT NOT NULL,
    card_name     TEXT NOT NULL,
    card_alias    TEXT
);
CREATE INDEX IF NOT EXISTS stored_card_by_user ON stored_card (card_user_key);

-- Baskets whose fault marker has been used up.
CREATE TABLE IF NOT EXISTS used_marker (basket_id TEXT PRIMARY KEY) WITHOUT ROWID;

-- How a payment goes that is not decided by its first call, or is not paid by a card. Without a row: decided, and by card.
CREATE TABLE IF NOT EXISTS course (
    payment_id INTEGER PRIMARY KEY REFERENCES payment,
    stage      TEXT,                                       -- INIT_THREEDS and the like; NULL once it is decided
    three_ds   INTEGER NOT NULL DEFAULT 0,
    md_status  INTEGER,                                    -- what the bank's page ended in
    means      TEXT    NOT NULL DEFAULT 'card',            -- card, bank_transfer, wallet
    token      TEXT                                        -- of the hosted page it was paid on
);

-- The bank's page for a payment with 3-D Secure.
CREATE TABLE IF NOT EXISTS bank_page (
    page_key          TEXT PRIMARY KEY,
    payment_id        INTEGER NOT NULL UNIQUE REFERENCES payment,
    callback_url      TEXT    NOT NULL,
    conversation_data TEXT    NOT NULL,
    wrong_codes       INTEGER NOT NULL DEFAULT 0,
    keep_card         TEXT,                                -- JSON: how the card is to be stored once it has paid
    review            TEXT                                 -- JSON: how a review of it is to end, and after how long
);

-- A hosted page that was started: what is asked there, and what came of it.
CREATE TABLE IF NOT EXISTS checkout (
    token        TEXT PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('auth', 'preauth', 'wallet', 'subscription', 'card_update')),
    callback_url TEXT    NOT NULL,
    terms        TEXT    NOT NULL,                         -- JSON: the order, or what is subscribed to
    created_ms   INTEGER NOT NULL,
    payment_id   INTEGER REFERENCES payment,               -- the last attempt
    result       TEXT                                      -- of a subscription's page: the reference that came of it
);

CREATE TABLE IF NOT EXISTS sub_merchant (
    sub_merchant_key TEXT PRIMARY KEY,
    external_id      TEXT NOT NULL UNIQUE,
    details          TEXT NOT NULL                         -- JSON: what was said at its onboarding
);

-- What of a line's price is a sub-merchant's, and when the merchant let it go.
CREATE TABLE IF NOT EXISTS line_share (
    line_id          INTEGER PRIMARY KEY REFERENCES line,
    sub_merchant_key TEXT    NOT NULL REFERENCES sub_merchant,
    amount_minor     INTEGER NOT NULL,
    approved_ms      INTEGER
);

-- Money that went to the merchant's or a sub-merchant's bank, came back from it, or moved between the two.
CREATE TABLE IF NOT EXISTS movement (
    movement_id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind             TEXT    NOT NULL CHECK (kind IN ('payout', 'bounced', 'to_sub_merchant', 'from_sub_merchant')),
    line_id          INTEGER REFERENCES line,              -- of a payout
    sub_merchant_key TEXT,                                 -- NULL: the merchant's own
    amount_minor     INTEGER NOT NULL,
    currency         TEXT    NOT NULL,
    conversation_id  TEXT,
    created_ms       INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS movement_by_line ON movement (line_id);

-- Payment links: a page that anybody may open, and pay on, again and again.
CREATE TABLE IF NOT EXISTS link (
    token       TEXT PRIMARY KEY,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    price_minor INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('ACTIVE', 'PASSIVE')),
    created_ms  INTEGER NOT NULL
);
