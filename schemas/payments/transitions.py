"""The transition table: what a payment becomes by how it was found at its provider. Pure.

It is the same whether somebody asked, a webhook told, or the payer came back. A stronger state implies the weaker one,
and a weaker one that comes late changes nothing. What is over does not open again: money that arrives all the same is
booked, and said to contradict what was concluded, so that a person looks. Whatever is not in the table changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from schemas.envelope import rfc3339
from schemas.money import Money
from schemas.payments.notices import ProviderState
from schemas.payments.payment import Payment, Stage

Changed = Literal["captured", "authorized", "failed", "cancelled"]

_KNOWN: Final[frozenset[tuple[Stage, ProviderState]]] = frozenset(
    {
        ("new", "failed"),
        ("new", "cancelled"),
        ("authorized", "authorized"),
        ("authorized", "pending"),
        ("captured", "captured"),
        ("captured", "authorized"),
        ("captured", "pending"),
        ("cancelled", "cancelled"),
        ("cancelled", "failed"),
    }
)
"""What is said of a payment in such a stage, and says nothing new."""


@dataclass(frozen=True, slots=True)
class Change:
    """What it comes to: see the fields of the same names in `results.Found`."""

    changed: Changed | None = None
    amount: Money | None = None
    settles: bool = False
    contradicts: bool = False
    detail: str | None = None


def says_nothing_new(payment: Payment, said: ProviderState | None) -> bool:
    """Whether nothing can change however the provider would answer, so that it need not be asked."""
    if said is None or payment.creation_is_open or payment.stage in {"pending", "unsettled"}:
        return False
    if payment.stage == "cancelled" and said == "captured":
        return payment.captured > 0
    return (payment.stage, said) in _KNOWN


def concerns_another(
    payment: Payment, *, integration_id: str | None, our_reference: str | None, provider_reference: str | None
) -> bool:
    """Whether what goes by these names is not the attempt that made the payment, but a further one beside it."""
    if integration_id is not None and payment.integration_id not in {None, integration_id}:
        return True
    named = provider_reference is not None and payment.provider_reference is not None
    if named and not payment.creation_is_open:
        return provider_reference != payment.provider_reference
    if our_reference is None or payment.create_reference is None:
        return False
    # A completion has a reference of its own, by which its provider may tell of it.
    return our_reference not in {payment.create_reference, payment.complete_reference}


def change_by(
    payment: Payment,
    state: ProviderState,
    paid: Money | None,
    *,
    surcharge: Money | None = None,
    another: bool = False,
) -> Change:
    """What becomes of the payment.

    Args:
        payment: as its concluded commands add up to.
        state: how it was found.
        paid: what the provider says was taken or held.
        surcharge: how much of that the payer took on for instalments on the provider's page; nobody asked for it here.
        another: it was a further attempt that was found: it never touches the payment.
    """
    if another:
        taken = state in {"captured", "authorized"}
        why = f"a further attempt of this payment was found {state}: give it back there, it is counted nowhere here"
        return Change(contradicts=taken, detail=why if taken else None)
    if payment.creation_is_open:
        return _of_an_open_creation(payment, state, paid, surcharge)
    match payment.stage:
        case "new":
            return _of_a_refused_one(state, paid)
        case "authorized":
            return _of_a_held_one(payment, state, paid)
        case "captured":
            return _of_a_taken_one(payment, state, paid)
        case "cancelled":
            return _of_a_cancelled_one(payment, state, paid)
        case _:
            return Change()  # a movement is open beside it, so that its totals cannot be compared with anything


def given_up(payment: Payment, state: ProviderState, at: datetime) -> Change | None:
    """The end of a payment whose payer's time is over, where it was not made; `None` where it has another one, or none.

    Whatever is paid after all is booked like any money that comes to a payment that was refused.
    """
    until = payment.waits_until
    if until is None or at < until or (state != "pending" and state != "not_found"):  # noqa: PLR1714 - as above
        return None
    word = "does not know it" if state == "not_found" else "says pending"
    return Change("failed", settles=True, detail=f"the payer's time ended at {rfc3339(until)}; the provider {word}")


def _of_an_open_creation(payment: Payment, state: ProviderState, paid: Money | None, surcharge: Money | None) -> Change:
    if state == "failed" or state == "cancelled":  # noqa: PLR1714 - mypy narrows by equality alone
        return Change(state, settles=True)
    if state != "captured" and state != "authorized":  # noqa: PLR1714 - mypy narrows by equality alone
        return Change()  # "not found" settles nothing, since it may come late
    if paid is None:
        return Change(contradicts=True, detail=f"the provider says {state}, and no amount")
    asked = payment.open_creation
    wanted = None if asked is None else {"auto": "captured", "manual": "authorized"}.get(asked.capture or "")
    differs = None
    if asked is not None and asked.amount is not None and not _same(asked.amount, _without(surcharge, paid)):
        differs = f"the provider says {paid}, and {asked.amount} was asked for"
    elif wanted not in {None, state}:
        differs = f"the provider says {state}, and it was to be {wanted}"
    return Change(state, paid, settles=True, contradicts=differs is not None, detail=differs)


def _of_a_refused_one(state: ProviderState, paid: Money | None) -> Change:
    if state != "captured" and state != "authorized":  # noqa: PLR1714 - mypy narrows by equality alone
        return Change()
    if paid is None:
        return Change(contradicts=True, detail=f"it was refused here; the provider says {state}, and no amount")
    why = f"it was refused here, and the provider says {state}: refund or cancel it, or deliver"
    return Change(state, paid, contradicts=True, detail=why)


def _of_a_held_one(payment: Payment, state: ProviderState, paid: Money | None) -> Change:
    held = _money(payment, payment.held)
    match state:
        case "captured" if paid is not None:
            above = held is None or paid.currency != held.currency or paid.minor > held.minor
            detail = f"the provider took {paid}, and {held} was held" if above else None
            return Change("captured", paid, contradicts=above, detail=detail)
        case "captured":
            return Change(contradicts=True, detail="the provider says captured, and no amount")
        case "cancelled":
            return Change("cancelled", held)
        case "failed":
            return Change(contradicts=True, detail=f"the provider says failed, and {held} is held")
        case "authorized" if paid is not None and held is not None and not _same(paid, held):
            return Change(contradicts=True, detail=f"the provider holds {paid}, and {held} is known as held")
        case _:
            return Change()


def _of_a_taken_one(payment: Payment, state: ProviderState, paid: Money | None) -> Change:
    taken = _money(payment, payment.captured)
    if state == "captured" and paid is not None and taken is not None and not _same(paid, taken):
        return Change(contradicts=True, detail=f"the provider took {paid}, and {taken} is known as taken")
    if state in {"failed", "cancelled"} and payment.refundable:
        return Change(contradicts=True, detail=f"the provider says {state}, and {taken} is known as taken")
    return Change()


def _of_a_cancelled_one(payment: Payment, state: ProviderState, paid: Money | None) -> Change:
    if state == "pending":
        return Change(contradicts=True, detail="the provider says pending, and the payment is cancelled")
    if state != "captured":
        return Change()  # what was held may be shown so for ever: not every provider tells that a hold was lifted
    if payment.captured:
        return _of_a_taken_one(payment, state, paid)
    if paid is None:
        return Change(contradicts=True, detail="the payment is cancelled; the provider says captured, and no amount")
    return Change("captured", paid, contradicts=True, detail=f"{paid} was taken of a cancelled payment: give it back")


def _without(surcharge: Money | None, paid: Money) -> Money:
    if surcharge is None or surcharge.currency != paid.currency:
        return paid
    return paid.with_minor(paid.minor - surcharge.minor)


def _same(one: Money, other: Money) -> bool:
    return (one.minor, one.currency) == (other.minor, other.currency)


def _money(payment: Payment, minor: int) -> Money | None:
    return None if payment.currency is None else Money(minor=minor, currency=payment.currency)
