"""Cards that iyzico keeps: `/cardstorage/card` and `/cardstorage/cards`. None of its answers is signed.

`cardUserKey` names the buyer, `cardToken` the card; a payment needs both. Source: README, "Stored cards".
"""

from typing import Final

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.detail import not_answered
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known_resource import customer_of
from providers.payments.iyzico.payment_body import card_fields, vault_card
from providers.payments.iyzico.result import card_summary
from providers.payments.iyzico.wire import Envelope, ShownCard, Word, post, with_body
from schemas.payments import KeptCard, Reason
from schemas.payments.resources import CardDeletion, DeleteCard, KeptCards, ListCards, StoreCard
from schemas.verdicts import Verdict

_CARD: Final = "/cardstorage/card"
_CARDS: Final = "/cardstorage/cards"


class KeptFields(ShownCard):
    card_token: Word | None = None
    card_alias: str | None = None
    card_bank_name: str | None = None


class StoredReply(KeptFields, Envelope):
    card_user_key: Word | None = None


class CardList(Envelope):
    card_user_key: Word | None = None
    card_details: tuple[KeptFields, ...] | None = None


def build_store(command: StoreCard, attempt: Attempt) -> Request:
    """Without an alias the attempt's reference is one: by it an attempt without an answer is found again."""
    if command.provider_token is not None:
        raise Unsayable(Reason.UNSUPPORTED_METHOD, "iyzico takes no token of a script; send card_ref")
    card = {"cardAlias": command.alias or attempt.reference, **card_fields(vault_card(attempt))}
    if command.customer_key is not None:
        buyer = {"cardUserKey": command.customer_key}
    else:
        buyer = {"email": command.email, "externalId": command.buyer_id}
    return post(_CARD, {"conversationId": attempt.reference, **buyer, "card": card})


def read_store(reply: StoredReply, command: StoreCard, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    if reply.card_user_key is None:
        raise UnusableAnswer("cardUserKey is missing in a success")
    if command.customer_key not in {None, reply.card_user_key}:
        raise UnusableAnswer("cardUserKey is not the one that was sent")
    sent = None if attempt.card is None else attempt.card.number.get_secret_value()[-4:]
    if sent is not None and reply.last_four_digits not in {None, sent}:
        raise UnusableAnswer("lastFourDigits are not those of the card that was sent")
    return _stored(_kept(reply, reply.card_user_key))


def build_store_inquiry(command: StoreCard, attempt: Attempt) -> Request:
    if command.customer_key is None:
        detail = "iyzico made a new buyer of it, whose key is not known; nothing can be asked without that"
        raise Unsayable(Reason.OUTCOME_UNKNOWN, detail)
    return _list(command.customer_key, attempt)


def read_store_inquiry(reply: CardList, command: StoreCard, attempt: Attempt) -> Finding:
    """An alias of the shop's own may be an older card's too, so that only one of ours proves anything."""
    alias = command.alias or attempt.reference
    found = [card for card in _listed(reply, command.customer_key or "") if card.alias == alias]
    if not found:
        return Finding(Sighting.ABSENT)
    if command.alias is not None or len(found) > 1:
        raise UnusableAnswer("a card of this alias is kept; whether it is this one cannot be told")
    return Finding(Sighting.CONCLUDED, _stored(found[0]))


def build_delete(command: DeleteCard, attempt: Attempt) -> Request:
    token, key = _names(command, attempt)
    fields = {"conversationId": attempt.reference, "cardUserKey": key, "cardToken": token}
    return with_body("DELETE", _CARD, fields)


def read_delete(reply: Envelope, command: DeleteCard, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    reply.require_whole()
    return _deleted(command, attempt)


def build_delete_inquiry(command: DeleteCard, attempt: Attempt) -> Request:
    return _list(_names(command, attempt)[1], attempt)


def read_delete_inquiry(reply: CardList, command: DeleteCard, attempt: Attempt) -> Finding:
    token, key = _names(command, attempt)
    if any(card.card_token == token for card in _listed(reply, key)):
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _deleted(command, attempt))


def build_list(command: ListCards, attempt: Attempt) -> Request:
    return _list(command.customer_key, attempt)


def read_list(reply: CardList, command: ListCards, _attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    kept = KeptCards(customer_key=command.customer_key, cards=_listed(reply, command.customer_key))
    return Outcome(verdict=Verdict.ACCEPTED, details=kept)


def _list(customer_key: str, attempt: Attempt) -> Request:
    return post(_CARDS, {"conversationId": attempt.reference, "cardUserKey": customer_key})


def _listed(reply: CardList, customer_key: str) -> tuple[KeptCard, ...]:
    if reply.failed:
        raise not_answered(reply)
    if reply.card_user_key not in {None, customer_key}:
        raise UnusableAnswer("cardUserKey is not the one that was asked about")
    if reply.card_details is None:
        raise UnusableAnswer("cardDetails is missing in a success")
    return tuple(_kept(card, customer_key) for card in reply.card_details)


def _kept(card: KeptFields, customer_key: str) -> KeptCard:
    if card.card_token is None:
        raise UnusableAnswer("cardToken is missing")
    return KeptCard(
        card_token=card.card_token,
        customer_key=customer_key,
        alias=card.card_alias,
        bank=card.card_bank_name,
        card=card_summary(card),
    )


def _stored(card: KeptCard) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference=card.card_token, details=card)


def _names(command: DeleteCard, attempt: Attempt) -> tuple[str, str]:
    """Token and buyer's key: as the command says, else as the hub knows them.

    Raises:
        Unsayable: one of them is known to neither.
    """
    known = None if attempt.resource is None else attempt.resource.provider_reference
    token = command.card_token or known
    key = command.customer_key or customer_of(attempt)
    if token is None or key is None:
        raise Unsayable(Reason.INVALID_REQUEST, "the card is not known here; send its card_token and customer_key")
    return token, key


def _deleted(command: DeleteCard, attempt: Attempt) -> Outcome:
    token, key = _names(command, attempt)
    deletion = CardDeletion(card_token=token, customer_key=key)
    return Outcome(verdict=Verdict.ACCEPTED, reference=token, details=deletion)
