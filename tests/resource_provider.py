"""A provider of cards and subscriptions that a test runs itself: its connector, and its books behind HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from providers.connector import (
    Answer,
    Attempt,
    Connector,
    Credentials,
    HealthProbe,
    Inquiry,
    Integration,
    Operation,
    Read,
    Request,
    Unsayable,
    Wire,
)
from providers.outcome import Finding, Outcome, Sighting
from schemas.ids import new_id
from schemas.payments import KeptCard, Reason
from schemas.payments.look_ups import BinLookUp, CardBin
from schemas.payments.resources import (
    Balance,
    CancelSubscription,
    CreateSubscription,
    GetBalance,
    QuerySubscription,
    ResourceOrder,
    StoreCard,
    SubscriptionDetails,
)
from schemas.verdicts import Verdict
from tests.conformance.far_side import FarSide, hanging, resetting

INTEGRATION = "acme-test"
Fault = Literal["none", "resets after it performed", "hangs after it performed", "resets before", "says nothing"]


class _Reply(Wire):
    name: str | None = None
    state: str | None = None


@dataclass
class Books:
    """What the provider performed, by our reference, and how often it was asked for it.

    Attributes:
        fault: of orders, for as long as it stands.
        begins: how the names that it gives begin, after their kind.
    """

    performed: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    fault: Fault = "none"
    begins: str = field(default_factory=lambda: new_id().hex)

    async def behave(self, far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        path, query = urlsplit(str(request.rel_url)).path, parse_qs(request.rel_url.query_string)
        if request.method == "GET":
            self.questions.append(path)
            return _answer(self._known(path, query))
        said = json.loads(await request.read())
        self.orders.append(said["reference"])
        if self.fault == "resets before":
            return await resetting(far, request)
        name = said["name"] or f"{path.strip('/')}-{self.begins}-{len(self.performed) + 1}"
        self.performed[said["reference"]] = name
        self.states[name] = said["state"]
        if self.fault == "resets after it performed":
            return await resetting(far, request)
        if self.fault == "hangs after it performed":
            return await hanging(far, request)
        if self.fault == "says nothing":
            return _answer({})
        return _answer({"name": name, "state": said["state"]})

    def _known(self, path: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        if path == "/by-reference":
            name = self.performed.get(query["reference"][0])
            return {"name": name, "state": self.states.get(name or "")}
        if path == "/subscription":
            return {"name": query["name"][0], "state": self.states[query["name"][0]]}
        return {"name": "known"}


def _answer(body: Mapping[str, Any]) -> web.Response:
    return web.json_response({name: value for name, value in body.items() if value is not None})


def _order(path: str, attempt: Attempt, state: str, name: str | None = None) -> Request:
    said = {"reference": attempt.reference, "name": name, "state": state}
    return Request("POST", path, json.dumps(said).encode())


def _named(attempt: Attempt) -> str:
    if attempt.resource is None or attempt.resource.provider_reference is None:
        raise Unsayable(Reason.INVALID_REQUEST, "the provider's name of it is not known")
    return attempt.resource.provider_reference


def _store(_: StoreCard, attempt: Attempt) -> Request:
    assert attempt.card is not None
    return _order("/cards", attempt, "active")


def _details(reply: _Reply, command: ResourceOrder) -> Any:
    if reply.name is None:
        return None
    if isinstance(command, StoreCard):
        return KeptCard(card_token=reply.name, customer_key="wallet-1")
    return SubscriptionDetails.model_validate({"state": reply.state, "subscription_reference": reply.name})


def _read(reply: _Reply, command: ResourceOrder, _: Attempt) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, details=_details(reply, command))


def _found(reply: _Reply, command: ResourceOrder, attempt: Attempt) -> Finding:
    if reply.name is None:
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _read(reply, command, attempt))


_INQUIRY: Inquiry[Any, _Reply] = Inquiry(
    lambda _, attempt: Request("GET", "/by-reference", query=(("reference", attempt.reference),)), _Reply, _found
)


def _moving(name: str, command: type[ResourceOrder], build: Any) -> Operation[Any, Any]:
    return Operation(name, command, build, _Reply, _read, deadline_s=2, inquiry=_INQUIRY, absence_window_s=1)


def _asking(name: str, command: type[ResourceOrder], build: Any, read: Any = _read) -> Operation[Any, Any]:
    return Operation(name, command, build, _Reply, read, deadline_s=2, moves_money=False)


def _unsigned(_request: Request, _credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    return {}


def _trusted(_request: Request, _answer: Answer, _credentials: Credentials) -> None:
    return None


CONNECTOR = Connector(
    name="acme",
    kind="payment",
    base_urls={"sandbox": "http://127.0.0.1"},
    credentials=(),
    sign=_unsigned,
    verify=_trusted,
    probe=HealthProbe(Request("GET", "/alive"), lambda _answer, _environment, _credentials: None),
    operations=(
        _moving("store_card", StoreCard, _store),
        _moving("subscribe", CreateSubscription, lambda _, attempt: _order("/subscriptions", attempt, "active")),
        _moving(
            "unsubscribe",
            CancelSubscription,
            lambda _, attempt: _order("/cancellations", attempt, "cancelled", _named(attempt)),
        ),
        _asking(
            "subscription",
            QuerySubscription,
            lambda _, attempt: Request("GET", "/subscription", query=(("name", _named(attempt)),)),
        ),
        _asking(
            "balance",
            GetBalance,
            lambda *_: Request("GET", "/balance"),
            lambda *_: Outcome(verdict=Verdict.ACCEPTED, details=Balance()),
        ),
    ),
    reads=(
        Read(
            "bin",
            BinLookUp,
            CardBin,
            lambda question: Request("GET", "/bin", query=(("bin", question.bin_number),)),
            _Reply,
            lambda reply, question: CardBin(bin_number=question.bin_number, bank=reply.name),
            ttl_s=3600,
        ),
    ),
)


def an_integration(base_url: str) -> Integration:
    return Integration(INTEGRATION, CONNECTOR, "sandbox", base_url, {})
