"""Serving the buyer's pages under `/pages/`: unsigned, without cookies, each button a form that is posted."""

import logging
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from infra.sandbox.iyzico.buyer import Answer, AtTheCheckout, Buyer
from infra.sandbox.iyzico.buyer_html import back_html, bank_html, checkout_html, gone_html
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.hosted_paying import CardChoice
from infra.sandbox.iyzico.html import leading_form, page, paragraph
from infra.sandbox.iyzico.validation import read_card_use, read_installment

log = logging.getLogger(__name__)


class Pages:
    """One handler for all pages."""

    def __init__(self, buyer: Buyer) -> None:
        self._buyer = buyer

    async def handle(self, method: str, path: str, body: bytes) -> web.StreamResponse:
        """A page; 404 for one that is not there, or for a button that it has not."""
        filled = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        kind, _, rest = path.partition("/")
        name, _, act = rest.partition("/")
        try:
            match kind, act, method:
                case "bank", "", "GET" | "POST":  # the merchant's page posts the buyer here
                    text = bank_html(await self._buyer.look_at_bank(name))
                case "bank", "answer", "POST":
                    answer: Answer = "cancel" if filled.get("answer") == "cancel" else "confirm"
                    text = bank_html(await self._buyer.answer_bank(name, answer, filled.get("code", "").strip()))
                case "checkout", "", "GET":
                    text = checkout_html(await self._buyer.look_at_checkout(name), self._buyer.now_ms())
                case "checkout", "leave", "POST":
                    text = back_html((await self._buyer.look_at_checkout(name)).back)
                case "checkout", "card" | "transfer" | "wallet", "POST":
                    text = await self._pay(name, act, filled)
                case "link", "", "GET":
                    text = checkout_html(await self._buyer.open_link(name), self._buyer.now_ms())
                case "link", "thanks", "POST":
                    text = page("Thank you", paragraph("You may close this window."))
                case _:
                    raise Refused("11", detail="there is no such page")  # noqa: TRY301 -- phrased like any other
        except Refused as refused:
            log.info("page", extra={"page": "none", "outcome": refused.code})
            return web.Response(status=404, text=gone_html(refused), content_type="text/html")
        log.info("page", extra={"page": kind, "outcome": act or "shown"})
        return web.Response(text=text, content_type="text/html")

    async def _pay(self, token: str, act: str, filled: Mapping[str, str]) -> str:
        before = await self._buyer.look_at_checkout(token)
        try:
            after = await self._paid(before, act, filled)
        except Refused as refused:
            return checkout_html(before, self._buyer.now_ms(), refused)
        if after.bank_key is not None:
            return leading_form(f"/pages/bank/{after.bank_key}", {}, "Continue to your bank")
        return checkout_html(after, self._buyer.now_ms())

    async def _paid(self, before: AtTheCheckout, act: str, filled: Mapping[str, str]) -> AtTheCheckout:
        token = before.checkout.token
        if act == "transfer":
            return await self._buyer.pay_without_card(token, "bank_transfer")
        if act == "wallet":
            return await self._buyer.pay_without_card(token, "wallet")
        return await self._buyer.pay_by_card(token, read_choice(before, filled, self._buyer.now_ms()))


def read_choice(there: AtTheCheckout, filled: Mapping[str, str], now_ms: int) -> CardChoice:
    """What the buyer typed or chose.

    Raises:
        Refused: the first field of the card that is wrong.
    """
    user_key = there.checkout.terms.get("user_key")
    names = ("cardHolderName", "cardNumber", "expireMonth", "expireYear", "cvc", "cardToken")
    card: dict[str, object] = {name: filled[name].strip() for name in names if filled.get(name)}
    card["cardNumber"] = filled.get("cardNumber", "").replace(" ", "")
    card["registerCard"] = filled.get("storeCard", "0")
    if user_key is not None:
        card["cardUserKey"] = user_key
    return CardChoice(read_card_use(card, now_ms), read_installment(filled.get("installment", "1")))
