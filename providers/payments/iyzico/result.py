"""A payment result, the one shape that creation, capture and look-up answer with."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

from providers.notices import named
from providers.outcome import Outcome, ProviderState, UnusableAnswer
from providers.payments.iyzico.amounts import from_wire, rounded_down, rounded_half_up
from providers.payments.iyzico.wire import PaymentReply, ShownCard
from schemas.money import Money
from schemas.payments import CardSummary, KeptCard, LineReference, Reason
from schemas.verdicts import FailureClass, Verdict

HELD: Final = "PRE_AUTH"
"""The one phase with a documented meaning. A hold reads like a charge in all other fields."""

REJECTED: Final = "-1"
_BIN: Final = re.compile(r"[0-9]{6,8}")
_LAST_FOUR: Final = re.compile(r"[0-9]{4}")


def performed(reply: PaymentReply) -> Outcome:
    """The outcome of a successful call: accepted, under review, rejected, or, with an unmet word, unknown.

    Raises:
        UnusableAnswer: `paymentId`, `paidPrice` or `currency` is missing.
    """
    if reply.payment_id is None:
        raise UnusableAnswer("paymentId is missing in a success")
    paid = from_wire(reply.paid_price, reply.currency, "paidPrice")
    facts = Outcome(
        verdict=Verdict.ACCEPTED,
        reference=reply.payment_id,
        amount=paid,
        lines=_lines(reply, paid.currency),
        card=card_summary(reply),
        fee=_fee(reply, paid.currency),
        stored_card=_stored_card(reply),
        state=_state(reply.phase),
    )
    return _after_review(facts, reply.fraud_status)


def contradiction(facts: Outcome, detail: str) -> Outcome:
    """What was found is neither what was asked for nor nothing."""
    return replace(
        facts,
        verdict=Verdict.UNKNOWN,
        reason=Reason.OUTCOME_UNKNOWN,
        failure=FailureClass.UNKNOWN,
        detail=detail,
    )


def as_asked(outcome: Outcome, phase: str | None, capture: Literal["auto", "manual"]) -> Outcome:
    """A charge where a hold was asked for, or the reverse, is no success of either."""
    if outcome.verdict not in {Verdict.ACCEPTED, Verdict.PENDING} or phase is None:
        return outcome
    if capture == "auto" and phase == HELD:
        return contradiction(outcome, "a charge was asked for and a hold was made; capture or cancel it by hand")
    if capture == "manual" and phase != HELD:
        return contradiction(outcome, "a hold was asked for and a charge was made; refund it or keep it by hand")
    return outcome


def _state(phase: str | None) -> ProviderState | None:
    """Without a phase a hold cannot be told from a charge."""
    if phase is None:
        return None
    return ProviderState.AUTHORIZED if phase == HELD else ProviderState.CAPTURED


def _after_review(facts: Outcome, fraud_status: str | None) -> Outcome:
    match fraud_status:
        case "1":
            return facts
        case "0":
            return replace(
                facts,
                verdict=Verdict.PENDING,
                reason=Reason.UNDER_REVIEW,
                detail="iyzico reviews the payment; deliver only once it is approved",
                state=ProviderState.PENDING,
            )
        case "-1":
            return replace(
                facts,
                verdict=Verdict.REFUSED,
                reason=Reason.SUSPECTED_FRAUD,
                failure=FailureClass.DECLINED,
                detail="iyzico's fraud review rejected the payment",
                state=ProviderState.FAILED,
            )
        case _:
            return contradiction(facts, "fraudStatus is missing or a word that iyzico's documents do not have")


def _lines(reply: PaymentReply, currency: str) -> tuple[LineReference, ...]:
    return tuple(
        LineReference(
            line_id=item.item_id,
            provider_reference=item.payment_transaction_id,
            paid=rounded_down(item.paid_price, currency),
        )
        for item in reply.item_transactions or ()
        if item.item_id is not None and item.payment_transaction_id is not None and item.paid_price is not None
    )


def card_summary(shown: ShownCard) -> CardSummary:
    shown_bin, shown_end = shown.bin_number or "", shown.last_four_digits or ""
    return CardSummary(
        association=shown.card_association,
        card_type=shown.card_type,
        family=shown.card_family,
        bin_number=shown_bin if _BIN.fullmatch(shown_bin) else None,
        last_four=shown_end if _LAST_FOUR.fullmatch(shown_end) else None,
    )


def _stored_card(reply: PaymentReply) -> KeptCard | None:
    """The card that the payer let them keep. Names that the hub cannot keep must not cost the payment's outcome."""
    token, key = named(reply.card_token), named(reply.card_user_key)
    if token is None or key is None:
        return None
    return KeptCard(card_token=token, customer_key=key, card=card_summary(reply))


def _fee(reply: PaymentReply, currency: str) -> Money | None:
    whole = (reply.iyzi_commission_fee, reply.iyzi_commission_rate_amount)
    parts = [part for part in whole if part is not None]
    if not parts:
        items = reply.item_transactions or ()
        shares = ((item.iyzi_commission_fee, item.iyzi_commission_rate_amount) for item in items)
        parts = [part for share in shares for part in share if part is not None]
    return rounded_half_up(sum(parts, Decimal(0)), currency) if parts else None
