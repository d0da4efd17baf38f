"""Commands that a payment's state, its account or its amounts forbid; and people's names that nothing may change."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.ids import new_id
from schemas.money import Price
from schemas.payments import CardRef, PaymentCommand, ProviderToken
from tests.acceptance.orders import FOREIGN_CARD, Orders, a_payment
from tests.builders import (
    a_buyer,
    a_cancel_payment,
    a_capture_payment,
    a_line,
    a_query_payment,
    a_refund_payment,
    an_address,
    lira,
    money,
)
from tests.hub import INTEGRATION, Hub, running_hub
from tests.recording import Recording, recording

RECORDED = "iyzico-recorded"
AUTH, CAPTURE, REFUND, REFUND_LINE = "/payment/auth", "/payment/postauth", "/v2/payment/refund", "/payment/refund"


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, wire: Recording) -> AsyncIterator[Hub]:
    urls = {RECORDED: wire.base_url}
    async with running_hub(stack.bootstrap, database_url, topic_prefix, base_urls=urls) as running:
        wire.target = running.sandbox.base_url
        yield running


@pytest_asyncio.fixture(scope="module")
async def wire() -> AsyncIterator[Recording]:
    """In front of the sandbox, for the integration `iyzico-recorded`."""
    async with recording() as kept:
        yield kept


@pytest.fixture
def orders(hub: Hub) -> Orders:
    return Orders(hub)


def sent(wire: Recording, result: Any, path: str) -> dict[str, Any]:
    """The one request of a result's deciding attempt."""
    found = [body for body in wire.bodies(path) if body["conversationId"] == result.performed.our_reference]
    (body,) = found
    return body


async def kept_out(hub: Hub, orders: Orders, before: list[PaymentCommand], forbidden: PaymentCommand) -> Any:
    """The refusal of `forbidden`, after `before` was performed; nothing of it went to the provider."""
    *_, result = await orders.results(*before, forbidden)
    assert result.verdict == "refused"
    assert result.attempts == 0
    assert result.detail
    await hub.caught_up()
    assert not [call for call in hub.calls if call.command_id == result.command_id]
    return result


def held(amount: str = "12.50", **changed: Any) -> tuple[PaymentCommand, UUID]:
    command = a_payment(lira(amount), capture="manual", **changed)
    return command, command.payment_id


def taken(amount: str = "12.50", **changed: Any) -> tuple[PaymentCommand, UUID]:
    command = a_payment(lira(amount), **changed)
    return command, command.payment_id


@pytest.mark.parametrize(
    ("name", "surname"),
    [
        ("İpek", "Iğdır"),
        ("ıtır", "İSMAİL"),
        ("Duygu 🌷", "👩‍👩‍👧"),
        ("Ali" * 100, "Ş" * 300),
        ("I\u0307nci", "O'Neil <b>&\"'"),
    ],
    ids=["capital dotted I", "small dotless i", "emoji", "300 letters", "combining dot"],
)
async def test_names_arrive_unchanged(orders: Orders, wire: Recording, name: str, surname: str) -> None:
    address = an_address(contact_name=f"{name} {surname}")
    buyer = a_buyer(name=name, surname=surname, address=address)
    line = a_line(lira("12.50"), name=name)
    command = a_payment(integration_id=RECORDED, buyer=buyer, billing_address=address, basket=(line,))

    result = await orders.result(command)

    assert result.verdict == "accepted"
    body = sent(wire, result, AUTH)
    assert (body["buyer"]["name"], body["buyer"]["surname"]) == (name, surname)
    assert body["billingAddress"]["contactName"] == f"{name} {surname}"
    assert body["basketItems"][0]["name"] == name


@pytest.mark.parametrize(("amount", "currency"), [("9899", "JPY"), ("1.000", "KWD"), ("5800", "KRW")])
async def test_a_currency_the_provider_does_not_take_is_refused_by_name(
    hub: Hub, orders: Orders, amount: str, currency: str
) -> None:
    result = await kept_out(hub, orders, [], a_payment(money(amount, currency)))
    assert (result.reason, result.failure) == ("currency_not_permitted", "invalid")
    assert str(result.requested) == f"{amount} {currency}"


async def test_a_refund_above_what_was_captured_is_refused(hub: Hub, orders: Orders) -> None:
    create, payment = taken()
    before = [create, a_refund_payment(payment, lira("2.00"))]
    result = await kept_out(hub, orders, before, a_refund_payment(payment, lira("10.51")))
    assert (result.reason, result.failure) == ("amount_exceeds_captured", "state")
    assert (await orders.result(a_refund_payment(payment, lira("10.50")))).verdict == "accepted"
    again = await kept_out(hub, orders, [], a_refund_payment(payment))
    assert again.reason == "amount_exceeds_captured"


async def test_a_refund_above_its_line_is_refused(hub: Hub, orders: Orders, wire: Recording) -> None:
    lines = a_line(lira("10.00"), "cup"), a_line(lira("2.50"), "spoon")
    create, payment = taken(basket=lines, integration_id=RECORDED)
    above = a_refund_payment(payment, lira("2.51"), line_id="spoon")
    assert (await kept_out(hub, orders, [create], above)).reason == "amount_exceeds_captured"
    strange = a_refund_payment(payment, lira("1.00"), line_id="fork")
    assert (await kept_out(hub, orders, [], strange)).reason == "unknown_line"

    whole = await orders.result(a_refund_payment(payment, line_id="spoon"))

    assert (whole.verdict, whole.line_id, whole.amount.minor) == ("accepted", "spoon", 250)
    assert sent(wire, whole, REFUND_LINE)["price"] == "2.50"
    nothing = a_refund_payment(payment, line_id="spoon")
    assert (await kept_out(hub, orders, [], nothing)).reason == "amount_exceeds_captured"


async def test_a_partial_refund_says_its_amount(orders: Orders, wire: Recording) -> None:
    create, payment = taken("46.60", integration_id=RECORDED)
    _, result = await orders.results(create, a_refund_payment(payment, lira("6.60")))
    assert sent(wire, result, REFUND)["price"] == "6.60"
    assert (result.amount.minor, result.refunded_total.minor) == (660, 660)


async def test_a_cancelled_payment_moves_no_more(hub: Hub, orders: Orders) -> None:
    create, payment = held()
    forbidden: list[PaymentCommand] = [a_capture_payment(payment), a_cancel_payment(payment), a_refund_payment(payment)]
    for index, command in enumerate(forbidden):
        before = [create, a_cancel_payment(payment)] if index == 0 else []
        result = await kept_out(hub, orders, before, command)
        assert (result.reason, result.failure) == ("payment_already_cancelled", "state")


async def test_a_query_does_not_bring_a_cancelled_payment_back(hub: Hub, orders: Orders) -> None:
    create, payment = taken()
    *_, query = await orders.results(create, a_cancel_payment(payment), a_query_payment(payment))
    assert query.verdict == "accepted"
    assert (await kept_out(hub, orders, [], a_refund_payment(payment))).reason == "payment_already_cancelled"
    await hub.projected()
    async with hub.database() as database:
        row = await database.fetchrow("select state, net from payment_totals where payment_id = $1", payment)
    assert (row["state"], row["net"]) == ("cancelled", 0)


async def test_a_cancel_after_a_partial_refund_gives_back_what_is_left(hub: Hub, orders: Orders) -> None:
    create, payment = taken("80.00")
    made, _, cancelled = await orders.results(
        create, a_refund_payment(payment, lira("30.00")), a_cancel_payment(payment)
    )
    assert (cancelled.verdict, cancelled.amount.minor) == ("accepted", 5000)
    booked = next(b for b in hub.sandbox.books.entries() if b.conversation_id == made.performed.our_reference)
    assert booked.net_minor == 0


async def test_a_capture_asks_in_the_currency_of_its_hold(hub: Hub, orders: Orders, wire: Recording) -> None:
    create = a_payment(money("9.98", "EUR"), card=FOREIGN_CARD, capture="manual", integration_id=RECORDED)
    wrong = a_capture_payment(create.payment_id, lira("9.98"))
    refused = await kept_out(hub, orders, [create], wrong)
    assert (refused.reason, refused.failure) == ("currency_mismatch", "invalid")

    result = await orders.result(a_capture_payment(create.payment_id))

    assert result.verdict == "accepted"
    body = sent(wire, result, CAPTURE)
    assert (body["paidPrice"], body["currency"]) == ("9.98", "EUR")


async def test_a_capture_takes_what_is_payable_now_and_never_more_than_was_held(
    hub: Hub, orders: Orders, wire: Recording
) -> None:
    create, payment = held("9.98", integration_id=RECORDED)
    refused = await kept_out(hub, orders, [create], a_capture_payment(payment, lira("10.20")))
    assert refused.reason == "amount_exceeds_authorized"

    result = await orders.result(a_capture_payment(payment, lira("9.79")))

    assert (result.verdict, result.captured_total.minor) == ("accepted", 979)
    assert sent(wire, result, CAPTURE)["paidPrice"] == "9.79"
    assert (await kept_out(hub, orders, [], a_capture_payment(payment))).reason == "not_authorized"


async def test_an_amount_of_int64_is_said_exactly(orders: Orders, wire: Recording) -> None:
    result = await orders.result(a_payment(Price(minor=2**63 - 1, currency="TRY"), integration_id=RECORDED))
    assert sent(wire, result, AUTH)["paidPrice"] == "92233720368547758.07"
    assert result.verdict in {"accepted", "refused"}


async def test_a_payment_is_created_once(hub: Hub, orders: Orders) -> None:
    create, payment = taken()
    again = a_payment(lira("99.00"), payment_id=payment)
    result = await kept_out(hub, orders, [create], again)
    assert (result.reason, result.failure) == ("payment_exists", "state")


async def test_after_a_decline_the_payment_may_be_tried_again_with_another_card(orders: Orders) -> None:
    declined, payment = taken(card="card-declined-10051")
    first, second = await orders.results(declined, a_payment(payment_id=payment))
    assert (first.verdict, first.reason, first.provider_code) == ("refused", "insufficient_funds", "10051")
    assert second.verdict == "accepted"
    assert first.performed.our_reference != second.performed.our_reference


@pytest.mark.parametrize("command", [a_query_payment(), a_capture_payment(), a_cancel_payment(), a_refund_payment()])
async def test_a_payment_that_nobody_created_is_not_found(hub: Hub, orders: Orders, command: PaymentCommand) -> None:
    result = await kept_out(hub, orders, [], command)
    assert (result.reason, result.failure) == ("payment_not_found", "state")


@pytest.mark.parametrize("integration", ["no-such-account", None], ids=["unknown", "left to guess"])
async def test_an_integration_is_never_guessed(hub: Hub, orders: Orders, integration: str | None) -> None:
    result = await kept_out(hub, orders, [], a_payment(integration_id=integration))
    assert (result.reason, result.failure) == ("unknown_integration", "configuration")


async def test_later_commands_go_where_the_payment_was_created(orders: Orders, wire: Recording) -> None:
    create, payment = taken(integration_id=RECORDED)
    _, refund = await orders.results(create, a_refund_payment(payment, lira("1.00"), integration_id=INTEGRATION))
    assert refund.performed.integration_id == RECORDED
    assert sent(wire, refund, REFUND)["price"] == "1.00"


async def test_a_method_the_provider_does_not_take_is_refused(hub: Hub, orders: Orders) -> None:
    command = a_payment(method=ProviderToken(kind="provider_token", token="tok_visa"))
    result = await kept_out(hub, orders, [], command)
    assert (result.reason, result.failure) == ("unsupported_method", "invalid")


async def test_a_card_that_is_gone_from_the_vault_is_expired(hub: Hub, orders: Orders) -> None:
    result = await kept_out(hub, orders, [], a_payment(method=CardRef(kind="card_ref", card_ref=new_id())))
    assert (result.reason, result.failure) == ("card_expired", "declined")
