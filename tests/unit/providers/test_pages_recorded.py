"""Pages for the payer's browser leave no text in records, understood or not: what they hold is not ours to know."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from providers.connector import Answer, Integration, Request
from providers.exchange import Exchange
from providers.performing import Performing, Work
from providers.registry import connectors
from schemas.errors import HubError, OutcomeUnknown
from tests.granted_tokens import granted_tokens

PAYTR = replace(connectors()["paytr"], sign=lambda *_: {}, sign_form=None)
# Some banks' pages post the card on to the bank.
PAGE = b'<html><form action="https://a.bank"><input name="pan" value="5528790000000008"><input name="cvv" value="739"'
SECRETS = {name: SecretStr(f"{name}-of-a-test") for name in PAYTR.credentials}
PLACE = Integration("paytr-main", PAYTR, "sandbox", "https://x.example", SECRETS)


def not_understood(_: Answer) -> Any:
    raise OutcomeUnknown("cannot be read", provider="paytr", operation="start", reason="unusable_answer")


async def recorded(
    body: bytes, content_type: str, *, may_be_page: bool = True, judge: Callable[[Answer], Any] = not_understood
) -> str:
    class Transport:
        async def exchange(self, *_: object, **__: object) -> Answer:
            return Answer(200, {"content-type": content_type}, body, None)

    exchanges: list[Exchange] = []
    performing = Performing(
        on_exchange=exchanges.append, clock=lambda: datetime.now(UTC), nonce=lambda: "n", tokens=granted_tokens()
    )
    request = Request("POST", "/odeme", b"merchant_id=1")
    work: Work[Any] = Work(PLACE, "start", 1, None, request, judge, may_be_page=may_be_page)
    transport: Any = Transport()
    with pytest.raises(HubError):
        await performing.perform(work, transport, 5.0)
    (exchange,) = exchanges
    return exchange.response_text


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "text/html; charset=x-none", "text/plain", ""])
async def test_a_page_that_was_not_understood_is_not_recorded(content_type: str) -> None:
    text = await recorded(PAGE, content_type)
    assert "739" not in text
    assert text == f"(a page of {len(PAGE)} bytes, which may hold what a payer entered)"


async def test_what_is_no_page_is_recorded_for_operators() -> None:
    assert await recorded(b'{"status":"failed","reason":"no"}', "text/html") == '{"status":"failed","reason":"no"}'
    assert await recorded(b"<html>gone", "text/html", may_be_page=False) == "<html>gone"
