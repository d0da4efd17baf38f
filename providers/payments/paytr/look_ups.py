"""Questions that move nothing: whose card a BIN is, and what instalments cost.

Source: README, "Look-ups".
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from providers.connector import Read, Request, Unsayable, Wire
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.paytr.amounts import currency_word
from providers.payments.paytr.errors import RECORD
from providers.payments.paytr.wire import Word, post
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
from schemas.verdicts import FailureClass

_DAY_S: Final = 24 * 3600
_QUARTER_S: Final = 15 * 60
"""A merchant whose rates change sees the new ones here after so long at the latest; they change by the day."""
_COUNT: Final = re.compile(r"(?:[^0-9]*[^0-9])?([0-9]{1,2})")
_RATE: Final = re.compile(r"[0-9]{1,2}(?:[.,][0-9]{1,10})?")
_MOST_INSTALMENTS: Final = 60
_WHOLE: Final = Decimal(100)
_REQUEST_ID: Final = "kolajinstalments"
"""It comes back in the answer and means nothing: equal questions are equal requests."""


class BinReply(Wire):
    status: str
    card_type: Annotated[str | None, Field(validation_alias="cardType")] = None
    business_card: Annotated[str | None, Field(validation_alias="businessCard")] = None
    bank: str | None = None
    bank_code: Annotated[Word | None, Field(validation_alias="bankCode")] = None
    brand: str | None = None
    association: Annotated[str | None, Field(validation_alias="schema")] = None


class RatesReply(Wire):
    status: str
    request_id: str | None = None
    oranlar: Any = None


def build_bin(question: BinLookUp) -> Request:
    return post("/odeme/api/bin-detail", {"bin_number": question.bin_number})


def read_bin(reply: BinReply, question: BinLookUp) -> CardBin | Refusal:
    if reply.status in {"error", "failed"}:
        return _refusal()
    if reply.status != "success" or reply.card_type is None or reply.association is None:
        raise UnusableAnswer("status is a word that was never met, or cardType or schema is missing in a success")
    code = reply.bank_code or ""
    return CardBin(
        bin_number=question.bin_number,
        association=reply.association,
        card_type=reply.card_type,
        # Their word for a card that pays in one part only.
        family=None if reply.brand == "none" else reply.brand,
        bank=reply.bank,
        bank_code=int(code) if code.isascii() and code.isdigit() else None,
        commercial={"y": True, "n": False}.get(reply.business_card or ""),
    )


def build_instalments(question: InstalmentLookUp) -> Request:
    if question.bin_number is not None:
        raise Unsayable(
            Reason.UNSUPPORTED_OPERATION,
            "PayTR tells what instalments cost by card family; ask without bin_number, and for the card's own family",
        )
    currency_word(question.price.currency)
    return post("/odeme/taksit-oranlari", {"request_id": _REQUEST_ID})


def read_instalments(reply: RatesReply, question: InstalmentLookUp) -> InstalmentTable | Refusal:
    if reply.status in {"error", "failed"}:
        return _refusal()
    if reply.status != "success" or reply.request_id not in {None, _REQUEST_ID}:
        raise UnusableAnswer("status is a word that was never met, or the answer is another question's")
    if not isinstance(reply.oranlar, dict) or not reply.oranlar:
        raise UnusableAnswer("oranlar is missing in a success, or no table")
    plans = tuple(_plan(family, rates, question.price) for family, rates in reply.oranlar.items())
    return InstalmentTable(price=question.price.with_minor(question.price.minor), plans=plans)


def _plan(family: str, rates: Any, price: Money) -> InstalmentPlan:
    """One card family: in one part at the price, in more at the price that leaves it whole after PayTR's share."""
    if not isinstance(rates, dict):
        raise UnusableAnswer("a card family's rates are no table")
    offers = {count: _offer(count, rate, price) for count, rate in map(_rate, rates.items()) if count > 1}
    one = InstalmentOffer(number=1, each=price.with_minor(price.minor), total=price.with_minor(price.minor))
    return InstalmentPlan(family=family, offers=(one, *(offers[count] for count in sorted(offers))))


def _rate(told: tuple[str, Any]) -> tuple[int, Decimal]:
    """`3` or `taksit_3`, and a percentage as a number or a text, with a comma or a dot."""
    name, value = told
    count = _COUNT.fullmatch(name)
    text = f"{value}" if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
    if count is None or not 1 <= int(count[1]) <= _MOST_INSTALMENTS or not _RATE.fullmatch(text):
        raise UnusableAnswer("a rate is for no number of instalments, or no percentage below 100")
    return int(count[1]), Decimal(text.replace(",", "."))


def _offer(count: int, rate: Decimal, price: Money) -> InstalmentOffer:
    total = _rounded(Decimal(price.minor) * _WHOLE / (_WHOLE - rate))
    each = _rounded(Decimal(total) / count)
    return InstalmentOffer(number=count, each=price.with_minor(each), total=price.with_minor(total))


def _rounded(minor: Decimal) -> int:
    return int(minor.quantize(Decimal(1), ROUND_HALF_UP))


def _refusal() -> Refusal:
    return Refusal(
        reason=Reason.INVALID_REQUEST,
        failure=FailureClass.INVALID,
        detail=f"PayTR refused the look-up, and gives no number for why; {RECORD}",
    )


READS: Final = (
    Read("bin", BinLookUp, CardBin, build_bin, BinReply, read_bin, ttl_s=_DAY_S),
    Read(
        "instalments",
        InstalmentLookUp,
        InstalmentTable,
        build_instalments,
        RatesReply,
        read_instalments,
        ttl_s=_QUARTER_S,
    ),
)
