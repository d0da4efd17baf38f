"""iyzico's page for subscriptions: where a buyer subscribes, or gives another card. To begin it moves nothing."""

from typing import Final

from providers.connector import Attempt, Request
from providers.outcome import Outcome, UnusableAnswer
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known_resource import subscription_of
from providers.payments.iyzico.subscription_wire import BASE
from providers.payments.iyzico.wire import Envelope, post
from schemas.payments import Reason, ShowPage
from schemas.payments.resources import ChangeSubscriptionCard
from schemas.verdicts import Verdict

_CHANGE_CARD: Final = f"{BASE}/card-update/checkoutform/initialize"
_PAGE: Final = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
    '<div id="iyzipay-checkout-form" class="responsive"></div>{}</body></html>'
)
"""Their answer is a script, which fills the element of this id."""


class FormReply(Envelope):
    token: str | None = None
    checkout_form_content: str | None = None


def build_change_card(command: ChangeSubscriptionCard, attempt: Attempt) -> Request:
    return post(
        _CHANGE_CARD,
        {
            "conversationId": attempt.reference,
            "callbackUrl": command.return_url,
            "customerReferenceCode": command.customer_reference,
            "subscriptionReferenceCode": subscription_of(attempt),
        },
    )


def read_change_card(reply: FormReply, _command: ChangeSubscriptionCard, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _pending(reply, subscription_of(attempt))


def sent_to_page(reply: FormReply) -> Outcome:
    """The page's token is all that there is of a subscription until the buyer has finished it."""
    if not reply.token:
        raise UnusableAnswer("token is missing in a success")
    return _pending(reply, reply.token)


def _pending(reply: FormReply, reference: str) -> Outcome:
    if not reply.checkout_form_content:
        raise UnusableAnswer("checkoutFormContent is missing in a success")
    page = _PAGE.format(reply.checkout_form_content)
    return Outcome(
        verdict=Verdict.PENDING,
        reference=reference,
        reason=Reason.ACTION_REQUIRED,
        detail="the buyer goes on at iyzico's page; query the subscription afterwards",
        next_action=ShowPage(html=page),
    )
