"""What a command came to is told once, whatever becomes of the card that paid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.ledger import Conclusion, StoredResult
from agents.payments.finish import Finisher
from agents.payments.records import PaymentRecords
from schemas.envelope import REPUBLISHED
from schemas.errors import StoreError
from schemas.ids import new_id
from schemas.payments import CardRef, CompleteThreeDSecure, DisputeOpened, LateOutcome, PaymentNoticed
from schemas.verdicts import FailureClass
from streams.codec import Outgoing
from streams.topics import Topics
from tests.builders import (
    NOON,
    a_command_pending,
    a_command_refused,
    a_command_unknown,
    a_dispute,
    a_payment_created,
    a_payment_noticed,
    a_payment_queried,
    a_payment_reauthorized,
    an_outcome_resolved,
    lira,
    performed,
)
from tests.unit.agents.works import a_work

TOPICS = Topics("t", 1)
COMPLETION = CompleteThreeDSecure.type


class Log:
    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records += records


class Vault:
    async def discard(self, _: object) -> None:
        raise StoreError("the vault's account is locked")


class Books:
    """A ledger that takes every conclusion."""

    def __init__(self) -> None:
        self.told: list[Conclusion] = []

    async def conclude(self, conclusion: Conclusion) -> bool:
        self.told.append(conclusion)
        return True


def a_finisher(log: Any, cards: Any = None, ledger: Any = None) -> Finisher:
    return Finisher(
        ledger=ledger,
        publisher=log,
        topics=TOPICS,
        records=PaymentRecords(TOPICS),
        cards=cards,
        now=lambda: datetime.now(UTC),
    )


async def test_a_vault_that_fails_does_not_have_a_result_told_again_and_again() -> None:
    log = Log()
    finisher = a_finisher(log, Vault())
    await finisher.again(a_work(method=CardRef(kind="card_ref", card_ref=new_id())), StoredResult(b"{}", ()), None)
    assert [record.value for record in log.records] == [b"{}"]


async def test_a_result_that_is_told_again_and_its_dispute_s_fact_say_that_they_are_copies() -> None:
    log, records = Log(), PaymentRecords(TOPICS)
    told = a_payment_noticed(
        dispute=a_dispute(), dispute_change="opened", dispute_sequence=1, provider_state=None, performed=performed()
    )
    await a_finisher(log).again(a_work(), records.stored(records.result(told, None)), None)
    assert [dict(record.headers)["ce_type"] for record in log.records] == [
        PaymentNoticed.type.encode(),
        DisputeOpened.type.encode(),
    ]
    assert [(REPUBLISHED, b"1") in record.headers for record in log.records] == [True, True]


@pytest.mark.parametrize(
    ("result", "moved"),
    [
        (a_payment_created(), 1250),
        (a_payment_reauthorized(), None),
        (a_payment_queried(), None),
        (a_payment_noticed(provider_state="captured", paid_price=lira("12.50")), None),
    ],
    ids=lambda given: getattr(given, "type", None),
)
def test_what_comes_late_of_a_command_that_moves_nothing_tells_of_no_amount(result: Any, moved: int | None) -> None:
    late = PaymentRecords(TOPICS).late_outcome(result, 2, NOON, None)
    amount = LateOutcome.model_validate_json(late.value or b"").amount
    assert (None if amount is None else amount.minor) == moved


async def test_a_payment_waits_until_its_deadline_once_more_when_a_completion_turns_out_to_have_never_happened() -> (
    None
):
    books, until = Books(), NOON + timedelta(hours=1)
    given = a_work()
    payment_id = given.payment.payment_id
    pending = a_command_pending(payment_id=payment_id, deadline=until)
    refused = a_command_refused(payment_id=payment_id, command_type=COMPLETION, failure=FailureClass.STATE)
    lost = a_command_unknown(payment_id=payment_id, command_type=COMPLETION)
    never = an_outcome_resolved(
        payment_id=payment_id, of_command_id=lost.command_id, of_command_type=COMPLETION, effect=None, outcome="refused"
    )
    payment, told = given.payment, []
    for result in (pending, refused, lost, never):
        await a_finisher(Log(), ledger=books).finish(replace(given, payment=payment), result, None)
        payment = payment.after(result)
        told.append((books.told[-1].deadline, books.told[-1].waits_no_more))
    assert told == [(until, False), (None, False), (None, True), (until, False)]
