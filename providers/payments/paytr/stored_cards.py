"""Cards that PayTR keeps for a buyer (`utoken`), each by its `ctoken`: `/odeme/capi/list` and `/odeme/capi/delete`.

Source: README, "Kept cards".
"""

import re
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from providers.connector import Attempt, Request, Unsayable, Wire
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.paytr.errors import refused_in_words
from providers.payments.paytr.wire import Truth, Word, post
from schemas.payments import CardSummary, KeptCard, Reason
from schemas.payments.resources import CardDeletion, DeleteCard, KeptCards, ListCards
from schemas.verdicts import Verdict

_LAST_FOUR: Final = re.compile(r"[0-9]{4}")


class CardRow(Wire):
    ctoken: str
    last_4: Word
    require_cvv: Truth | None = None
    c_bank: str | None = None
    c_brand: str | None = None
    c_type: str | None = None
    association: Annotated[str | None, Field(validation_alias="schema")] = None


class CardsReply(Wire):
    """A bare list where it worked, an object with `status` where not."""

    cards: tuple[CardRow, ...] | None = None
    status: str | None = None
    err_msg: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_list(cls, told: Any) -> Any:
        if isinstance(told, list):
            return {"cards": told}
        return {name: value for name, value in told.items() if name != "cards"} if isinstance(told, dict) else told

    @property
    def listed(self) -> tuple[CardRow, ...]:
        """The cards.

        Raises:
            UnusableAnswer: there is no list, or one card stands in it twice.
        """
        if self.cards is None:
            raise UnusableAnswer("the answer is neither a list of cards nor an error")
        if len({row.ctoken for row in self.cards}) != len(self.cards):
            raise UnusableAnswer("a card stands twice in the list")
        return self.cards


class DeletedReply(Wire):
    status: str
    err_msg: str | None = None


def build_list(command: ListCards, _attempt: Attempt) -> Request:
    return post("/odeme/capi/list", {"utoken": command.customer_key})


def read_list(reply: CardsReply, command: ListCards, _attempt: Attempt) -> Outcome:
    """A buyer without cards and one that PayTR does not know are both told as an error, in words alone."""
    if reply.cards is None and reply.status == "error":
        return refused_in_words(reply.err_msg)
    cards = tuple(_kept(row, command.customer_key) for row in reply.listed)
    return Outcome(verdict=Verdict.ACCEPTED, details=KeptCards(customer_key=command.customer_key, cards=cards))


def build_delete(command: DeleteCard, attempt: Attempt) -> Request:
    card, buyer = _named(command, attempt)
    return post("/odeme/capi/delete", {"utoken": buyer, "ctoken": card})


def read_delete(reply: DeletedReply, command: DeleteCard, attempt: Attempt) -> Outcome:
    match reply.status:
        case "success":
            return _deleted(command, attempt)
        case "error" | "failed":
            return refused_in_words(reply.err_msg)
        case _:
            raise UnusableAnswer("status is a word that PayTR's documents do not have")


def build_inquiry(command: DeleteCard, attempt: Attempt) -> Request:
    return post("/odeme/capi/list", {"utoken": _named(command, attempt)[1]})


def read_inquiry(reply: CardsReply, command: DeleteCard, attempt: Attempt) -> Finding:
    """Gone from the list: deleted. Still there: not deleted, or not yet.

    Raises:
        UnusableAnswer: there is no list, which is said of the buyer's last card too, and of much else.
    """
    card, _ = _named(command, attempt)
    if any(row.ctoken == card for row in reply.listed):
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _deleted(command, attempt))


def _deleted(command: DeleteCard, attempt: Attempt) -> Outcome:
    card, buyer = _named(command, attempt)
    return Outcome(verdict=Verdict.ACCEPTED, reference=card, details=CardDeletion(card_token=card, customer_key=buyer))


def _named(command: DeleteCard, attempt: Attempt) -> tuple[str, str]:
    """The card's name and the buyer's, as the command says them or as the hub knows the card."""
    known = attempt.resource
    card = command.card_token or (None if known is None else known.provider_reference)
    buyer = command.customer_key or (None if known is None else known.customer_reference)
    if card is None or buyer is None:
        raise Unsayable(
            Reason.INVALID_REQUEST,
            "PayTR knows a card by its ctoken and its buyer's utoken; send card_token and customer_key",
        )
    return card, buyer


def _kept(row: CardRow, buyer: str) -> KeptCard:
    """Digits that are not four, such as those of a number that lost its zeros, must not cost the whole list."""
    last_four = row.last_4 if _LAST_FOUR.fullmatch(row.last_4) else None
    return KeptCard(
        card_token=row.ctoken,
        customer_key=buyer,
        bank=row.c_bank,
        card=CardSummary(association=row.association, card_type=row.c_type, family=row.c_brand, last_four=last_four),
        code_needed=row.require_cvv,
    )
