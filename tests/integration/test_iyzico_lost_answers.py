"""The iyzico connector when an answer is lost, late or a refusal to try: what asking finds in the sandbox's books."""

from collections.abc import Callable

import pytest

from infra.sandbox.iyzico import FaultKind
from providers.outcome import Sighting
from schemas.errors import OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.payments import Payment, PaymentCommand
from schemas.verdicts import Verdict
from tests import builders
from tests.builders import lira
from tests.integration.iyzico_shop import CREATES, a_shop, paid_once

LOST = {
    "never": FaultKind.NEVER,
    "500": FaultKind.ERROR_AFTER,
    "reset": FaultKind.RESET_AFTER,
    "garbage": FaultKind.GARBAGE,
    "truncated": FaultKind.TRUNCATED,
    "empty": FaultKind.EMPTY,
}


@pytest.mark.parametrize("how", LOST)
async def test_a_charge_whose_answer_is_lost_is_found_by_asking_and_never_twice(how: str) -> None:
    async with a_shop() as shop:
        shop.fault(LOST[how], CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt, deadline_s=0.3)
        finding = await shop.ask(command, attempt)
        assert shop.booked().captured_minor == 1250
    assert (finding.sighting, finding.outcome and finding.outcome.verdict) == (Sighting.CONCLUDED, Verdict.ACCEPTED)
    assert [exchange.outcome for exchange in shop.exchanges] == ["unknown", "found"]


async def test_a_bank_that_was_silent_is_unknown_and_the_inquiry_knows_more() -> None:
    async with a_shop() as shop:
        shop.fault(FaultKind.BANK_TIMEOUT, CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        outcome = await shop.send(command, attempt)
        finding = await shop.ask(command, attempt)
    assert (outcome.verdict, outcome.their_code) == (Verdict.UNKNOWN, "10219")
    assert finding.sighting is Sighting.CONCLUDED


@pytest.mark.parametrize("kind", [FaultKind.ERROR_BEFORE, FaultKind.RESET_BEFORE])
async def test_what_was_never_performed_is_absent(kind: FaultKind) -> None:
    async with a_shop() as shop:
        shop.fault(kind, CREATES)
        command = paid_once("12.50")
        attempt = shop.attempt(command, command.paid_price)
        with pytest.raises(OutcomeUnknown):
            await shop.send(command, attempt)
        assert (await shop.ask(command, attempt)).sighting is Sighting.ABSENT
        assert shop.sandbox.books.entries() == ()


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY, FaultKind.LIMIT])
async def test_a_limit_is_throttled_and_nothing_was_performed(kind: FaultKind) -> None:
    async with a_shop() as shop:
        shop.fault(kind, CREATES)
        command = paid_once("12.50")
        with pytest.raises(Throttled):
            await shop.send(command, shop.attempt(command, command.paid_price))
        assert shop.sandbox.books.entries() == ()


Later = Callable[[Payment], tuple[PaymentCommand, Money]]
LATER: dict[str, tuple[str, str, Later]] = {
    "capture": ("/payment/postauth", "manual", lambda p: (builders.a_capture_payment(p.payment_id), lira("12.50"))),
    "cancel": ("/payment/cancel", "auto", lambda p: (builders.a_cancel_payment(p.payment_id), lira("12.50"))),
    "refund": ("/v2/payment/refund", "auto", lambda p: (builders.a_refund_payment(p.payment_id), lira("5.00"))),
    "refund of a line": (
        "/payment/refund",
        "auto",
        lambda p: (builders.a_refund_payment(p.payment_id, line_id="line-1"), lira("5.00")),
    ),
}


@pytest.mark.parametrize("what", LATER)
async def test_a_later_operation_whose_answer_is_lost_is_found_by_asking(what: str) -> None:
    path, capture, make = LATER[what]
    async with a_shop() as shop:
        payment = await shop.create(paid_once("12.50", capture=capture))
        command, amount = make(payment)
        attempt = shop.attempt(command, amount)
        assert (await shop.ask(command, attempt)).sighting is Sighting.ABSENT
        shop.fault(FaultKind.NEVER, path)
        with pytest.raises(OutcomeUnknown) as unknown:
            await shop.send(command, attempt, deadline_s=0.3)
        assert unknown.value.reason == "timeout"
        finding = await shop.ask(command, attempt)
    assert finding.sighting is Sighting.CONCLUDED
    assert finding.outcome is not None
    assert finding.outcome.verdict is Verdict.ACCEPTED
    assert finding.outcome.amount is not None
    assert finding.outcome.amount.minor == amount.minor
