"""What calls are verified by, over loopback: fetched where the provider has it, kept, and never for whoever floods."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from infra.gateway.documents import FETCHES_AT_ONCE, KEPT_S, LARGEST, Documents
from infra.gateway.problems import Problem
from infra.gateway.refusals import Refusals
from infra.gateway.webhooks import Intake, Outlet
from providers.configured import configured
from providers.connection_settings import ConnectionSettings
from providers.connector import LiveCredentials
from providers.payments.paypal import CONNECTOR
from schemas.errors import StoreError
from tests.conformance.far_side import FarSide, a_dead_address, answering, far_side, hanging, resetting
from tests.edge_log import Log
from tests.master_keys import a_master_key
from tests.paypal_calls import EVENT, NOW, a_call, root, theirs

CERTIFICATE = theirs().pem


@dataclass
class Desk:
    far: FarSide
    documents: Documents
    clock: list[float] = field(default_factory=lambda: [1000.0])

    def address(self, name: str = "CERT-1") -> str:
        return f"{self.far.base_url}/v1/notifications/certs/{name}"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    authority = tmp_path / "authority.pem"
    authority.write_bytes(root().pem)
    clock = [1000.0]
    async with far_side(answering(200, CERTIFICATE, "application/x-pem-file")) as far:
        yield Desk(far, Documents(ca_file=authority, clock=lambda: clock[0]), clock)


async def test_a_document_is_fetched_once_for_all_and_anew_after_a_day(desk: Desk) -> None:
    async with asyncio.TaskGroup() as group:
        found = [group.create_task(desk.documents.fetched(desk.address())) for _ in range(20)]
    assert {one.result().body for one in found} == {CERTIFICATE}
    assert len(desk.far.received) == 1
    desk.clock[0] += KEPT_S
    await desk.documents.fetched(desk.address())
    assert len(desk.far.received) == 2


async def test_the_usual_authorities_are_trusted_and_those_of_the_file(desk: Desk) -> None:
    roots = (await desk.documents.fetched(desk.address())).roots
    assert root().pem.strip() in roots.replace(b"\r", b"")
    assert roots.count(b"BEGIN CERTIFICATE") > 50


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(404),
        answering(302, b"", Location="https://elsewhere.example/"),
        answering(200, b"<html>", "text/html"),
        answering(200, b""),
        answering(200, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        answering(200, CERTIFICATE + b" " * LARGEST),
        resetting,
    ],
    ids=["404", "redirect", "html", "empty", "damaged", "too large", "reset"],
)
async def test_what_is_no_document_is_told_as_such_and_not_kept(desk: Desk, behaviour: Any) -> None:
    well, desk.far.behaviour = desk.far.behaviour, behaviour
    with pytest.raises(StoreError):
        await desk.documents.fetched(desk.address())
    desk.far.behaviour = well
    assert (await desk.documents.fetched(desk.address())).body == CERTIFICATE


async def test_where_the_server_is_silent_those_who_wait_for_one_fetch_make_none_after_it(desk: Desk) -> None:
    desk.far.behaviour = hanging
    documents = Documents(clock=lambda: 1000.0, deadline_s=0.3)
    asked = [documents.fetched(desk.address(f"CERT-{number}")) for number in range(FETCHES_AT_ONCE)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [StoreError] * FETCHES_AT_ONCE
    with pytest.raises(StoreError) as silent:
        await documents.fetched(desk.address())
    assert "more certificates" not in str(silent.value), "it is tried: those who waited have used up nothing"


async def test_a_server_that_is_away_is_told_as_such(desk: Desk) -> None:
    with pytest.raises(StoreError):
        await desk.documents.fetched(f"{a_dead_address()}/x")


async def test_a_certificate_of_an_authority_that_is_not_trusted_is_not_fetched(desk: Desk) -> None:
    with pytest.raises(StoreError):
        await desk.documents.fetched(desk.address().replace("http://", "https://"))


async def test_whoever_names_many_documents_makes_few_be_fetched_and_keeps_none_from_what_is_there(desk: Desk) -> None:
    await desk.documents.fetched(desk.address())
    refused = 0
    for number in range(50):
        try:
            await desk.documents.fetched(desk.address(f"MADE-UP-{number}"))
        except StoreError:
            refused += 1
    assert len(desk.far.received) == FETCHES_AT_ONCE
    assert refused == 50 - FETCHES_AT_ONCE + 1
    assert (await desk.documents.fetched(desk.address())).body == CERTIFICATE


async def _status(desk: Desk, documents: Documents | None, **headers: str) -> tuple[int, int]:
    """What PayPal would be told, and how many of its calls were stored."""
    keys = {"client_id": SecretStr("id"), "client_secret": SecretStr("secret"), "webhook_id": SecretStr("W1")}
    settings = ConnectionSettings(base_url=desk.far.base_url)
    account = configured("paypal-main", CONNECTOR, "production", settings, LiveCredentials(keys))
    log = Log()
    publisher, accounts = cast("Any", log), cast("Any", _Accounts({"paypal-main": account}))
    refusals = Refusals(publisher, "t", process="here/1", now=lambda: NOW)
    seal = Seal(KeyRing.of(a_master_key()))
    intake = Intake(accounts, Outlet(publisher, "t", seal), refusals, now=lambda: NOW, documents=documents)
    call = a_call(EVENT, headers={"paypal-cert-url": desk.address(), **headers})
    try:
        integration, webhooks = intake.called("paypal-main", "203.0.113.7")
        answer = await intake.take(integration, webhooks, call.headers, call.body, "203.0.113.7")
    except Problem as problem:
        return problem.status, len(log.records)
    return answer.status, len(log.records)


class _Accounts(dict[str, Any]):
    closed: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it


async def test_a_call_is_verified_by_what_lies_at_its_providers_address(desk: Desk) -> None:
    desk.far.behaviour = answering(200, theirs().pem, "application/x-pem-file")
    assert await _status(desk, desk.documents) == (200, 1)


async def test_while_the_document_cannot_be_had_they_call_again(desk: Desk) -> None:
    desk.far.behaviour = answering(503)
    assert await _status(desk, desk.documents) == (503, 0)
    assert await _status(desk, None) == (503, 0)


async def test_an_address_of_another_is_never_asked(desk: Desk) -> None:
    async with far_side(answering(200, theirs().pem)) as stranger:
        address = f"{stranger.base_url}/v1/notifications/certs/CERT-1"
        assert await _status(desk, desk.documents, **{"paypal-cert-url": address}) == (400, 0)
        assert stranger.received == []
