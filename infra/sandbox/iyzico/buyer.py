"""What the buyer does, in a browser or by an order on the admin pages. Each act is one step of the books."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from infra.sandbox.iyzico.bank_page import BankPage, Return, answer_bank, bank_page, bank_page_of, return_of
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.calls import Call
from infra.sandbox.iyzico.card_storage import cards_of
from infra.sandbox.iyzico.cards import Card
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.hosted import Checkout, require_checkout
from infra.sandbox.iyzico.hosted_paying import (
    CardChoice,
    pay_by_card,
    pay_without_card,
    take_verified,
    transfer_arrived,
)
from infra.sandbox.iyzico.links import open_link
from infra.sandbox.iyzico.payments import require_payment
from infra.sandbox.iyzico.performing import Performer
from infra.sandbox.iyzico.records import BookedPayment, Means
from infra.sandbox.iyzico.signing import Keys
from infra.sandbox.iyzico.subscriptions.hosted import submit_card

T = TypeVar("T")
Answer = Literal["confirm", "cancel"]
Step = Callable[[sqlite3.Connection, Call], T]


@dataclass(frozen=True, slots=True)
class AtTheBank:
    """The bank's page as it stands. `back` is there once it was answered."""

    page: BankPage
    payment: BookedPayment
    back: Return | None


@dataclass(frozen=True, slots=True)
class AtTheCheckout:
    """A hosted page as it stands.

    Attributes:
        checkout: what is asked there.
        cards: token, alias and card of what the buyer has stored.
        payment: the last attempt to pay.
        bank_key: of the bank's page to which the buyer goes on.
    """

    checkout: Checkout
    cards: list[tuple[str, str | None, Card]]
    payment: BookedPayment | None
    bank_key: str | None = None

    @property
    def back(self) -> Return:
        """The way back to the merchant. The token alone says nothing of what happened."""
        return Return(self.checkout.callback_url, {"token": self.checkout.token})


class Buyer:
    """Every act raises Refused for what the books have not, 5124 or 5087, or for what cannot be done there."""

    def __init__(self, performer: Performer, books: Books, keys: Keys) -> None:
        self._performer = performer
        self._books = books
        self._keys = keys

    def now_ms(self) -> int:
        """The time by which pages expire."""
        return self._books.now_ms()

    async def look_at_bank(self, key: str) -> AtTheBank:
        """The bank's page with this key."""
        return await self.do(lambda connection, call: self._at_the_bank(connection, call, _page_with(connection, key)))

    async def answer_bank(self, key: str, answer: Answer, code: str) -> AtTheBank:
        """Press one of the buttons of the page with this key."""
        return await self.do(
            lambda connection, call: self._answer(connection, call, _page_with(connection, key), answer, code)
        )

    async def answer_bank_of(self, payment_id: str, answer: Answer, code: str) -> AtTheBank:
        """Press one of the buttons of the page for this payment."""

        def step(connection: sqlite3.Connection, call: Call) -> AtTheBank:
            page = bank_page_of(connection, require_payment(connection, payment_id, call.now_ms).payment_id)
            if page is None:
                raise Refused("10012", detail="the payment has no bank page")
            return self._answer(connection, call, page, answer, code)

        return await self.do(step)

    async def look_at_checkout(self, token: str) -> AtTheCheckout:
        """The page of this token."""
        return await self.do(lambda connection, call: _at_the_checkout(connection, call, token))

    async def open_link(self, token: str) -> AtTheCheckout:
        """Begin a hosted page from a payment link."""
        return await self.do(
            lambda connection, call: _at_the_checkout(connection, call, open_link(connection, call, token))
        )

    async def pay_by_card(self, token: str, choice: CardChoice) -> AtTheCheckout:
        """Give a card on the page of this token; a declined payment shows in what is there afterwards."""

        def step(connection: sqlite3.Connection, call: Call) -> AtTheCheckout:
            checkout, key = require_checkout(connection, token), None
            if checkout.kind in ("subscription", "card_update"):
                submit_card(connection, call, checkout, choice.use)
            else:
                _, key = pay_by_card(connection, call, checkout, choice)
            return _at_the_checkout(connection, call, token, key)

        return await self.do(step)

    async def pay_without_card(self, token: str, means: Means) -> AtTheCheckout:
        """Announce a bank transfer, or pay with a wallet's balance."""

        def step(connection: sqlite3.Connection, call: Call) -> AtTheCheckout:
            pay_without_card(connection, call, require_checkout(connection, token), means)
            return _at_the_checkout(connection, call, token)

        return await self.do(step)

    async def let_transfer_arrive(self, token: str, *, arrived: bool) -> BookedPayment:
        """The announced transfer comes, or will not come any more."""
        return await self.do(lambda connection, call: transfer_arrived(connection, call, token, arrived=arrived))

    async def do(self, step: Step[T]) -> T:
        """One act as a step of the books; its merchant is told of it afterwards."""
        return await self._performer.run(step, Call({}, {}, self._books.now_ms()))

    def _answer(
        self,
        connection: sqlite3.Connection,
        call: Call,
        page: BankPage,
        answer: Answer,
        code: str,
    ) -> AtTheBank:
        before = require_payment(connection, page.payment_id, call.now_ms)
        after = answer_bank(connection, call, page, answer, code)
        if after.token is not None and after.status != before.status:
            take_verified(connection, call, after, page)
        return self._at_the_bank(connection, call, _page_with(connection, page.key))

    def _at_the_bank(self, connection: sqlite3.Connection, call: Call, page: BankPage) -> AtTheBank:
        payment = require_payment(connection, page.payment_id, call.now_ms)
        if payment.md_status is None:
            return AtTheBank(page, payment, None)
        if payment.token is not None:
            return AtTheBank(page, payment, Return(page.callback_url, {"token": payment.token}))
        return AtTheBank(page, payment, return_of(payment, page, self._keys.secret_key))


def _page_with(connection: sqlite3.Connection, key: str) -> BankPage:
    page = bank_page(connection, key)
    if page is None:
        raise Refused("5087")
    return page


def _at_the_checkout(
    connection: sqlite3.Connection, call: Call, token: str, bank_key: str | None = None
) -> AtTheCheckout:
    checkout = require_checkout(connection, token)
    user_key = checkout.terms.get("user_key")
    cards = cards_of(connection, user_key) if user_key else []
    payment = require_payment(connection, checkout.payment_id, call.now_ms) if checkout.payment_id else None
    return AtTheCheckout(checkout, cards, payment, bank_key)
