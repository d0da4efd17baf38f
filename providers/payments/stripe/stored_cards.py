"""Cards that Stripe keeps for a customer: payment methods that are attached to it.

Source: README, "Stored cards".
"""

from typing import Any, Final

from pydantic import StrictBool

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import summary
from providers.payments.stripe.wire import PAGE_SIZE, Fields, Reply, get, id_of, post, segment
from schemas.payments import KeptCard, Reason
from schemas.payments.resources import CardDeletion, DeleteCard, KeptCards, ListCards
from schemas.verdicts import Verdict

_PATH: Final = "/v1/payment_methods"
_TEMPLATE: Final = "/v1/payment_methods/{payment_method}"
_KIND: Final = "payment_method"


class MethodFields(Fields):
    """`customer` is whom it is attached to; Stripe says `null` where it is nobody."""

    card: Any = None
    customer: Any = ""


class MethodReply(MethodFields, Reply):
    """A payment method, or an error in its place."""


class MethodList(Reply):
    object: str | None = None
    data: tuple[MethodFields, ...] | None = None
    has_more: StrictBool | None = None


def build_delete(command: DeleteCard, attempt: Attempt) -> Request:
    path = f"{_PATH}/{segment(_token_of(command, attempt))}/detach"
    return post(path, f"{_TEMPLATE}/detach", {}, attempt.reference)


def read_delete(reply: MethodReply, command: DeleteCard, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    deleted = _deleted(reply, command, attempt)
    if deleted is None:
        raise UnusableAnswer("the card is still attached to a customer")
    return deleted


def build_delete_inquiry(command: DeleteCard, attempt: Attempt) -> Request:
    return get(f"{_PATH}/{segment(_token_of(command, attempt))}", _TEMPLATE)


def read_delete_inquiry(reply: MethodReply, command: DeleteCard, attempt: Attempt) -> Finding:
    raise_error(reply)
    deleted = _deleted(reply, command, attempt)
    return Finding(Sighting.ABSENT) if deleted is None else Finding(Sighting.CONCLUDED, deleted)


def build_list(command: ListCards, _attempt: Attempt) -> Request:
    return get(_PATH, _PATH, (("customer", command.customer_key), ("type", "card"), ("limit", str(PAGE_SIZE))))


def read_list(reply: MethodList, command: ListCards, _attempt: Attempt) -> Outcome:
    if reply.error is not None:
        return refusal(reply.error, reply.http)
    if reply.object != "list" or reply.data is None or reply.has_more is None:
        raise UnusableAnswer("the answer is no list of payment methods")
    if reply.has_more:
        raise UnusableAnswer(f"the customer has more than {PAGE_SIZE} cards, and only some would be told")
    cards = tuple(_kept(method, command.customer_key) for method in reply.data)
    kept = KeptCards(customer_key=command.customer_key, cards=cards)
    return Outcome(verdict=Verdict.ACCEPTED, details=kept)


def _kept(method: MethodFields, customer: str) -> KeptCard:
    token = method.require(_KIND)
    if id_of(method.customer) != customer:
        raise UnusableAnswer("a card of another customer is among them")
    return KeptCard(card_token=token, customer_key=customer, card=summary(method.card), code_needed=False)


def _token_of(command: DeleteCard, attempt: Attempt) -> str:
    """The card's token: as the command says, else as the hub knows it.

    Raises:
        Unsayable: neither knows it.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    token = command.card_token or known
    if token is None:
        raise Unsayable(Reason.INVALID_REQUEST, "the card is not known here; send its card_token")
    return token


def _deleted(method: MethodFields, command: DeleteCard, attempt: Attempt) -> Outcome | None:
    token = method.require(_KIND, _token_of(command, attempt))
    if method.customer is not None:
        return None
    known = None if attempt.resource is None else attempt.resource.customer_reference
    deletion = CardDeletion(card_token=token, customer_key=command.customer_key or known)
    return Outcome(verdict=Verdict.ACCEPTED, reference=token, details=deletion)
