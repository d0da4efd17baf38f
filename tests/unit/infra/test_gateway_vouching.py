"""PayPal's calls while its certificate cannot be had: PayPal itself says over loopback which are its own."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from infra.gateway.documents import Documents
from infra.gateway.problems import Problem
from infra.gateway.refusals import Refusals
from infra.gateway.vouching import AT_ONCE, Vouchers
from infra.gateway.webhooks import Intake, Outlet
from providers.caller import Caller
from providers.configured import configured
from providers.connection_settings import ConnectionSettings
from providers.connector import LiveCredentials
from providers.payments.paypal import CONNECTOR
from schemas.webhooks import WebhookReceived
from streams.codec import decode
from tests.conformance.far_side import FarSide, far_side
from tests.edge_log import Log
from tests.master_keys import a_master_key
from tests.paypal_calls import EVENT, NOW, a_call, theirs
from tests.paypal_calls import root as authority

ADDRESS = "203.0.113.7"
ORDER = "5O190127TN364715T"
APPROVED = {"id": "WH-7", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": ORDER, "name": "Ümit"}}


class _Accounts(dict[str, Any]):
    closed: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it


@dataclass
class PayPal:
    """Says of calls whether they are its own; its certificates are away unless `certificate` is set."""

    genuine: Mapping[str, str] = field(default_factory=lambda: {"W1": "SUCCESS"})
    status: int = 200
    certificate: bytes = b""
    asked: list[bytes] = field(default_factory=list)

    async def answer(self, far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/oauth2/token":
            return web.json_response({"access_token": "A21AAFs", "token_type": "Bearer", "expires_in": 32400})
        if request.method == "GET":
            return web.Response(status=200 if self.certificate else 404, body=self.certificate)
        body = far.received[-1][2]
        self.asked.append(body)
        word = self.genuine.get(json.loads(body)["webhook_id"], "FAILURE")
        return web.json_response({"verification_status": word}, status=self.status)


@dataclass
class Desk:
    paypal: PayPal
    far: FarSide
    caller: Caller
    documents: Documents
    log: Log = field(default_factory=Log)

    def intake(self, *, vouched: bool = True) -> Intake:
        keys = {name: SecretStr(f"{name}-1") for name in ("client_id", "client_secret")}
        live = LiveCredentials({**keys, "webhook_id": SecretStr("W1")}, ({**keys, "webhook_id": SecretStr("W0")},))
        settings = ConnectionSettings(base_url=self.far.base_url)
        accounts = cast("Any", _Accounts({"paypal": configured("paypal", CONNECTOR, "production", settings, live)}))
        publisher = cast("Any", self.log)
        refusals = Refusals(publisher, "t", process="here/1", now=lambda: NOW)
        outlet = Outlet(publisher, "t", Seal(KeyRing.of(a_master_key())))
        vouchers = Vouchers(self.caller, clock=lambda: 1000.0) if vouched else None
        return Intake(accounts, outlet, refusals, now=lambda: NOW, documents=self.documents, vouchers=vouchers)

    async def told(self, intake: Intake, event: Mapping[str, Any] = EVENT, body: bytes | None = None) -> int:
        """What PayPal would be answered."""
        address = f"{self.far.base_url}/v1/notifications/certs/CERT-1"
        call = a_call(event, headers={"paypal-cert-url": address})
        integration, webhooks = intake.called("paypal", ADDRESS)
        try:
            answer = await intake.take(integration, webhooks, call.headers, body or call.body, ADDRESS)
        except Problem as problem:
            return problem.status
        return answer.status

    @property
    def stored(self) -> list[WebhookReceived]:
        models = {WebhookReceived.type: WebhookReceived}
        return [decode(models, one.key, one.value, one.headers).body for one in self.log.records]


@pytest_asyncio.fixture
async def desk(tmp_path: Any) -> AsyncIterator[Desk]:
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(authority().pem)
    paypal = PayPal()
    async with (
        far_side(paypal.answer) as far,
        Caller(on_exchange=lambda _: None, on_breaker=lambda _: None) as caller,
    ):
        yield Desk(paypal, far, caller, Documents(ca_file=trusted))


async def test_a_call_that_paypal_says_is_its_own_is_taken_without_its_certificate(desk: Desk) -> None:
    assert await desk.told(desk.intake(), APPROVED) == 200
    (stored,) = desk.stored
    assert (stored.event_id, stored.said, stored.provider_reference) == ("WH-7", "pending", ORDER)
    assert (stored.verified.secret_index, stored.verified.signed_id) == (0, "t-1")


async def test_the_bytes_that_came_are_asked_about_as_they_are(desk: Desk) -> None:
    body = b'{"id":"WH-1",  "event_type":"PAYMENT.CAPTURE.COMPLETED","resource":{"links":{}, "amount":1.50}}'
    assert await desk.told(desk.intake(), body=body) == 200
    (asked,) = desk.paypal.asked
    assert asked.endswith(b',"webhook_event":' + body + b"}")


async def test_each_webhook_s_id_that_is_live_is_asked_for(desk: Desk) -> None:
    desk.paypal.genuine = {"W0": "SUCCESS"}
    assert await desk.told(desk.intake()) == 200
    assert desk.stored[0].verified.secret_index == 1


async def test_a_call_that_paypal_does_not_know_is_refused(desk: Desk) -> None:
    desk.paypal.genuine = {}
    assert await desk.told(desk.intake()) == 401
    assert desk.stored == []


@pytest.mark.parametrize("body", [b"[]", b'{"id":"x"', b"\xff{}", b'{"id":"x"},"webhook_id":"W1"'])
async def test_what_is_no_event_is_refused_and_nobody_is_asked(desk: Desk, body: bytes) -> None:
    assert await desk.told(desk.intake(), body=body) == 401
    assert desk.paypal.asked == []


@pytest.mark.parametrize(("status", "word"), [(500, "SUCCESS"), (200, "MAYBE")])
async def test_only_where_paypal_says_nothing_either_it_is_to_call_again(desk: Desk, status: int, word: str) -> None:
    desk.paypal.status, desk.paypal.genuine = status, {"W1": word}
    assert await desk.told(desk.intake()) == 503
    assert desk.stored == []


async def test_with_its_certificate_at_hand_paypal_is_not_asked(desk: Desk) -> None:
    desk.paypal.certificate = theirs().pem
    assert await desk.told(desk.intake()) == 200
    assert desk.paypal.asked == []


async def test_a_gateway_that_asks_nobody_waits_for_the_certificate(desk: Desk) -> None:
    assert await desk.told(desk.intake(vouched=False)) == 503


async def test_whoever_floods_makes_few_questions_be_asked(desk: Desk) -> None:
    desk.paypal.genuine, intake = {}, desk.intake()
    told = [await desk.told(intake, {**EVENT, "id": f"WH-{number}"}) for number in range(AT_ONCE)]
    assert len(desk.paypal.asked) == AT_ONCE, "two for each call: an id of a webhook each"
    assert (told[: AT_ONCE // 2], told[AT_ONCE // 2 :]) == ([401] * (AT_ONCE // 2), [503] * (AT_ONCE // 2))
