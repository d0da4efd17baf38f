"""The shapes of Stripe's requests and answers: only what we read."""

from typing import Final

from pydantic import StrictInt

from providers.connector import Request, Wire

VERSION: Final = "2026-10-28.endive"
"""Sent with each request: without it the account's own default would say how answers look."""


def get(path: str, template: str) -> Request:
    return Request(
        "GET", path, headers=(("Accept", "application/json"), ("Stripe-Version", VERSION)), template=template
    )


class Failure(Wire):
    """`code` and `decline_code` are for programs, `message` is for people and not read."""

    type: str
    code: str | None = None
    decline_code: str | None = None

    @property
    def word(self) -> str:
        """The most exact of its codes."""
        return self.decline_code or self.code or self.type


class IntentReply(Wire):
    """A payment intent, or an error in its place."""

    id: str | None = None
    object: str | None = None
    status: str | None = None
    currency: str | None = None
    amount_received: StrictInt | None = None
    amount_capturable: StrictInt | None = None
    last_payment_error: Failure | None = None
    error: Failure | None = None
