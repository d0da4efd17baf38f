"""`/odeme`: a card of the vault, or one that PayTR keeps, with 3-D Secure or without. Amounts are decimals here.

Source: README, "Creating".
"""

from collections.abc import Mapping
from typing import Final

from providers.connector import Attempt, Card, Request, Unsayable, Wire
from providers.notices import named
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.paytr.amounts import currency_word, to_decimal
from providers.payments.paytr.errors import BUSY, DECLINED, FAILED, NOT_ENABLED, refused, refused_in_words
from providers.payments.paytr.order import basket_json, buyer_fields, order_fields, return_fields
from providers.payments.paytr.wire import Truth, Word, flag, post
from schemas.payments import CardRef, CreatePayment, KeptCard, Reason, StoredCard
from schemas.verdicts import Verdict

PATH: Final = "/odeme"
_PROGRAMMES: Final = frozenset(
    {"advantage", "axess", "bonus", "cardfinans", "combo", "maximum", "paraf", "saglamkart", "world"}
)


class DirectReply(Wire):
    """`msg` is localised; it is read for the name of a field alone. `utoken` and `ctoken` come with a kept card."""

    status: str
    msg: str | None = None
    reason: str | None = None
    err_msg: str | None = None
    try_again: Truth | None = None
    failed_reason_code: Word | None = None
    utoken: str | None = None
    ctoken: str | None = None


def build_direct(command: CreatePayment, attempt: Attempt) -> Request:
    """A payment without 3-D Secure, answered at once: `sync_mode` wants JSON for a server."""
    recurring = {"recurring_payment": "1"} if command.without_payer else {}
    # No browser follows these addresses, and PayTR wants them all the same.
    nowhere = attempt.account.base_url or "https://www.paytr.com"
    return post(
        PATH, {**card_order(command, attempt, non_3d=True), **return_fields(nowhere), "sync_mode": "1", **recurring}
    )


def card_order(command: CreatePayment, attempt: Attempt, *, non_3d: bool) -> Mapping[str, str]:
    """All but where the browser goes.

    Raises:
        Unsayable: the method is no card, or the card is gone from the vault.
    """
    return {
        **order_fields(command, attempt, to_decimal(command.paid_price)),
        "payment_type": "card",
        "installment_count": "0" if command.instalments == 1 else str(command.instalments),
        "currency": currency_word(command.paid_price.currency),
        "non_3d": flag(non_3d),
        **buyer_fields(command),
        "user_basket": basket_json(command),
        "client_lang": "tr",
        "debug_on": "0",
        **_card_fields(command, attempt),
        **_programme(command),
        **_keeping(command),
    }


def read_direct(reply: DirectReply, command: CreatePayment, attempt: Attempt) -> Outcome:
    """The answer names no amount: what was charged is the amount that the request's token signs."""
    if reply.status == "failed":
        return read_failed(reply)
    if reply.status not in {"success", "wait_callback"}:
        raise UnusableAnswer("status is missing or a word that PayTR's documents do not have")
    waits = reply.status == "wait_callback"
    return Outcome(
        verdict=Verdict.PENDING if waits else Verdict.ACCEPTED,
        reference=attempt.reference,
        amount=command.paid_price.with_minor(command.paid_price.minor),
        reason=Reason.UNDER_REVIEW if waits else None,
        state=ProviderState.PENDING if waits else ProviderState.CAPTURED,
        stored_card=_kept(reply) if command.store_card else None,
    )


def read_failed(reply: DirectReply) -> Outcome:
    """`try_again` comes with a payment that failed. Without it the request itself was turned away."""
    told = f"{reply.msg} {reply.reason} {reply.err_msg}"
    if reply.try_again is None or "paytr_token" in told:
        return refused_in_words(told, NOT_ENABLED)
    if reply.try_again:
        return refused(BUSY)
    code = reply.failed_reason_code
    return refused(FAILED.get(code or "", DECLINED), code)


def _card_fields(command: CreatePayment, attempt: Attempt) -> Mapping[str, str]:
    match command.method:
        case StoredCard(customer_key=None):
            raise Unsayable(
                Reason.INVALID_REQUEST, "PayTR knows a kept card by the buyer's utoken too; send it as customer_key"
            )
        case StoredCard(card_token=token, customer_key=str(key)):
            return {"utoken": key, "ctoken": token}
        case _ if command.without_payer:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, "without the payer PayTR charges kept cards alone")
        case CardRef():
            return _new_card(attempt.card)
        case method:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"{method.kind} is not taken like this; send a card")


def _new_card(card: Card | None) -> Mapping[str, str]:
    if card is None:
        raise Unsayable(Reason.CARD_EXPIRED, "the card is no longer in the vault; ask the payer for it again")
    code = card.verification_code
    return {
        "cc_owner": card.holder.get_secret_value(),
        "card_number": card.number.get_secret_value(),
        "expiry_month": card.expiry_month.get_secret_value(),
        "expiry_year": card.expiry_year.get_secret_value()[-2:],
        "cvv": "" if code is None else code.get_secret_value(),
    }


def _programme(command: CreatePayment) -> Mapping[str, str]:
    """Instalments of a new card go by its programme."""
    known = command.card_programme if command.card_programme in _PROGRAMMES else None
    return {} if known is None or command.instalments == 1 else {"card_type": known}


def _keeping(command: CreatePayment) -> Mapping[str, str]:
    if not command.store_card or not isinstance(command.method, CardRef):
        return {}
    return {"store_card": "1", **({} if command.customer_key is None else {"utoken": command.customer_key})}


def _kept(reply: DirectReply) -> KeptCard | None:
    """A card is paid with by both names. Names that the hub cannot keep must not cost the payment's outcome."""
    token, key = named(reply.ctoken), named(reply.utoken)
    return None if token is None or key is None else KeptCard(card_token=token, customer_key=key)
