"""What flows in the benchmark: one order, written once as the hub writes it, and ids filled in for each record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import uuid_utils
from pydantic import BaseModel

from providers.connector import Attempt
from providers.payments.iyzico import CONNECTOR
from providers.reference import reference_for
from schemas.envelope import Envelope, Header
from schemas.ids import result_id
from schemas.intents import SendIntended
from schemas.money import Money, Price
from schemas.payments import (
    Address,
    BasketLine,
    Buyer,
    CardSummary,
    CreatePayment,
    LineReference,
    Payment,
    PaymentCreated,
    Performed,
    StoredCard,
)
from schemas.provider_calls import ProviderCalled
from streams.codec import Outgoing, encode
from streams.publisher import partition_of
from streams.topics import Topics

INTEGRATION: Final = "iyzico-bench"
_SOURCE: Final = "/bench/shop"
_PAID: Final = Price(minor=34_990, currency="TRY")
_PAYMENT: Final = UUID("0190163d-8694-739b-aea5-966c26f8ad91")
_COMMAND: Final = UUID("0190163d-8694-739b-aea5-966c26f8ad92")
_EVENT: Final = UUID("0190163d-8694-739b-aea5-966c26f8ad93")
"""What stands in the forms where a record's own ids go."""
_TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Row = tuple[str, int, bytes, bytes, list[Header]]
"""Topic, partition, key, value and headers of one record."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Of one command; each as it is written into records."""

    payment: bytes
    command: bytes
    partition: int


class Form:
    """A record whose ids are blanks."""

    def __init__(self, topic: str, body: BaseModel, *, at: datetime) -> None:
        envelope = Envelope(
            id=_EVENT,
            type=type(body).type,  # type: ignore[attr-defined]  # every body of ours names its type
            source=_SOURCE,
            subject=str(_PAYMENT),
            time=at,
            traceparent=_TRACE,
        )
        record = encode(topic, str(_PAYMENT), envelope, body)
        self.topic = topic
        self._value = record.value or b""
        self._headers = record.headers

    def filled(self, ids: Ids, event: bytes) -> Row:
        payment, command = str(_PAYMENT).encode(), str(_COMMAND).encode()
        value = self._value.replace(payment, ids.payment).replace(command, ids.command)
        own = {"ce_id": event, "ce_subject": ids.payment}
        headers = [(name, own.get(name, kept)) for name, kept in self._headers]
        return self.topic, ids.partition, ids.payment, value, headers


def fresh_ids(count: int, partitions: int, *, payments: int | None = None) -> Iterator[Ids]:
    """Ids of `count` commands, each of a payment of its own, or of `payments` payments taken in turn."""
    keys: list[tuple[bytes, int]] = []
    distinct = count if payments is None else min(payments, count)
    for number in range(count):
        if number < distinct:
            key = str(uuid_utils.uuid4()).encode()
            keys.append((key, partition_of(key, partitions)))
        key, partition = keys[number % distinct]
        yield Ids(key, str(uuid_utils.uuid7()).encode(), partition)


def commands(topics: Topics, ids: Sequence[Ids] | Iterator[Ids]) -> Iterator[Row]:
    """A creation for each."""
    form = Form(topics.payment_commands.name, an_order(_PAYMENT), at=datetime.now(UTC))
    return (form.filled(one, one.command) for one in ids)


def as_outgoing(row: Row) -> Outgoing:
    topic, _, key, value, headers = row
    return Outgoing(topic, key, value, tuple(headers))


def whole_lives(topics: Topics, count: int) -> Iterator[Row]:
    """All that the hub's topics hold after `count` commands: command, intent, exchange and result of each."""
    at = datetime.now(UTC)
    asked = Form(topics.payment_commands.name, an_order(_PAYMENT), at=at)
    meant = Form(topics.intents.name, _an_intent(at), at=at)
    called = Form(topics.provider_calls.name, _a_call(at), at=at)
    ended = Form(topics.payment_events.name, _a_result(at), at=at)
    for ids in fresh_ids(count, topics.partitions):
        yield asked.filled(ids, ids.command)
        yield meant.filled(ids, str(uuid_utils.uuid7()).encode())
        yield called.filled(ids, str(uuid_utils.uuid7()).encode())
        yield ended.filled(ids, str(result_id(UUID(ids.command.decode()))).encode())


def results(topics: Topics, count: int) -> Iterator[Row]:
    """Results alone."""
    ended = Form(topics.payment_events.name, _a_result(datetime.now(UTC)), at=datetime.now(UTC))
    for ids in fresh_ids(count, topics.partitions):
        yield ended.filled(ids, str(uuid_utils.uuid7()).encode())


def requests(topic: str, partitions: int, count: int) -> Iterator[Row]:
    """The bodies that the connector sends to iyzico for such orders, ready made: the bare loop builds none."""
    order = an_order(_PAYMENT)
    blank = reference_for(_COMMAND, "a", 1, CONNECTOR.reference)
    (operation,) = (one for one in CONNECTOR.operations if one.command is CreatePayment)
    body = operation.build(order, Attempt(_COMMAND, 1, blank, Payment(payment_id=_PAYMENT), order.paid_price)).body
    for ids in fresh_ids(count, partitions):
        reference = reference_for(UUID(ids.command.decode()), "a", 1, CONNECTOR.reference)
        yield topic, ids.partition, ids.payment, body.replace(blank.encode(), reference.encode()), []


def an_order(payment_id: UUID) -> CreatePayment:
    address = Address(contact_name="Işıl Yılmaz", line="Lale Sok. No:1", city="İstanbul", country="Türkiye")
    return CreatePayment(
        payment_id=payment_id,
        integration_id=INTEGRATION,
        order_id="S00001",
        method=StoredCard(kind="stored_card", card_token="card-qnb-credit", customer_key="sandbox-wallet"),  # noqa: S106 - the sandbox's
        price=_PAID,
        paid_price=_PAID,
        buyer=Buyer(
            buyer_id="B1",
            name="Işıl",
            surname="Yılmaz",
            email="alici@example.com",
            identity_number="74300864791",
            phone="+905350000000",
            ip="85.34.78.112",
            address=address,
        ),
        billing_address=address,
        shipping_address=address,
        basket=(
            BasketLine(line_id="L1", name="Türk kahvesi takımı", category="Mutfak", goods="physical", price=_PAID),
        ),
    )


def _a_result(at: datetime) -> PaymentCreated:
    paid = Money(minor=_PAID.minor, currency=_PAID.currency)
    return PaymentCreated(
        payment_id=_PAYMENT,
        command_id=_COMMAND,
        command_type=CreatePayment.type,
        concluded_at=at,
        attempts=1,
        performed=Performed(
            integration_id=INTEGRATION, provider="iyzico", provider_reference="26000001", our_reference="a1" * 16
        ),
        order_id="S00001",
        state="captured",
        price=paid,
        paid_price=paid,
        instalments=1,
        method="stored_card",
        card=CardSummary(association="MASTER_CARD", card_type="CREDIT_CARD", bin_number="554960", last_four="0007"),
        lines=(LineReference(line_id="L1", provider_reference="28000001", paid=paid),),
        provider_fee=Money(minor=1071, currency="TRY"),
    )


def _a_call(at: datetime) -> ProviderCalled:
    return ProviderCalled(
        command_id=_COMMAND,
        integration_id=INTEGRATION,
        provider="iyzico",
        operation="create",
        attempt=1,
        method="POST",
        url_template="/payment/auth",
        status_code=200,
        outcome="accepted",
        duration_us=1_500,
        started_at=at,
        request="{" + '"locale":"en",' * 60 + '"price":"349.90"}',
        response="{" + '"status":"success",' * 60 + '"price":349.9}',
    )


def _an_intent(at: datetime) -> SendIntended:
    return SendIntended(
        command_id=_COMMAND,
        command_type=CreatePayment.type,
        command_digest="0" * 64,
        key=f"payments/{_PAYMENT}",
        attempt=1,
        integration_id=INTEGRATION,
        reference="a1" * 16,
        request_digest="1" * 64,
        epoch=1,
        ledger=_EVENT,
        intended_at=at,
    )
