"""What `decide` is asked in its tests: payments, claims, attempts."""

from typing import Any

from agents.ledger import Ask, Claim, ClaimStatus, SentAttempt, StoredResult
from agents.payments.decide import decide
from agents.payments.decisions import Promise
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import LineReference, Payment, PaymentCommand
from tests.builders import NOON

ID = new_id()
RESULT = StoredResult(b"{}", ())
NO_PROMISE = Promise(repeatable_for_s=None, resend_after_absence_s=None)
DAY = Promise(repeatable_for_s=86_400.0, resend_after_absence_s=None)


def a_payment(stage: str = "captured", **changed: Any) -> Payment:
    given: dict[str, Any] = {"payment_id": ID, "stage": stage}
    if stage != "new":
        given["currency"] = "TRY"
    if stage in {"captured", "cancelled"}:
        given["captured"] = 10_000
    if stage == "authorized":
        given["held"] = 10_000
    if stage == "cancelled":
        given["refunded"] = 10_000
    return Payment(**(given | changed))


def tried(*, maybe_sent: bool = True, number: int = 1, age_s: float = 10.0) -> SentAttempt:
    return SentAttempt(number, "iyzico-main", f"ref{number}", "digest", maybe_sent, age_s)


def a_claim(status: ClaimStatus = ClaimStatus.TAKEN, **changed: Any) -> Claim:
    return Claim(Ask("payments/x", new_id(), "t", b"d"), status, **changed)


def decided(command: PaymentCommand, payment: Payment, claim: Claim | None = None, promise: Promise = DAY) -> Any:
    return decide(claim or a_claim(), payment, command, promise, now=NOON)


def minor(amount: int) -> Money:
    return Money(minor=amount, currency="TRY")


def lined(**changed: Any) -> Payment:
    lines = (
        LineReference(line_id="a", provider_reference="1", paid=minor(6_000)),
        LineReference(line_id="b", provider_reference="2", paid=minor(4_000)),
    )
    return a_payment(lines=lines, **changed)
