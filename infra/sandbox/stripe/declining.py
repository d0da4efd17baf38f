"""How a bank's no is told.

Source: docs.stripe.com: Declines, "Decline codes"; API reference, Errors.
"""

from http import HTTPStatus
from typing import Any, Final

from infra.sandbox.stripe.cards import CODES, NEVER_AGAIN
from infra.sandbox.stripe.refusing import Refused

_ADVICE: Final = {"incorrect_cvc": "confirm_card_data", "expired_card": "confirm_card_data"}
_NOT_HANDLED: Final = "authentication_not_handled"


def card_error(decline_code: str, **more: Any) -> Refused:
    """The 402 of a decline; `more` are the objects that it is told with."""
    code = decline_code if decline_code in CODES else "card_declined"
    if decline_code == _NOT_HANDLED:
        code = "authentication_required"
    advice = "do_not_try_again" if decline_code in NEVER_AGAIN else _ADVICE.get(decline_code, "try_again_later")
    return Refused(
        "Your card was declined.",
        status=HTTPStatus.PAYMENT_REQUIRED,
        kind="card_error",
        code=code,
        decline_code=decline_code,
        advice_code=advice,
        **more,
    )


def not_authenticated(intent_code: str, **more: Any) -> Refused:
    """The payer did not get through at the bank."""
    return Refused(
        "The provided PaymentMethod has failed authentication. Provide payment_method again to attempt it anew.",
        status=HTTPStatus.PAYMENT_REQUIRED,
        kind="invalid_request_error",
        code=intent_code,
        **more,
    )
