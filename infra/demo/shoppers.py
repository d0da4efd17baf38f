"""The day's shoppers at their banks: they follow the pages that they are shown, and bring back what the bank says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Final, Self
from urllib.parse import urljoin
from uuid import UUID

import aiohttp

from infra.demo.make_day import SOURCE
from providers.connector import Integration
from schemas.envelope import Envelope
from schemas.payments import CommandPending, CompleteThreeDSecure, ReturnedField, ShowPage, TakeNotice
from streams.codec import Outgoing, encode

_CODE: Final = "123456"
"""From the text message, as the sandbox's bank sends it to everybody."""
_PAGES: Final = 5
_PATIENCE_S: Final = 30.0
_ONE_IN: Final = 10
"""One shopper in so many gives up at the bank."""


@dataclass(slots=True)
class Form:
    """A page's form: where it leads, and what it sends."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form = Form()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form.action = given["action"]
        elif tag == "input":
            self.form.fields[given["name"]] = given.get("value", "")


def read_form(page: str) -> Form:
    """The only form of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.form


class Shoppers:
    """Plain HTTP clients without script or cookies. Use it as an async context manager.

    Args:
        bank_url: where the pages of banks are; whatever leads elsewhere leads back to the shop.
    """

    def __init__(self, bank_url: str, integration: Integration) -> None:
        self._bank_url = bank_url
        self._integration = integration
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=8))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def come_back(self, pending: CommandPending, command_id: UUID, topic: str) -> Outgoing:
        """What the shop orders once its shopper is back, as the hub's own return page would.

        Raises:
            RuntimeError: the pages lead nowhere.
        """
        page = pending.next_action.html if isinstance(pending.next_action, ShowPage) else ""
        gives_up = pending.payment_id.int % _ONE_IN == 0
        order = self._order(pending, await self._through_the_bank(page, gives_up=gives_up))
        envelope = Envelope(id=command_id, type=order.type, source=SOURCE, time=datetime.now(UTC))
        return encode(topic, order.key, envelope, order)

    async def _through_the_bank(self, page: str, *, gives_up: bool) -> Mapping[str, str]:
        url = self._bank_url
        for _ in range(_PAGES):
            form = read_form(page)
            url = urljoin(url, form.action)
            if not url.startswith(self._bank_url):
                return form.fields
            pressed = {"code": _CODE, "answer": "cancel" if gives_up else "confirm"} if "code" in form.fields else {}
            async with self._session.post(url, data=form.fields | pressed) as answered:
                page = await answered.text()
        raise RuntimeError(f"the bank's pages lead nowhere, at last to {url}")

    def _order(self, pending: CommandPending, fields: Mapping[str, str]) -> CompleteThreeDSecure | TakeNotice:
        account, payment_id = self._integration, pending.payment_id
        read = account.connector.returns
        if read is not None and read(fields, (account.credentials,)).completes:
            returned = tuple(ReturnedField(name=name, value=value) for name, value in fields.items())
            return CompleteThreeDSecure(payment_id=payment_id, integration_id=account.id, returned=returned)
        return TakeNotice(payment_id=payment_id, integration_id=account.id, cause="return")
