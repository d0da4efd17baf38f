"""What is published: thousands of commands, duplicates, and records that nobody can take, all from the seed.

Ids come from the seed and the moment of the run, so that a publisher that starts again makes the very same list, and
all that it sends twice are duplicates.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from schemas.envelope import Envelope
from schemas.money import Price
from schemas.payments import (
    Address,
    BasketLine,
    Buyer,
    CancelPayment,
    CapturePayment,
    CreatePayment,
    PaymentCommand,
    QueryPayment,
    RefundPayment,
    StoredCard,
)
from streams.codec import Outgoing, encode

INTEGRATION: Final = "iyzico-chaos"
SOURCE: Final = "/chaos/shop"
OPEN_PAYMENTS: Final = 300
"""How many payments have commands waiting in the list at one time."""

_CARDS: Final = (
    "card-akbank-credit", "card-akbank-debit", "card-denizbank-credit", "card-qnb-credit", "card-garanti-credit",
    "card-halkbank-credit", "card-isbank-credit", "card-vakifbank-credit", "card-yapikredi-credit",
)  # fmt: skip
_DECLINED: Final = ("card-declined-10051", "card-declined-10005", "card-declined-10012", "card-declined-10057")
_DUPLICATES: Final = 0.06
_UNREADABLE: Final = 0.015
_CONFLICTS: Final = 0.015


@dataclass(frozen=True, slots=True)
class Load:
    """The list.

    Attributes:
        records: in the order of publishing, each payment's commands in theirs.
        commands: each distinct command and its payment, in the order in which they stand first.
        duplicates, unreadable, conflicts: how many of the records are copies, are no commands at all, or use the id of
            another command.
    """

    records: tuple[Outgoing, ...]
    commands: dict[UUID, UUID]
    duplicates: int
    unreadable: int
    conflicts: int


def load(seed: int, commands: int, topic: str, began_at: datetime) -> Load:
    """At least `commands` commands, as many payments as they need. Pure."""
    return _Maker(seed, topic, began_at).make(commands)


@dataclass(frozen=True, slots=True)
class _Entry:
    command_id: UUID
    command: PaymentCommand
    conflict: bool = False


class _Maker:
    def __init__(self, seed: int, topic: str, began_at: datetime) -> None:
        self._dice = random.Random(f"load {seed}")  # noqa: S311 - repeatable on purpose
        self._topic = topic
        self._began_at = began_at
        self._began_ms = int(began_at.timestamp() * 1000)
        self._orders = 0

    def make(self, wanted: int) -> Load:
        records: list[Outgoing] = []
        commands: dict[UUID, UUID] = {}
        copies = unreadable = conflicts = 0
        for entry in self._interleaved(wanted):
            record = self._record(entry)
            records.append(record)
            conflicts += entry.conflict
            commands.setdefault(entry.command_id, entry.command.payment_id)
            if self._dice.random() < _DUPLICATES:
                # Right behind itself, or long after: what was published is what may be published again.
                records.append(record if self._dice.random() < 0.5 else self._dice.choice(records))  # noqa: PLR2004
                copies += 1
            if self._dice.random() < _UNREADABLE:
                records.append(self._bad())
                unreadable += 1
        return Load(tuple(records), commands, copies, unreadable, conflicts)

    def _interleaved(self, wanted: int) -> Iterator[_Entry]:
        """Payments overlap as in a shop, while each keeps its own order."""
        open_payments: list[list[_Entry]] = []
        made = 0
        while made < wanted or open_payments:
            while made < wanted and len(open_payments) < OPEN_PAYMENTS:
                payment = self._payment()
                made += sum(not entry.conflict for entry in payment)
                open_payments.append(payment)
            queue = self._dice.choice(open_payments)
            yield queue.pop(0)
            if not queue:
                open_payments.remove(queue)

    def _payment(self) -> list[_Entry]:
        payment_id, paid = self._id(), self._dice.randrange(1_000, 90_000)
        stories: list[tuple[int, Callable[[], list[PaymentCommand]]]] = [
            (14, lambda: [self._create(payment_id, paid)]),
            (24, lambda: [self._create(payment_id, paid), *self._refunds(payment_id, paid)]),
            (6, lambda: [self._create(payment_id, paid), _by_line(payment_id, paid // 4), _by_line(payment_id, None)]),
            (10, lambda: [self._create(payment_id, paid), CancelPayment(payment_id=payment_id)]),
            (10, lambda: [self._create(payment_id, paid), QueryPayment(payment_id=payment_id)]),
            (8, lambda: [self._hold(payment_id, paid), CapturePayment(payment_id=payment_id)]),
            (8, lambda: [self._hold(payment_id, paid), *self._captured(payment_id, paid)]),
            (5, lambda: [self._hold(payment_id, paid), CancelPayment(payment_id=payment_id)]),
            (3, lambda: [self._hold(payment_id, paid), _cancel(payment_id), CapturePayment(payment_id=payment_id)]),
            (7, lambda: [self._create(payment_id, paid, card=self._dice.choice(_DECLINED))]),
            (2, lambda: [self._create(payment_id, paid), self._create(payment_id, paid)]),
            (1, lambda: [CapturePayment(payment_id=payment_id)]),
            (2, lambda: [self._soon_over(payment_id, paid)]),
        ]
        (story,) = self._dice.choices([make for _, make in stories], [weight for weight, _ in stories])
        entries = [_Entry(self._id(), command) for command in story()]
        if self._dice.random() < _CONFLICTS * 2:
            # Behind the command whose id it takes: the first one in the log is the one that counts.
            place = self._dice.randrange(len(entries))
            other = RefundPayment(payment_id=payment_id, amount=_lira(1), reason="kimlik çakışması")
            entries.insert(place + 1, _Entry(entries[place].command_id, other, conflict=True))
        return entries

    def _refunds(self, payment_id: UUID, paid: int) -> list[PaymentCommand]:
        parts: list[PaymentCommand] = [
            RefundPayment(payment_id=payment_id, amount=_lira(paid // 5), reason="İade")
            for _ in range(self._dice.randint(1, 3))
        ]
        if self._dice.random() < 0.3:  # noqa: PLR2004 - some want all of it back
            parts.append(RefundPayment(payment_id=payment_id))
        if self._dice.random() < 0.1:  # noqa: PLR2004 - a few want more than there is
            parts.append(RefundPayment(payment_id=payment_id, amount=_lira(paid + 1)))
        return parts

    def _captured(self, payment_id: UUID, paid: int) -> list[PaymentCommand]:
        part = paid - paid // 4
        refund = RefundPayment(payment_id=payment_id, amount=_lira(part // 3))
        return [CapturePayment(payment_id=payment_id, amount=_lira(part)), refund, QueryPayment(payment_id=payment_id)]

    def _hold(self, payment_id: UUID, paid: int) -> CreatePayment:
        return self._create(payment_id, paid, capture="manual")

    def _soon_over(self, payment_id: UUID, paid: int) -> CreatePayment:
        return self._create(payment_id, paid, expires_at=self._began_at + timedelta(seconds=self._dice.uniform(5, 90)))

    def _create(self, payment_id: UUID, paid: int, *, card: str | None = None, **more: Any) -> CreatePayment:
        self._orders += 1
        address = Address(contact_name="Işıl Çağrı", line="Lale Sok. No:1", city="İstanbul", country="Türkiye")
        first = paid // 2
        lines = [("L1", first), ("L2", paid - first)] if self._dice.random() < 0.5 else [("L1", paid)]  # noqa: PLR2004
        given: dict[str, Any] = {
            "payment_id": payment_id,
            "integration_id": INTEGRATION,
            "order_id": f"C{self._orders:06d}",
            "method": StoredCard(
                kind="stored_card", card_token=card or self._dice.choice(_CARDS), customer_key="sandbox-wallet"
            ),
            "price": _lira(paid),
            "paid_price": _lira(paid),
            "buyer": Buyer(
                buyer_id=f"B{self._orders % 97}",
                name="Işıl",
                surname="Çağrı",
                email="alici@example.com",
                identity_number="74300864791",
                phone="+905350000000",
                ip="85.34.78.112",
                address=address,
            ),
            "billing_address": address,
            "shipping_address": address,
            "basket": tuple(
                BasketLine(line_id=line, name="Çay bardağı", category="Mutfak", goods="physical", price=_lira(minor))
                for line, minor in lines
            ),
        }
        return CreatePayment(**given, **more)

    def _record(self, entry: _Entry) -> Outgoing:
        command = entry.command
        envelope = Envelope(
            id=entry.command_id, type=command.type, source=SOURCE, subject=command.key, time=self._began_at
        )
        return encode(self._topic, command.key, envelope, command)

    def _bad(self) -> Outgoing:
        """A record that nobody can take: not JSON, no id, an unknown type, a tombstone, a card number."""
        key, command_id = self._id(), self._id()
        good = self._record(_Entry(command_id, RefundPayment(payment_id=key, reason="iade")))
        match self._dice.randrange(5):
            case 0:
                return Outgoing(good.topic, good.key, b"this is not JSON", good.headers)
            case 1:
                headers = tuple(pair for pair in good.headers if pair[0] != "ce_id")
                return Outgoing(good.topic, good.key, good.value, headers)
            case 2:
                headers = tuple((name, b"payments.teleport.v9" if name == "ce_type" else v) for name, v in good.headers)
                return Outgoing(good.topic, good.key, good.value, headers)
            case 3:
                return Outgoing(good.topic, good.key, None, good.headers)
            case _:
                body = {"payment_id": str(key), "reason": "kart 5528790000000008"}
                return Outgoing(good.topic, good.key, json.dumps(body).encode(), good.headers)

    def _id(self) -> UUID:
        """A UUIDv7 (RFC 9562) of the moment of the run, its other bits from the seed."""
        bits = self._dice.getrandbits(74)
        return UUID(int=self._began_ms << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1)


def moment(began_ms: int) -> datetime:
    """The moment of a run from its milliseconds since 1970."""
    return datetime.fromtimestamp(began_ms / 1000, tz=UTC)


def _lira(minor: int) -> Price:
    return Price(minor=minor, currency="TRY")


def _cancel(payment_id: UUID) -> CancelPayment:
    return CancelPayment(payment_id=payment_id, reason="Vazgeçti")


def _by_line(payment_id: UUID, minor: int | None) -> RefundPayment:
    return RefundPayment(payment_id=payment_id, line_id="L1", amount=None if minor is None else _lira(minor))
