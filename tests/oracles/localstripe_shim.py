"""What stands between our connector and localstripe: it drops what that refuses, and adds what that does not tell.

Each name here is a disagreement in which Stripe's own specification, as stripe-mock has it, is on our side. Nothing is
decided here: amounts and states that are added are read from the fake's own charge.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx
from aiohttp import web

from tests.receiver import Answer, Got

DROPPED: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    (
        "POST",
        r"/v1/payment_intents",
        frozenset(
            {
                "automatic_payment_methods",
                "error_on_requires_action",
                "payment_method_options",
                "return_url",
                "setup_future_usage",
            }
        ),
    ),
    ("GET", r"/v1/payment_intents", frozenset({"created", "customer"})),
    ("POST", r"/v1/payment_intents/[^/]+/capture", frozenset({"metadata"})),
    ("POST", r"/v1/payment_intents/[^/]+/cancel", frozenset({"cancellation_reason"})),
    ("POST", r"/v1/refunds", frozenset({"reason"})),
    ("GET", r"/v1/balance_transactions", frozenset({"created"})),
    ("POST", r"/v1/subscriptions", frozenset({"collection_method", "off_session", "expand"})),
    ("GET", r"/v1/subscriptions.*", frozenset({"expand", "created"})),
)
"""By method and path: the parameters that it calls unexpected, or cannot expand."""
RENAMED: Final = {"items[0][price]": "items[0][plan]"}
"""It has plans and no prices yet."""
_HEADERS: Final = frozenset({"authorization", "content-type"})
_FAILURES: Final = {402: {"type": "card_error"}, 404: {"code": "resource_missing"}}
"""What Stripe says beside these statuses, by which clients tell them apart."""


def between(url: str, client: httpx.AsyncClient) -> Answer:
    """Passes each request on to `url`."""

    async def passed_on(request: web.BaseRequest, got: Got) -> web.StreamResponse:
        dropped = _dropped(request.method, got.path)
        query = _kept(parse_qsl(request.query_string), dropped)
        form = _kept(parse_qsl(got.body.decode()), dropped)
        kept: dict[str, str] = {name: got.headers[name] for name in _HEADERS & got.headers.keys()}
        there = httpx.URL(url + got.path, query=urlencode(query).encode())
        answer = await client.request(request.method, there, content=urlencode(form) or None, headers=kept)
        kind = answer.headers["content-type"].partition(";")[0]
        body = answer.content if kind != "application/json" else json.dumps(_completed(answer)).encode()
        return web.Response(status=answer.status_code, body=body, content_type=kind)

    return passed_on


def _dropped(method: str, path: str) -> frozenset[str]:
    named = [names for verb, pattern, names in DROPPED if verb == method and re.fullmatch(pattern, path)]
    return frozenset().union(*named)


def _kept(fields: Iterable[tuple[str, str]], dropped: frozenset[str]) -> list[tuple[str, str]]:
    return [(RENAMED.get(name, name), value) for name, value in fields if name.partition("[")[0] not in dropped]


def _completed(answer: httpx.Response) -> Any:
    told = answer.json()
    if answer.is_error:
        told["error"] |= _FAILURES.get(answer.status_code, {})
    for one in told.get("data", [told]) if isinstance(told, dict) else ():
        if one.get("object") == "payment_intent":
            _complete(one)
    return told


def _complete(intent: dict[str, Any]) -> None:
    charge = intent["latest_charge"] or {"amount": 0, "refunds": {"data": []}}
    # What a capture left over is told as a refund that nobody asked for.
    released = sum(refund["amount"] for refund in charge["refunds"]["data"] if refund["payment_intent"] is None)
    intent["amount_received"] = charge["amount"] - released if intent["status"] == "succeeded" else 0
    intent["amount_capturable"] = charge["amount"] if intent["status"] == "requires_capture" else 0
    if intent["last_payment_error"] is not None:
        intent["last_payment_error"]["type"] = "card_error"
