-- Subscriptions. What each order took from a card is a row of `payment`, like any other money.
CREATE TABLE IF NOT EXISTS product (
    reference   TEXT PRIMARY KEY,
    name        TEXT    NOT NULL,
    description TEXT,
    created_ms  INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS plan (
    reference      TEXT PRIMARY KEY,
    product        TEXT    NOT NULL REFERENCES product,
    name           TEXT    NOT NULL,
    price_minor    INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    interval       TEXT    NOT NULL CHECK (interval IN ('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY')),
    interval_count INTEGER NOT NULL,
    trial_days     INTEGER NOT NULL,
    recurrences    INTEGER,                                -- NULL: without end
    created_ms     INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS customer (
    reference  TEXT PRIMARY KEY,
    email      TEXT    NOT NULL,
    gsm_number TEXT    NOT NULL,
    details    TEXT    NOT NULL,                           -- JSON: what was said of the person
    card_name  TEXT,                                       -- the card that pays for what is subscribed to next
    created_ms INTEGER NOT NULL,
    UNIQUE (email, gsm_number)
);

CREATE TABLE IF NOT EXISTS subscription (
    reference    TEXT PRIMARY KEY,
    parent       TEXT    NOT NULL,                         -- stays the same over upgrades
    customer     TEXT    NOT NULL,                         -- also of one who was deleted
    plan         TEXT    NOT NULL REFERENCES plan,
    status       TEXT    NOT NULL CHECK (
        status IN ('ACTIVE', 'PENDING', 'UNPAID', 'UPGRADED', 'CANCELED', 'EXPIRED')
    ),
    card_name    TEXT    NOT NULL,
    trial_days   INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    start_ms     INTEGER NOT NULL,
    paid_periods INTEGER NOT NULL,                         -- counts towards the plan's recurrences
    follows      TEXT REFERENCES subscription              -- takes that one's place when its next period begins
);

CREATE TABLE IF NOT EXISTS period_order (
    reference    TEXT PRIMARY KEY,
    subscription TEXT    NOT NULL REFERENCES subscription,
    price_minor  INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('SUCCESS', 'WAITING'))
);

-- Each time an order was put to the card's bank.
CREATE TABLE IF NOT EXISTS order_attempt (
    order_reference TEXT    NOT NULL REFERENCES period_order,
    payment_id      INTEGER NOT NULL REFERENCES payment
);
