"""What the sandbox says no with: Stripe's error object and the HTTP status that it comes with.

Source: docs.stripe.com: API reference, Errors; Error codes; Decline codes.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

Kind = Literal["api_error", "card_error", "idempotency_error", "invalid_request_error"]


class Refused(Exception):
    """An error of Stripe's. Raised, what the operation wrote is undone; returned, as a decline is, it stays.

    Attributes:
        executed: the request was found well formed and its execution began: the answer is kept under its key.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.BAD_REQUEST,
        kind: Kind = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = int(status)
        self.executed = executed
        self.headers = dict(headers or {})
        told = {"code": code, "param": param, **more}
        self.error = {"message": message, "type": kind, **{name: x for name, x in told.items() if x is not None}}
        if code is not None:
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


def invalid(message: str, param: str, code: str | None = None) -> Refused:
    """A parameter that is wrong in itself: nothing was begun."""
    return Refused(message, code=code, param=param, executed=False)


def missing(kind: str, identifier: str, param: str) -> Refused:
    return Refused(f"No such {kind}: '{identifier}'", status=HTTPStatus.NOT_FOUND, code="resource_missing", param=param)


def wrong_state(message: str, *, code: str = "payment_intent_unexpected_state", **more: Any) -> Refused:
    """An object that is not in a state for what was asked; it is told with the error."""
    return Refused(message, code=code, **more)


def api_error() -> Refused:
    return Refused(
        "An error occurred with our connection to Stripe's sandbox.",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        kind="api_error",
        headers={"Stripe-Should-Retry": "false"},
    )
