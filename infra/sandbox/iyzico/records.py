"""What stands in the books, as values: payments with their lines and reversals, and the totals over them."""

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Literal

_LONGEST_ID = 15

State = Literal["started", "held", "charged", "cancelled", "rejected", "declined"]
Stage = Literal["INIT_THREEDS", "CALLBACK_THREEDS", "INIT_BANK_TRANSFER"]
Means = Literal["card", "bank_transfer", "wallet"]

_PAYMENT_COLUMNS = (
    "payment_id, conversation_id, basket_id, kind, currency, price_minor, paid_minor, captured_minor, "
    "capture_conversation_id, captured_ms, cancelled_ms, error_code, error_group, installment, fraud_status, "
    "fraud_next, fraud_due_ms, card_name, card_user_key, card_token, created_ms, "
    "stage, three_ds, md_status, means, token"
)


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One basket line. `paid_minor` is its share of the amount held or charged.

    `sub_merchant_minor` of it is a sub-merchant's. A line with one is paid out after the merchant approved it.
    """

    payment_transaction_id: str
    item_id: str
    price_minor: int
    paid_minor: int
    refunded_minor: int
    sub_merchant_key: str | None = None
    sub_merchant_minor: int = 0
    approved_ms: int | None = None
    paid_out_ms: int | None = None

    @property
    def approved(self) -> bool:
        return self.sub_merchant_key is None or self.approved_ms is not None


@dataclass(frozen=True, slots=True)
class BookedReversal:
    """One cancel or refund call; `parts` are (payment_transaction_id, amount_minor, part id)."""

    reversal_id: str
    kind: Literal["cancel", "refund"]
    conversation_id: str | None
    amount_minor: int
    created_ms: int
    parts: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """One payment as it stands. `paid_minor` was asked for, `captured_minor` was taken from the card.

    `stage` names what a payment waits for that was begun and not yet decided; `token` is that of its hosted page.
    """

    payment_id: str
    conversation_id: str | None
    basket_id: str | None
    kind: Literal["auth", "preauth"]
    currency: str
    price_minor: int
    paid_minor: int
    captured_minor: int
    capture_conversation_id: str | None
    captured_ms: int | None
    cancelled_ms: int | None
    error_code: str | None
    error_group: str | None
    installment: int
    fraud_status: int
    card_name: str
    card_user_key: str | None
    card_token: str | None
    created_ms: int
    lines: tuple[BookedLine, ...]
    reversals: tuple[BookedReversal, ...]
    stage: Stage | None = None
    three_ds: bool = False
    md_status: int | None = None
    means: Means = "card"
    token: str | None = None

    @property
    def state(self) -> State:
        if self.error_code is not None:
            return "declined"
        if self.stage is not None:
            return "started"
        if self.fraud_status < 0:
            return "rejected"
        if self.cancelled_ms is not None:
            return "cancelled"
        return "held" if self.captured_ms is None else "charged"

    @property
    def status(self) -> str:
        """Iyzico's word for it, as detail, hosted results and webhooks have it."""
        if self.error_code is not None or self.state == "rejected":
            return "FAILURE"
        return self.stage or "SUCCESS"

    @property
    def charged_minor(self) -> int:
        """What was taken from the card, before refunds; nothing when a fraud review or a decline stopped it."""
        return 0 if self.state in ("declined", "rejected", "started") else self.captured_minor

    @property
    def captured(self) -> bool:
        return self.charged_minor > 0

    @property
    def cancelled(self) -> bool:
        return self.cancelled_ms is not None

    @property
    def refunded_minor(self) -> int:
        return sum(reversal.amount_minor for reversal in self.reversals if reversal.kind == "refund")

    @property
    def net_minor(self) -> int:
        """What the merchant is left with."""
        return 0 if self.cancelled else self.charged_minor - self.refunded_minor


def all_payments(connection: sqlite3.Connection, now_ms: int) -> tuple[BookedPayment, ...]:
    """Every payment by id, in three statements whatever their number."""
    return _assemble(connection, now_ms, "1 = 1", ())


def payment_by_id(connection: sqlite3.Connection, payment_id: object, now_ms: int) -> BookedPayment | None:
    if (number := _id_number(payment_id)) is None:
        return None
    found = _assemble(connection, now_ms, "payment_id = ?", (number,))
    return found[0] if found else None


def payments_by_conversation(
    connection: sqlite3.Connection, conversation_id: str, now_ms: int
) -> tuple[BookedPayment, ...]:
    return _assemble(connection, now_ms, "conversation_id = ?", (conversation_id,))


def payment_of_line(connection: sqlite3.Connection, line_id: object, now_ms: int) -> BookedPayment | None:
    row = connection.execute("SELECT payment_id FROM line WHERE line_id = ?", (_id_number(line_id),)).fetchone()
    return payment_by_id(connection, row[0], now_ms) if row else None


def _id_number(value: object) -> int | None:
    """Ids are given out as numbers below 10^15; anything else names nothing."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID else None


def _assemble(
    connection: sqlite3.Connection, now_ms: int, where: str, values: tuple[object, ...]
) -> tuple[BookedPayment, ...]:
    """`where` is one of the fixed texts above, never a request's; `values` are bound."""
    rows = connection.execute(
        f"SELECT {_PAYMENT_COLUMNS} FROM payment LEFT JOIN course USING (payment_id) "  # noqa: S608 -- fixed texts only
        f"WHERE {where} ORDER BY payment_id",
        values,
    ).fetchall()
    if not rows:
        return ()
    chosen = f"payment_id IN (SELECT payment_id FROM payment WHERE {where})"  # noqa: S608 -- fixed texts only
    parts: defaultdict[int, list[tuple[str, int, str]]] = defaultdict(list)
    refunded: Counter[int] = Counter()
    for reversal_id, line_id, amount, part_id in connection.execute(
        "SELECT reversal_id, line_id, reversal_part.amount_minor, part_id FROM reversal_part "  # noqa: S608 -- as above
        f"JOIN reversal USING (reversal_id) WHERE {chosen} ORDER BY part_id",
        values,
    ):
        parts[reversal_id].append((str(line_id), amount, str(part_id)))
        refunded[line_id] += amount
    reversals: defaultdict[int, list[BookedReversal]] = defaultdict(list)
    for payment_id, reversal_id, kind, conversation_id, amount, created in connection.execute(
        "SELECT payment_id, reversal_id, kind, conversation_id, amount_minor, created_ms FROM reversal "  # noqa: S608
        f"WHERE {chosen} ORDER BY reversal_id",
        values,
    ):
        reversals[payment_id].append(
            BookedReversal(str(reversal_id), kind, conversation_id, amount, created, tuple(parts[reversal_id]))
        )
    lines: defaultdict[int, list[BookedLine]] = defaultdict(list)
    for payment_id, line_id, item_id, price, paid, key, share, approved, paid_out in connection.execute(
        "SELECT payment_id, line.line_id, item_id, price_minor, paid_minor, line_share.sub_merchant_key, "  # noqa: S608 -- as above
        "IFNULL(line_share.amount_minor, 0), approved_ms, "
        "(SELECT min(created_ms) FROM movement WHERE movement.line_id = line.line_id AND kind = 'payout') "
        f"FROM line LEFT JOIN line_share USING (line_id) WHERE {chosen} ORDER BY line.line_id",
        values,
    ):
        lines[payment_id].append(
            BookedLine(str(line_id), item_id, price, paid, refunded[line_id], key, share, approved, paid_out)
        )
    return tuple(_payment(row, now_ms, tuple(lines[row[0]]), tuple(reversals[row[0]])) for row in rows)


def _payment(
    row: tuple[object, ...], now_ms: int, lines: tuple[BookedLine, ...], reversals: tuple[BookedReversal, ...]
) -> BookedPayment:
    fields: dict[str, object] = dict(zip(_PAYMENT_COLUMNS.split(", "), row, strict=True))
    verdict, due = fields.pop("fraud_next"), fields.pop("fraud_due_ms")
    if isinstance(due, int) and due <= now_ms:  # a review that is over counts as its verdict from then on
        fields["fraud_status"] = verdict
    fields["payment_id"] = str(fields["payment_id"])
    fields["three_ds"] = bool(fields["three_ds"])
    fields["means"] = fields["means"] or "card"
    return BookedPayment(**fields, lines=lines, reversals=reversals)  # type: ignore[arg-type]  # columns are typed by schema.sql
