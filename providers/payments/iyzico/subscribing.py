"""Beginning a subscription: with a card, for a buyer that iyzico has a card of, or on its page.

The page is begun by `/v2/subscription/checkoutform/initialize`; what the buyer did there is told by its token. None of
these calls is idempotent, and no reference of ours comes back with a subscription.
"""

from typing import Any, Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.hosted import lost
from providers.payments.iyzico.payment_body import address_fields, card_with_code, vault_card
from providers.payments.iyzico.result import contradiction
from providers.payments.iyzico.subscription_page import FormReply, sent_to_page
from providers.payments.iyzico.subscription_wire import (
    BASE,
    SubscriptionFields,
    SubscriptionList,
    SubscriptionReply,
    all_listed,
    details_of,
    found,
    is_new,
)
from providers.payments.iyzico.wire import get, post
from schemas.payments.resources import CreateSubscription

SUBSCRIPTIONS: Final = f"{BASE}/subscriptions"
_WITH_CARD: Final = f"{BASE}/initialize"
_WITH_CUSTOMER: Final = f"{BASE}/initialize/with-customer"
_ON_PAGE: Final = f"{BASE}/checkoutform/initialize"


class BegunReply(FormReply, SubscriptionReply):
    """Of a subscription, or of the page that leads to one."""


def build_create(command: CreateSubscription, attempt: Attempt) -> Request:
    said = {
        "conversationId": attempt.reference,
        "pricingPlanReferenceCode": command.plan_reference,
        "subscriptionInitialStatus": "ACTIVE" if command.begins_active else "PENDING",
    }
    if command.customer_reference is not None:
        return post(_WITH_CUSTOMER, {**said, "customerReferenceCode": command.customer_reference})
    if command.return_url is not None:
        return post(_ON_PAGE, {**said, "callbackUrl": command.return_url, "customer": _customer(command)})
    card = card_with_code(vault_card(attempt))
    return post(_WITH_CARD, {**said, "customer": _customer(command), "paymentCard": card})


def read_create(reply: BegunReply, command: CreateSubscription, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return sent_to_page(reply) if command.return_url is not None else _begun(reply.data, command)


def build_inquiry(command: CreateSubscription, attempt: Attempt) -> Request:
    named = command.customer_reference
    customer = {} if named is None else {"customerReferenceCode": named}
    asked = {"pricingPlanReferenceCode": command.plan_reference, **customer, "page": "1", "count": "100"}
    return get(SUBSCRIPTIONS, **asked, conversationId=attempt.reference)


def read_inquiry(reply: SubscriptionList, command: CreateSubscription, attempt: Attempt) -> Finding:
    """The buyer's one subscription to the plan that was made since the command was.

    Raises:
        UnusableAnswer: there are several, or it is not told whose one is, or when it was made.
    """
    if command.return_url is not None:
        return lost(reply)
    of_plan = [one for one in all_listed(reply) if one.pricing_plan_reference_code == command.plan_reference]
    new = [one for one in of_plan if is_new(one.created_date, attempt) and _is_of_buyer(one, command)]
    if len(new) > 1:
        raise UnusableAnswer("the buyer has several new subscriptions to the plan; which is this one cannot be told")
    return Finding(Sighting.CONCLUDED, _begun(new[0], command)) if new else Finding(Sighting.ABSENT)


def _is_of_buyer(told: SubscriptionFields, command: CreateSubscription) -> bool:
    if command.customer_reference is not None:
        return told.customer_reference_code == command.customer_reference
    if told.customer_email is None:
        raise UnusableAnswer("customerEmail is missing, so that it cannot be told whose subscription it is")
    return told.customer_email == command.buyer.email


def _begun(told: SubscriptionFields | None, command: CreateSubscription) -> Outcome:
    details = details_of(told)
    outcome = found(details)
    if details.plan_reference not in {None, command.plan_reference}:
        return contradiction(outcome, "a subscription to another plan than was asked for was made; cancel it by hand")
    if details.state not in ({"active", "pending", "unpaid"} if command.begins_active else {"pending"}):
        detail = f"a subscription was made whose state is {details.state}, which was not asked for; look at it"
        return contradiction(outcome, detail)
    return outcome


def _customer(command: CreateSubscription) -> dict[str, Any]:
    buyer, shipping = command.buyer, command.shipping_address
    return {
        "name": buyer.name,
        "surname": buyer.surname,
        "email": buyer.email,
        "gsmNumber": buyer.phone,
        "identityNumber": buyer.identity_number,
        "billingAddress": address_fields(command.billing_address),
        "shippingAddress": None if shipping is None else address_fields(shipping),
    }
