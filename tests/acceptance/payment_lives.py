"""Lives of one payment: commands in any order and answers of any kind, through the same decisions as in the agent; and
histories of events for the tables, with what they must come to worked out from the plan alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

from agents.ledger import Ask, Claim, ClaimStatus
from agents.payments.conclude import Conclude
from agents.payments.decide import decide
from agents.payments.decisions import Call, Promise, Refuse
from providers.outcome import Outcome, ProviderState
from schemas.ids import new_id
from schemas.money import Money, Price
from schemas.payments import Payment, PaymentCommand, QueryPayment, Reason, Result
from schemas.verdicts import FailureClass, Verdict
from streams.codec import Outgoing
from tests import builders as a

PAYMENT: Final = new_id()
ONCE: Final = Promise(repeatable_for_s=None, resend_after_absence_s=None)
TOTAL: Final = 10_000


@dataclass(frozen=True)
class Turn:
    """One command of a life. `asked` is whether the provider had a say in it."""

    before: Payment
    command: PaymentCommand
    result: Result
    after: Payment
    asked: bool


Plan = tuple[str, int, str, str]
"""A command's kind, an amount in minor units, the provider's verdict, and the state that a query would find."""

plans: Final = st.lists(
    st.tuples(
        st.sampled_from(["create", "hold", "capture", "cancel", "refund", "query", "query"]),
        st.integers(1, TOTAL),
        st.sampled_from(["accepted", "accepted", "accepted", "refused", "pending", "unknown"]),
        st.sampled_from([state.value for state in ProviderState]),
    ),
    max_size=14,
)


def turns_of(plan: list[Plan]) -> Iterator[Turn]:
    """What becomes of a payment: each command is decided on the state that those before it left."""
    payment = Payment(payment_id=PAYMENT)
    for kind, minor, verdict, state in plan:
        command, command_id = _command(kind, minor), new_id()
        claim = Claim(Ask(f"payments/{PAYMENT}", command_id, command.type, b"d"), ClaimStatus.TAKEN)
        decision = decide(claim, payment, command, ONCE, now=a.NOON)
        amount = decision.amount if isinstance(decision, Call) else None
        conclude = Conclude(command_id, command, payment, amount=amount, attempts=1, at=a.NOON)
        if isinstance(decision, Refuse):
            result: Result = conclude.refused(decision)
        elif verdict == "unknown":
            result = conclude.unknown("?", performed=a.performed(), references=("r",), first_sent_at=a.NOON)
        else:
            result = conclude.by_provider(_outcome(command, verdict, state, minor), a.performed())
        after = payment.after(result)
        yield Turn(payment, command, result, after, isinstance(decision, Call))
        payment = after


def _command(kind: str, minor: int) -> PaymentCommand:
    price = Price(minor=TOTAL, currency="TRY")
    match kind:
        case "create" | "hold":
            capture = "auto" if kind == "create" else "manual"
            return a.a_create_payment(price, payment_id=PAYMENT, capture=capture)
        case "capture":
            return a.a_capture_payment(PAYMENT, Price(minor=minor, currency="TRY"))
        case "cancel":
            return a.a_cancel_payment(PAYMENT)
        case "refund":
            return a.a_refund_payment(PAYMENT, Price(minor=minor, currency="TRY"))
        case _:
            return a.a_query_payment(PAYMENT)


def _outcome(command: PaymentCommand, verdict: str, state: str, minor: int) -> Outcome:
    if verdict == "refused":
        return Outcome(verdict=Verdict.REFUSED, reason=Reason.DECLINED, failure=FailureClass.DECLINED, detail="no")
    if verdict == "pending":
        return Outcome(verdict=Verdict.PENDING, reason=Reason.UNDER_REVIEW)
    found = Outcome(verdict=Verdict.ACCEPTED, reference="22416032")
    if isinstance(command, QueryPayment):
        return replace(found, state=ProviderState(state), amount=Money(minor=minor, currency="TRY"))
    return found


@dataclass(frozen=True)
class History:
    """Events of one payment in the order of its partition, and what the tables must say in the end."""

    payment: UUID
    records: tuple[Outgoing, ...]
    state: str
    net: int


def a_history(chance: random.Random, events: str) -> History:
    """Attempts that failed, one that was paid, perhaps money given back; then late and repeated words of all kinds.

    `events` is the topic.
    """
    payment, told, late = new_id(), [], []
    for _ in range(chance.randrange(4)):
        failed = new_id()
        about: dict[str, Any] = {"payment_id": payment, "command_id": failed}
        if chance.random() < 0.5:
            told.append(a.a_record(events, a.a_command_refused(**about)))
        else:
            told.append(a.a_record(events, a.a_command_unknown(**about)))
            told.append(a.a_record(events, _found(payment, "failed")))
        late += [
            a.a_late_outcome(**about, verdict=verdict, amount=None) for verdict in (Verdict.REFUSED, Verdict.UNKNOWN)
        ]
    created = a.a_payment_created(a.lira("100.00"), payment_id=payment)
    told.append(a.a_record(events, created))
    late.append(a.a_late_outcome(payment_id=payment, command_id=created.command_id, amount=a.lira("100.00")))
    refunded = 0
    for _ in range(chance.randrange(3)):
        minor = chance.choice([1_000, TOTAL - refunded])
        if 0 < minor <= TOTAL - refunded:
            refunded += minor
            amount, total = (Money(minor=value, currency="TRY") for value in (minor, refunded))
            told.append(a.a_record(events, a.a_payment_refunded(amount, refunded_total=total, payment_id=payment)))
    cancelled = refunded < TOTAL and chance.random() < 0.5
    if cancelled:
        left = Money(minor=TOTAL - refunded, currency="TRY")
        told.append(a.a_record(events, a.a_payment_cancelled(left, effect="reversed", payment_id=payment)))
    words = [a.a_record(events, word) for word in late] + list(told)
    words += [a.a_record(events, _found(payment, state.value)) for state in ProviderState]
    chance.shuffle(words)
    net = 0 if cancelled else TOTAL - refunded
    state = "cancelled" if cancelled else _paid_state(refunded)
    return History(payment, (*told, *words), state, net)


def _paid_state(refunded: int) -> str:
    if refunded == 0:
        return "captured"
    return "refunded" if refunded == TOTAL else "partially_refunded"


def _found(payment: UUID, state: str) -> Any:
    paid = a.lira("100.00") if state in {"captured", "authorized"} else None
    return a.a_payment_queried(payment_id=payment, provider_state=state, paid_price=paid)
