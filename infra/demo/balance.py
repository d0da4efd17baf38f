"""Whether the books agree: what the provider did, what the events say, what the tables hold. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from infra.sandbox.iyzico import BookedPayment
from schemas.payments import (
    CommandPending,
    CommandUnknown,
    CompleteThreeDSecure,
    Found,
    PaymentCancelled,
    PaymentCaptured,
    PaymentCreated,
    PaymentRefunded,
    Result,
    StartThreeDSecure,
)

CUT_OFF: Final = timedelta(seconds=5)
"""How long before its end a killed worker can have marked what it did not send: one call's deadline and a second."""


@dataclass(frozen=True, slots=True)
class TableTotal:
    """A payment as `payment_totals` has it, in minor units."""

    payment_id: UUID
    captured: int
    refunded: int
    net: int


@dataclass(slots=True)
class Balance:
    """What the comparison found. `problems` is empty when all three agree."""

    results: int = 0
    lost: int = 0
    charged_twice: int = 0
    unknown: int = 0
    unknown_explained: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Money:
    """What was taken and given back, in minor units."""

    captured: int = 0
    refunded: int = 0
    cancelled: bool = False

    @property
    def net(self) -> int:
        return 0 if self.cancelled else self.captured - self.refunded


def balance(
    commands: Mapping[UUID, UUID],
    results: Sequence[Result],
    books: Sequence[BookedPayment],
    totals: Sequence[TableTotal],
    killed_at: datetime,
) -> Balance:
    """Compare the provider's books with the result events and with the projected table.

    Args:
        commands: every readable command that was published: its id and its payment.
        results: every result, further copies left out.
        books: every payment in the provider's books.
        totals: the table, every payment.
        killed_at: when a worker was killed. A command marked as sending shortly before, which the books do not have, is
            explained by that: the mark was written, and the bytes never left.
    """
    found = Balance()
    by_command: dict[UUID, list[Result]] = {}
    for result in results:
        by_command.setdefault(result.command_id, []).append(result)
    found.results = len(by_command)
    found.lost = sum(command not in by_command for command in commands)
    for command, several in by_command.items():
        found.verdicts[several[0].verdict] += 1
        if len(several) > 1:
            found.problems.append(f"command {command} has {len(several)} different results")
        if command not in commands:
            found.problems.append(f"result for {command}, which nobody published")
    unknown = [result for result in results if isinstance(result, CommandUnknown)]
    found.unknown = len(unknown)
    told = told_money(results)
    _compare_with_books(found, results, books, told, unknown)
    found.unknown_explained = _explained(unknown, books, killed_at, _started(results))
    found.problems += table_problems(told, totals)
    return found


def told_money(results: Sequence[Result]) -> dict[UUID, Money]:
    """Each payment's money as its results tell it."""
    told: dict[UUID, Money] = {}
    for result in results:
        money = told.setdefault(result.payment_id, Money())
        match result:
            case PaymentCreated(state="captured"):
                money.captured += result.paid_price.minor
            case PaymentCaptured():
                money.captured += result.amount.minor
            case PaymentRefunded():
                money.refunded += result.amount.minor
            case PaymentCancelled() | Found(changed="cancelled"):
                money.cancelled = True
            case Found(changed="captured") if result.amount is not None:
                money.captured += result.amount.minor
    return told


def _created(results: Sequence[Result]) -> dict[str | None, Result]:
    """What tells that a payment was made, by the reference that it was begun with at the provider."""
    created: dict[str | None, Result] = {
        result.performed.our_reference: result
        for result in results
        if isinstance(result, PaymentCreated) and result.performed is not None
    }
    started = _started(results)
    settled = [result for result in results if isinstance(result, Found) and result.settles]
    made = [result for result in settled if result.changed in {"captured", "authorized"}]
    return created | {started[result.payment_id]: result for result in made if result.payment_id in started}


def _started(results: Sequence[Result]) -> dict[UUID, str | None]:
    """Under which reference each payment was started that waited for its payer."""
    return {
        result.payment_id: result.performed.our_reference
        for result in results
        if isinstance(result, CommandPending) and result.command_type == StartThreeDSecure.type and result.performed
    }


def _compare_with_books(
    found: Balance,
    results: Sequence[Result],
    books: Sequence[BookedPayment],
    told: Mapping[UUID, Money],
    unknown: Sequence[CommandUnknown],
) -> None:
    created, started = _created(results), _started(results)
    open_references: set[str | None] = {reference for result in unknown for reference in result.references}
    open_references |= {
        started.get(result.payment_id) for result in unknown if result.command_type == CompleteThreeDSecure.type
    }
    done = [payment for payment in books if payment.state not in {"declined", "rejected", "started"}]
    charges = Counter(payment.conversation_id for payment in done)
    reversals = Counter(reversal.conversation_id for payment in done for reversal in payment.reversals)
    found.charged_twice = sum(count - 1 for count in (charges + reversals).values() if count > 1)
    by_payment: Counter[UUID] = Counter()
    for payment in done:
        result = created.get(payment.conversation_id)
        if result is None:
            if payment.conversation_id not in open_references:
                found.problems.append(f"the provider has payment {payment.payment_id}, which no result tells of")
            continue
        by_payment[result.payment_id] += 1
        money = told[result.payment_id]
        if (payment.charged_minor, payment.refunded_minor, payment.cancelled) != (
            money.captured,
            money.refunded,
            money.cancelled,
        ):
            found.problems.append(
                f"payment {result.payment_id}: the provider has {payment.charged_minor} charged, "
                f"{payment.refunded_minor} refunded, cancelled {payment.cancelled}; the events have {money.captured}, "
                f"{money.refunded}, {money.cancelled}"
            )
    found.charged_twice += sum(count - 1 for count in by_payment.values() if count > 1)
    found.problems += [
        f"result of {result.command_id} tells of a payment that the provider does not have"
        for reference, result in created.items()
        if charges[reference] == 0
    ]


def _explained(
    unknown: Sequence[CommandUnknown],
    books: Sequence[BookedPayment],
    killed_at: datetime,
    started: Mapping[UUID, str | None],
) -> int:
    """How many unknown outcomes the books account for: performed once there, or cut off by the kill before the send."""
    done = [payment for payment in books if payment.state not in {"declined", "rejected", "started"}]
    effects = Counter(payment.conversation_id for payment in done)
    effects += Counter(reversal.conversation_id for payment in done for reversal in payment.reversals)
    effects += Counter(payment.capture_conversation_id for payment in done)
    explained = 0
    for result in unknown:
        references: set[str | None] = set(result.references)
        if result.command_type == CompleteThreeDSecure.type:
            references.add(started.get(result.payment_id))  # what was charged stands there under the start's
        performed = sum(effects[reference] for reference in references)
        cut_off = result.first_sent_at is not None and killed_at - CUT_OFF <= result.first_sent_at <= killed_at
        explained += performed == 1 or (performed == 0 and cut_off)
    return explained


def table_problems(told: Mapping[UUID, Money], totals: Sequence[TableTotal]) -> list[str]:
    """Where the table says something else than the results, in words."""
    problems = []
    table = {total.payment_id: total for total in totals}
    for payment_id, money in told.items():
        total = table.get(payment_id, TableTotal(payment_id, 0, 0, 0))
        if (total.captured, total.refunded, total.net) != (money.captured, money.refunded, money.net):
            problems.append(
                f"payment {payment_id}: payment_totals has {total.captured} captured, {total.refunded} refunded, "
                f"{total.net} net; the events have {money.captured}, {money.refunded}, {money.net}"
            )
    strangers = [payment_id for payment_id in table if payment_id not in told]
    return problems + [f"payment_totals has {payment_id}, which no event tells of" for payment_id in strangers]
