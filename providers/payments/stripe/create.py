"""Taking or holding a payment: a payment intent, made and confirmed in one request, or a page of Stripe's.

Source: README, "Payments".
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import StrictBool

from providers.connector import Attempt, Request, Unsayable
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.stripe import page
from providers.payments.stripe.amounts import currency_to_wire, to_wire
from providers.payments.stripe.errors import raise_error, refusal
from providers.payments.stripe.intent import KIND, NOT_BEGUN, PATH, WITH_CHARGE, decided, kept_card
from providers.payments.stripe.order import customer_of, require_plain
from providers.payments.stripe.page import SessionFields, is_paid_there
from providers.payments.stripe.wire import (
    PAGE_SIZE,
    REFERENCE,
    IntentFields,
    IntentReply,
    Reply,
    get,
    post,
    the_one,
)
from schemas.ids import created_at
from schemas.payments import CreatePayment, ProviderToken, Reason, StoredCard
from schemas.verdicts import Verdict

_CLOCKS_APART: Final = timedelta(minutes=15)
"""How far the publisher's clock may be ahead of Stripe's: the hub lets it be ten minutes ahead of its own."""
_GOES_ON: Final = frozenset({"processing", "requires_capture", "succeeded"})
"""Of an intent by which money moves, or is held: no error beside it is a no."""
_CONFIRMATION: Final = "ctoken_"
"""How the script's newer tokens begin, which hold more than a payment method (`pm_…`)."""


class CreateReply(SessionFields, IntentReply):
    """Of an intent, or of the page that leads to one."""


class CreatedList(Reply):
    """Intents, or pages, the newest first."""

    object: str | None = None
    data: tuple["CreatedFields", ...] | None = None
    has_more: StrictBool | None = None


class CreatedFields(SessionFields, IntentFields):
    """An intent, or a page."""


def build_create(command: CreatePayment, attempt: Attempt) -> Request:
    if is_paid_there(command):
        return page.build_page(command, attempt)
    # There is no way back from a redirect here: where the bank wants to ask, it is refused instead.
    how = {"off_session": "true"} if command.without_payer else {"error_on_requires_action": "true"}
    return confirmed(command, attempt, {**how, "automatic_payment_methods[allow_redirects]": "never"})


def confirmed(command: CreatePayment, attempt: Attempt, how: Mapping[str, str]) -> Request:
    """An intent, made and confirmed.

    Raises:
        Unsayable: it asks for what Stripe has no words for.
    """
    require_plain(command)
    amount = attempt.amount or command.paid_price
    customer = customer_of(command)
    if command.store_card and customer is None:
        detail = "Stripe keeps cards for its customers alone; send customer_key, or a hosted_page, which makes one"
        raise Unsayable(Reason.INVALID_REQUEST, detail)
    fields = {
        "amount": to_wire(amount),
        "currency": currency_to_wire(amount),
        "confirm": "true",
        "capture_method": "manual" if command.capture == "manual" else "automatic_async",
        "automatic_payment_methods[enabled]": "true",
        **how,
        **_paid_with(command),
        "customer": customer,
        "setup_future_usage": "off_session" if command.store_card and not command.without_payer else None,
        f"metadata[{REFERENCE}]": attempt.reference,
        "metadata[order_id]": command.order_id,
        **dict(WITH_CHARGE),
    }
    return post(PATH, PATH, fields, attempt.reference)


def read_create(reply: CreateReply, command: CreatePayment, attempt: Attempt) -> Outcome:
    if reply.error is not None:
        made = reply.error.payment_intent
        if made is not None and made.status in _GOES_ON:
            raise UnusableAnswer("an error, beside a payment that goes on; ask", their_code=reply.error.word)
        return refusal(reply.error, reply.http)
    if is_paid_there(command):
        reply.require(page.KIND)
        reply.require_echo(attempt.reference)
        return page.sent_to_page(reply)
    reply.require(KIND)
    reply.require_echo(attempt.reference)
    return with_stored_card(decided(reply, reply.http, command.capture), reply)


def with_stored_card(outcome: Outcome, intent: IntentFields) -> Outcome:
    return replace(outcome, stored_card=kept_card(intent)) if outcome.verdict is Verdict.ACCEPTED else outcome


def build_inquiry(command: CreatePayment, attempt: Attempt) -> Request:
    """The newest of the buyer's, or of all. Stripe has no look-up by metadata that sees what was made just now."""
    there = is_paid_there(command)
    return listed(page.PATH if there else PATH, attempt.command_id, customer_of(command))


def listed(path: str, command_id: UUID, customer: str | None = None, *, expand: str | None = None) -> Request:
    """Objects that were made since a command was, the newest first; `expand` names what is told in full."""
    query = [("limit", str(PAGE_SIZE))]
    since = created_at(command_id)
    if since is not None:
        query.append(("created[gte]", str(int((since - _CLOCKS_APART).timestamp()))))
    if customer is not None:
        query.append(("customer", customer))
    if expand is not None:
        query.append(("expand[0]", expand))
    return get(path, path, query)


def read_inquiry(reply: CreatedList, command: CreatePayment, attempt: Attempt) -> Finding:
    """A busy account makes more than a page holds: absence proves nothing, and the same is sent again under its key."""
    found = found_in(reply, attempt.reference)
    if found is None:
        return Finding(Sighting.ABSENT)
    if is_paid_there(command):
        found.require(page.KIND)
        return page.begun(found)
    found.require(KIND)
    if found.status in NOT_BEGUN and found.last_payment_error is None:
        return Finding(Sighting.RUNNING)
    return Finding(Sighting.CONCLUDED, with_stored_card(decided(found, reply.http, command.capture), found))


def found_in(reply: CreatedList, reference: str) -> CreatedFields | None:
    """The one that carries our reference.

    Raises:
        UnusableAnswer: the list is an error or none, or several carry it.
    """
    raise_error(reply)
    if reply.object != "list" or reply.data is None:
        raise UnusableAnswer("the answer is no list")
    return the_one(reply.data, reference)


def _paid_with(command: CreatePayment) -> Mapping[str, str]:
    match command.method:
        case ProviderToken(token=token) if token.startswith(_CONFIRMATION):
            return {"confirmation_token": token}
        case ProviderToken(token=token):
            return {"payment_method": token}
        case StoredCard(card_token=token):
            return {"payment_method": token}
        case _:
            raise Unsayable(Reason.UNSUPPORTED_METHOD, f"{command.method.kind} is not taken; send a token of Stripe's")


CreatedList.model_rebuild()
