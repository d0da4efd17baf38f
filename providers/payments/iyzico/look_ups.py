"""Questions that move nothing: whose card a BIN is (`/payment/bin/check`), and what instalments cost
(`/payment/iyzipos/installment`). Neither answer is signed.
"""

from typing import Final

from providers.connector import Read, Request
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.iyzico.amounts import from_wire, rounded_half_up, to_wire
from providers.payments.iyzico.detail import not_answered
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.wire import Amount, Code, Envelope, Fields, Word, post
from schemas.money import Money
from schemas.payments import Reason
from schemas.payments.look_ups import (
    BinLookUp,
    CardBin,
    InstalmentLookUp,
    InstalmentOffer,
    InstalmentPlan,
    InstalmentTable,
)
from schemas.verdicts import FailureClass, Verdict

_BIN_PATH: Final = "/payment/bin/check"
_INSTALMENT_PATH: Final = "/payment/iyzipos/installment"
_DAY_S: Final = 24 * 3600
_QUARTER_S: Final = 15 * 60
"""A merchant who changes rates in iyzico's panel sees them here after so long at the latest."""


class BinReply(Envelope):
    bin_number: Word | None = None
    card_type: str | None = None
    card_association: str | None = None
    card_family: str | None = None
    bank_name: str | None = None
    bank_code: Code | None = None
    commercial: Code | None = None


class Offer(Fields):
    installment_number: Code
    installment_price: Amount
    total_price: Amount


class Details(Fields):
    bin_number: Word | None = None
    card_type: str | None = None
    card_association: str | None = None
    card_family_name: str | None = None
    bank_name: str | None = None
    bank_code: Code | None = None
    commercial: Code | None = None
    force3ds: Code | None = None
    installment_prices: tuple[Offer, ...] = ()


class InstalmentReply(Envelope):
    installment_details: tuple[Details, ...] | None = None


def build_bin(question: BinLookUp) -> Request:
    return post(_BIN_PATH, {"binNumber": question.bin_number})


def read_bin(reply: BinReply, question: BinLookUp) -> CardBin | Refusal:
    if reply.failed:
        return _refusal(reply)
    # Eight digits may be answered with the six that decide, never with those of another card.
    if reply.bin_number is not None and not question.bin_number.startswith(reply.bin_number[:6]):
        raise UnusableAnswer("binNumber is not the one that was asked for")
    if reply.card_type is None or reply.card_association is None:
        raise UnusableAnswer("cardType or cardAssociation is missing in a success")
    return CardBin(
        bin_number=question.bin_number,
        association=reply.card_association,
        card_type=reply.card_type,
        family=reply.card_family,
        bank=reply.bank_name,
        bank_code=reply.bank_code,
        commercial=_flag(reply.commercial),
    )


def build_instalments(question: InstalmentLookUp) -> Request:
    return post(
        _INSTALMENT_PATH,
        {
            "price": to_wire(question.price),
            "currency": question.price.currency,
            "binNumber": question.bin_number,
        },
    )


def read_instalments(reply: InstalmentReply, question: InstalmentLookUp) -> InstalmentTable | Refusal:
    if reply.failed:
        return _refusal(reply)
    if not reply.installment_details:
        raise UnusableAnswer("installmentDetails is missing or empty in a success")
    plans = tuple(_plan(details, question) for details in reply.installment_details)
    return InstalmentTable(price=_plain(question.price), plans=plans)


def _plan(details: Details, question: InstalmentLookUp) -> InstalmentPlan:
    if not details.installment_prices:
        raise UnusableAnswer("installmentPrices is missing or empty")
    currency = question.price.currency
    if any(not 1 <= offer.installment_number <= 60 for offer in details.installment_prices):  # noqa: PLR2004
        raise UnusableAnswer("installmentNumber is no number of instalments")
    return InstalmentPlan(
        bin_number=question.bin_number,
        association=details.card_association,
        card_type=details.card_type,
        family=details.card_family_name,
        bank=details.bank_name,
        bank_code=details.bank_code,
        commercial=_flag(details.commercial),
        force_3ds=_flag(details.force3ds),
        offers=tuple(
            InstalmentOffer(
                number=offer.installment_number,
                each=rounded_half_up(offer.installment_price, currency),
                total=from_wire(offer.total_price, currency, "totalPrice"),
            )
            for offer in sorted(details.installment_prices, key=lambda offer: offer.installment_number)
        ),
    )


def _refusal(reply: Envelope) -> Refusal:
    """A plain no (no such BIN, a bad price). What leaves a payment's outcome open is no answer to a question either."""
    outcome = refusal(reply)
    if outcome.verdict is not Verdict.REFUSED:
        raise not_answered(reply)
    return Refusal(
        reason=outcome.reason or Reason.INVALID_REQUEST,
        failure=outcome.failure or FailureClass.INVALID,
        detail=f"iyzico refused the look-up (iyzico code {outcome.their_code}); check what was asked",
        their_code=outcome.their_code,
    )


def _flag(value: int | None) -> bool | None:
    return None if value is None else value == 1


def _plain(price: Money) -> Money:
    return Money(minor=price.minor, currency=price.currency)


READS: Final = (
    Read("bin", BinLookUp, CardBin, build_bin, BinReply, read_bin, ttl_s=_DAY_S),
    Read(
        "instalments",
        InstalmentLookUp,
        InstalmentTable,
        build_instalments,
        InstalmentReply,
        read_instalments,
        ttl_s=_QUARTER_S,
    ),
)
