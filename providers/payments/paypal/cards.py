"""Cards in PayPal's vault: `/v3/vault/payment-tokens`.

Source: README, "The vault".
"""

from typing import Final

from pydantic import StrictInt

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.notices import named
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paypal.errors import not_answered, refusal
from providers.payments.paypal.sources import card_fields, vault_card
from providers.payments.paypal.vaulted import WALLET, Customer, Instrument, summary_of
from providers.payments.paypal.wire import Reply, delete, get, post
from schemas.payments import KeptCard, Reason
from schemas.payments.resources import CardDeletion, DeleteCard, KeptCards, ListCards, StoreCard
from schemas.verdicts import Verdict

_TOKENS: Final = "/v3/vault/payment-tokens"
_TOKEN: Final = "/v3/vault/payment-tokens/{token}"  # noqa: S105 - a path


class Sources(Wire):
    card: Instrument | None = None
    paypal: Instrument | None = None


class TokenReply(Reply):
    """A vault token; in a list, without a failure."""

    id: str | None = None
    customer: Customer | None = None
    payment_source: Sources | None = None


class TokenList(Reply):
    customer: Customer | None = None
    payment_tokens: tuple[TokenReply, ...] | None = None
    total_pages: StrictInt | None = None


class DeletionReply(Reply):
    """Deleting is answered by nothing, or by a failure."""


class Deleted(DeletionReply):
    """The empty answer to it."""


def build_store(command: StoreCard, attempt: Attempt) -> Request:
    if command.alias is not None:
        raise Unsayable(Reason.INVALID_REQUEST, "PayPal keeps no alias of a card; send none")
    if command.provider_token is not None:
        raise Unsayable(Reason.UNSUPPORTED_METHOD, "PayPal takes no token of a script here; send card_ref")
    customer = None if command.customer_key is None else {"id": command.customer_key}
    body = {"customer": customer, "payment_source": {"card": card_fields(vault_card(attempt))}}
    return post(_TOKENS, body, key=attempt.reference)


def read_store(reply: TokenReply, command: StoreCard, attempt: Attempt) -> Outcome:
    """Raises `UnusableAnswer` where it is not the card that was sent, or has no name."""
    if reply.failed:
        return refusal(reply)
    kept = _kept(reply, command.customer_key)
    sent = None if attempt.card is None else attempt.card.number.get_secret_value()[-4:]
    if kept.card is None or kept.card.last_four not in {None, sent}:
        raise UnusableAnswer("last_digits are not those of the card that was sent, or no card was kept")
    return Outcome(verdict=Verdict.ACCEPTED, reference=kept.card_token, details=kept)


def build_delete(command: DeleteCard, attempt: Attempt) -> Request:
    return delete(_TOKEN, key=attempt.reference, token=_token_of(command, attempt).removeprefix(WALLET))


def read_delete(reply: DeletionReply, command: DeleteCard, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    if not isinstance(reply, Deleted):
        raise UnusableAnswer("a deletion is answered with nothing, and this is something")
    return _deleted(command, attempt)


def build_delete_inquiry(command: DeleteCard, attempt: Attempt) -> Request:
    return _list(_customer_of(command, attempt))


def read_delete_inquiry(reply: TokenList, command: DeleteCard, attempt: Attempt) -> Finding:
    customer = _customer_of(command, attempt)
    token = _token_of(command, attempt).removeprefix(WALLET)
    if any(kept.card_token.removeprefix(WALLET) == token for kept in _listed(reply, customer)):
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _deleted(command, attempt))


def build_list(command: ListCards, _attempt: Attempt) -> Request:
    return _list(command.customer_key)


def read_list(reply: TokenList, command: ListCards, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    kept = KeptCards(customer_key=command.customer_key, cards=_listed(reply, command.customer_key))
    return Outcome(verdict=Verdict.ACCEPTED, details=kept)


def _list(customer: str) -> Request:
    return get(_TOKENS, query=(("customer_id", customer), ("total_required", "true")))


def _listed(reply: TokenList, customer: str) -> tuple[KeptCard, ...]:
    """The customer's cards and wallets; other ways to pay are none that an order of ours can name.

    Raises:
        UnusableAnswer: the question failed, or there are more of them than one page tells.
    """
    if reply.failed:
        raise not_answered(reply)
    if reply.customer is not None and reply.customer.id not in {None, customer}:
        raise UnusableAnswer("customer is not the one that was asked about")
    if reply.payment_tokens is None:
        raise UnusableAnswer("payment_tokens is missing in a success")
    if reply.total_pages is None or reply.total_pages > 1:
        raise UnusableAnswer("PayPal keeps more for this customer than one page tells, or does not say how much")
    return tuple(_kept(one, customer) for one in reply.payment_tokens if _is_known(one))


def _is_known(reply: TokenReply) -> bool:
    source = reply.payment_source
    return source is not None and (source.card is not None or source.paypal is not None)


def _kept(reply: TokenReply, customer: str | None) -> KeptCard:
    source = reply.payment_source
    if source is None or not _is_known(reply) or reply.id is None:
        raise UnusableAnswer("id or payment_source is missing")
    told = None if reply.customer is None else named(reply.customer.id)
    if None not in {told, customer} and told != customer:
        raise UnusableAnswer("customer is not the one that was sent")
    token = named(reply.id if source.card is not None else WALLET + reply.id)
    if token is None:
        raise UnusableAnswer("id is none that the hub can keep")
    return KeptCard(card_token=token, customer_key=told or customer, card=summary_of(source.card))


def _token_of(command: DeleteCard, attempt: Attempt) -> str:
    """As the command says, else as the hub knows it.

    Raises:
        Unsayable: it is known to neither.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    token = command.card_token or known
    if token is None:
        raise Unsayable(Reason.INVALID_REQUEST, "the card is not known here; send its card_token")
    return token


def _customer_of(command: DeleteCard, attempt: Attempt) -> str:
    known = None if attempt.resource is None else attempt.resource.customer_reference
    customer = command.customer_key or known
    if customer is None:
        raise Unsayable(Reason.INVALID_REQUEST, "whose card it is is not known here; look it up at PayPal")
    return customer


def _deleted(command: DeleteCard, attempt: Attempt) -> Outcome:
    known = None if attempt.resource is None else attempt.resource.customer_reference
    token = _token_of(command, attempt)
    deletion = CardDeletion(card_token=token, customer_key=command.customer_key or known)
    return Outcome(verdict=Verdict.ACCEPTED, reference=token, details=deletion)
