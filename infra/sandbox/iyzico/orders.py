"""Acts to order over HTTP: what a buyer does without a browser, and what time would bring."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from infra.sandbox.iyzico.bank_page import SMS_CODE
from infra.sandbox.iyzico.buyer import AtTheCheckout, Buyer
from infra.sandbox.iyzico.cards import WALLET_TOKENS
from infra.sandbox.iyzico.errors import GROUPS, Refused
from infra.sandbox.iyzico.hosted_paying import CardChoice
from infra.sandbox.iyzico.settlement import bounce, pay_out
from infra.sandbox.iyzico.subscriptions.charging import renew
from infra.sandbox.iyzico.validation import CardUse, read_installment

Values = Mapping[str, object]
Answer = dict[str, object]
Order = Callable[[Values], Awaitable[Answer]]


class Orders:
    """Each order takes a JSON object and answers one.

    Raises:
        ValueError: the object lacks what the order needs.
        Refused: the books have no such thing, or it cannot be done there.
    """

    def __init__(self, buyer: Buyer) -> None:
        self._buyer = buyer
        self._orders: Final[Mapping[str, Order]] = {
            "threeds": self._answer_bank,
            "checkout": self._pay,
            "links": self._open_link,
            "transfers": self._let_transfer_arrive,
            "payouts": self._pay_out,
            "bounces": self._bounce,
            "renewals": self._renew,
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._orders)

    async def carry_out(self, name: str, values: Values) -> Answer:
        return await self._orders[name](values)

    async def _answer_bank(self, values: Values) -> Answer:
        cancelled = values.get("answer") == "cancel"
        code = str(values.get("code", SMS_CODE))
        there = await self._buyer.answer_bank_of(_text(values, "paymentId"), "cancel" if cancelled else "confirm", code)
        if there.back is None:
            return {"callbackUrl": None, "fields": {}}
        return {"callbackUrl": there.back.url, "fields": there.back.fields}

    async def _pay(self, values: Values) -> Answer:
        token = _text(values, "token")
        means = values.get("pay_with", "card")
        if means == "transfer":
            return _paid(await self._buyer.pay_without_card(token, "bank_transfer"))
        if means == "wallet":
            return _paid(await self._buyer.pay_without_card(token, "wallet"))
        user_key = (await self._buyer.look_at_checkout(token)).checkout.terms.get("user_key")
        use = _card(_text(values, "card"), user_key, store=bool(values.get("store")))
        choice = CardChoice(use, read_installment(values.get("installment", 1)))
        return _paid(await self._buyer.pay_by_card(token, choice))

    async def _open_link(self, values: Values) -> Answer:
        return {"token": (await self._buyer.open_link(_text(values, "token"))).checkout.token}

    async def _let_transfer_arrive(self, values: Values) -> Answer:
        arrived = values.get("arrived", True) is not False
        payment = await self._buyer.let_transfer_arrive(_text(values, "token"), arrived=arrived)
        return {"paymentId": payment.payment_id, "paymentStatus": payment.status}

    async def _pay_out(self, _values: Values) -> Answer:
        return {"lines": await self._buyer.do(pay_out)}

    async def _renew(self, values: Values) -> Answer:
        reference = _text(values, "subscriptionReferenceCode")
        forced = _refusal(str(values.get("code", "10051"))) if values.get("outcome") == "failure" else None
        one, order = await self._buyer.do(lambda connection, call: renew(connection, call, reference, forced))
        return {
            "subscriptionReferenceCode": one.reference,
            "subscriptionStatus": one.status,
            "orderReferenceCode": order.reference if order else None,
            "orderStatus": order.status if order else None,
        }

    async def _bounce(self, values: Values) -> Answer:
        key = _text(values, "subMerchantKey")
        return {"amount_minor": await self._buyer.do(lambda connection, call: bounce(connection, call, key))}


def _paid(there: AtTheCheckout) -> Answer:
    payment = there.payment
    answer: Answer = {"callbackUrl": there.back.url, "fields": there.back.fields, "error": None}
    if payment is not None:
        answer |= {"paymentId": payment.payment_id, "paymentStatus": payment.status}
        if payment.error_code is not None:
            answer["error"] = {"code": payment.error_code, "group": payment.error_group}
    return answer


def _card(name: str, user_key: str | None, *, store: bool) -> CardUse:
    """A public card by its name, as if its number were typed; any other name is a token of the buyer's."""
    if name in WALLET_TOKENS:
        return CardUse(WALLET_TOKENS[name], user_key, None, register=store, alias=None)
    return CardUse(None, user_key or "", name, register=False, alias=None)


def _refusal(code: str) -> Refused:
    if code not in GROUPS:
        raise ValueError(f"code must be a bank's: {', '.join(GROUPS)}")
    return Refused(code)


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"send {name} as a text")
    return value
