"""Providers' calls without sockets and Kafka: whatever comes, it is taken, refused or put off."""

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from agents.sealing import Seal
from agents.vault.keyring import KeyRing
from agents.vault.opening import NoCredentials
from infra.gateway.problems import Problem
from infra.gateway.refusals import Refusals
from infra.gateway.webhooks import REFUSED_AT_ONCE, Intake, Outlet
from providers.configured import configured, unusable
from providers.connection_settings import ConnectionSettings
from providers.connector import Credentials, Integration, LiveCredentials
from providers.notices import Call, Notice, Webhooks
from providers.payments.iyzico import CONNECTOR
from providers.payments.iyzico.settings import IyzicoSettings
from providers.payments.iyzico.webhook import signature_of
from schemas.errors import SettingsError, StoreError
from schemas.webhooks import Verified, WebhookReceived
from streams.codec import Incoming, decode
from tests.edge_log import Log
from tests.iyzico_calls import SECRET, SignedCall, a_call
from tests.master_keys import a_master_key

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ADDRESS = "203.0.113.7"
CARD = "4111111111111111"
SEAL = Seal(KeyRing.of(a_master_key()))
MODELS = {WebhookReceived.type: WebhookReceived}


class ReceivedLog(Log):
    @property
    def received(self) -> list[Incoming[WebhookReceived]]:
        return [decode(MODELS, one.key, one.value, one.headers) for one in self.records]


class Unopened(Mapping[str, SecretStr]):
    """Secrets of a store that cannot be opened now."""

    def __getitem__(self, name: str) -> SecretStr:
        raise StoreError(f"{name} does not open")

    def __iter__(self) -> Iterator[str]:
        yield "secret_key"

    def __len__(self) -> int:
        return 1


class Accounts(dict[str, Integration]):
    """A directory: open ones, and the closed ones beside them."""

    def __init__(self, *there: Integration, closed: tuple[Integration, ...] = ()) -> None:
        super().__init__({one.id: one for one in there})
        self.closed = {one.id: one for one in closed}


def keys(secret: str) -> dict[str, SecretStr]:
    return {"api_key": SecretStr("sandbox-key"), "secret_key": SecretStr(secret)}


def an_account(
    name: str = "iyzico-main", current: Credentials | None = None, *retiring: Credentials, lacks: str | None = None
) -> Integration:
    live = LiveCredentials(keys(SECRET) if current is None else current, retiring)
    return configured(name, CONNECTOR, "sandbox", IyzicoSettings(), live, lacks=lacks)


def intake(log: ReceivedLog, *there: Integration, closed: tuple[Integration, ...] = ()) -> Intake:
    publisher, accounts = cast("Any", log), cast("Any", Accounts(*there, closed=closed))
    refusals = Refusals(publisher, "t", process="here/1", now=lambda: NOON)
    return Intake(accounts, Outlet(publisher, "t", SEAL), refusals, now=lambda: NOON, clock=lambda: 0.0)


async def status_of(taking: Intake, call: SignedCall, name: str = "iyzico-main", address: str = ADDRESS) -> int:
    """What the caller would be answered."""
    try:
        integration, webhooks = taking.called(name, address)
        answer = await taking.take(integration, webhooks, call.headers, call.body, address)
    except Problem as problem:
        return problem.status
    return answer.status


@pytest.fixture
def log() -> ReceivedLog:
    return ReceivedLog()


async def test_each_secret_that_is_live_verifies_and_an_ended_one_does_not(log: ReceivedLog) -> None:
    taking = intake(log, an_account("iyzico-main", keys("new-secret"), keys("old-secret")))
    statuses = [await status_of(taking, a_call(secret=one)) for one in ("new-secret", "old-secret", "ended-secret")]
    assert statuses == [200, 200, 401]
    assert [one.body.verified.secret_index for one in log.received] == [0, 1]


async def test_a_disabled_account_is_still_called_about_what_was_sent(log: ReceivedLog) -> None:
    taking = intake(log, closed=(an_account(),))
    assert await status_of(taking, a_call()) == 200


async def test_an_account_of_a_provider_that_does_not_call_is_not_called(log: ReceivedLog) -> None:
    silent = replace(an_account(), connector=replace(CONNECTOR, webhooks=None))
    assert await status_of(intake(log, silent), a_call()) == 404


@pytest.mark.parametrize(
    "account",
    [
        an_account("iyzico-main", NoCredentials("iyzico-main", "iyzico"), lacks="no live credentials"),
        an_account("iyzico-main", NoCredentials("iyzico-main", "iyzico")),
        an_account("iyzico-main", Unopened()),
        an_account("iyzico-main", keys(SECRET), Unopened()),
        unusable("iyzico-main", "iyzico", "payment", "sandbox", "no connector"),
    ],
    ids=["lacking", "revoked", "unreadable", "unreadable retiring", "of a newer version"],
)
async def test_without_secrets_nothing_is_said_about_a_call_and_they_call_again(
    log: ReceivedLog, account: Integration
) -> None:
    assert await status_of(intake(log, account), a_call()) == 503
    assert log.records == []


async def test_what_kafka_does_not_take_is_not_acknowledged_and_logged_once(
    log: ReceivedLog, caplog: pytest.LogCaptureFixture
) -> None:
    taking, log.away = intake(log, an_account()), True
    with caplog.at_level(logging.WARNING):
        assert [await status_of(taking, a_call()) for _ in range(20)] == [503] * 20
    assert len(caplog.records) == 1
    log.away = False
    assert await status_of(taking, a_call()) == 200
    log.away = True
    await status_of(taking, a_call())
    assert len(caplog.records) == 2


async def test_forged_calls_are_slowed_down_and_those_that_are_theirs_never(log: ReceivedLog) -> None:
    taking = intake(log, an_account(), an_account("iyzico-other", keys("other-secret")))
    forged = [await status_of(taking, a_call(secret="guessed")) for _ in range(REFUSED_AT_ONCE + 50)]
    assert set(forged[:REFUSED_AT_ONCE]) == {401}
    assert forged[-1] == 429
    assert await status_of(taking, a_call()) == 200
    assert await status_of(taking, a_call(secret="other-secret"), "iyzico-other") == 200


async def test_one_account_that_is_flooded_leaves_the_answers_of_another_alone(log: ReceivedLog) -> None:
    taking = intake(log, an_account(), an_account("iyzico-other", keys("other-secret")))
    for number in range(REFUSED_AT_ONCE + 50):
        await status_of(taking, a_call(secret="guessed"), address=f"2001:db8::{number:x}")
    assert await status_of(taking, a_call(secret="guessed"), address="2001:db8::ffff") == 429
    assert await status_of(taking, a_call(secret="guessed"), "iyzico-other", "2001:db8::fffe") == 401


async def test_a_repeat_carries_the_key_of_the_first_and_an_id_of_its_own(log: ReceivedLog) -> None:
    taking, call = intake(log, an_account()), a_call(event_id="again")
    assert [await status_of(taking, call) for _ in range(2)] == [200, 200]
    first, second = log.received
    assert first.key == second.key == "iyzico-main/again"
    assert first.envelope.id != second.envelope.id


async def test_what_is_said_of_a_subscription_is_stored_as_said_of_a_resource(log: ReceivedLog) -> None:
    account = configured(
        "iyzico-main", CONNECTOR, "sandbox", IyzicoSettings(merchant_id="3404590"), LiveCredentials(keys(SECRET))
    )
    said = {"iyziEventType": "subscription.order.failure", "subscriptionReferenceCode": "s-1"}
    said |= {"orderReferenceCode": "o-1", "customerReferenceCode": "c-1", "iyziReferenceCode": "event-1"}
    call = SignedCall(json.dumps(said).encode(), signature_of(said, SECRET, "3404590"))
    assert await status_of(intake(log, account), call) == 200
    (stored,) = log.received
    told = stored.body
    assert (told.about, told.provider_reference, told.order_reference) == ("resource", "s-1", "o-1")
    assert (told.our_reference, told.event_type) == (None, "subscription.order.failure")


async def test_the_dispute_that_a_call_names_is_stored_with_it(log: ReceivedLog) -> None:
    verified = Verified(arrived_at=NOON, secret_index=0)
    notice = Notice(verified, "event-1", "charge.dispute.created", provider_reference="pi_1", dispute_reference="du_1")
    telling = replace(CONNECTOR, webhooks=Webhooks(("event",), lambda _: notice))
    assert await status_of(intake(log, replace(an_account(), connector=telling)), a_call()) == 200
    (stored,) = log.received
    assert (stored.body.dispute_reference, stored.body.provider_reference) == ("du_1", "pi_1")


async def test_a_card_number_in_a_body_is_masked_before_it_is_sealed(log: ReceivedLog) -> None:
    call = a_call(note=CARD)
    assert await status_of(intake(log, an_account()), call) == 200
    (kept,) = log.received
    body = SEAL.open_call(base64.b64decode(kept.body.sealed), kept.envelope.id)
    assert CARD.encode() not in body
    assert body == call.body.replace(b"411111111111", b"************")


async def test_a_name_that_looks_like_a_card_number_does_not_make_the_record_unreadable(log: ReceivedLog) -> None:
    taking = intake(log, an_account())
    for _ in range(2):
        assert await status_of(taking, a_call(event_id=CARD, paymentConversationId=CARD)) == 200
    first, second = log.received
    assert first.key == second.key != f"iyzico-main/{CARD}"
    assert first.body.our_reference is None


@given(headers=st.dictionaries(st.text(max_size=20), st.text(max_size=80), max_size=4), body=st.binary(max_size=400))
async def test_whatever_bytes_come_are_refused_and_never_an_error(headers: dict[str, str], body: bytes) -> None:
    log = ReceivedLog()
    taking = intake(log, an_account())
    integration, webhooks = taking.called("iyzico-main", ADDRESS)
    for more in ({}, {"X-IYZ-SIGNATURE-V3": "0" * 64}):
        with pytest.raises(Problem) as refused:
            await taking.take(integration, webhooks, {**headers, **more}, body, ADDRESS)
        assert refused.value.status in {400, 401}
    assert log.records == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["iyziEventType", "paymentId", "iyziPaymentId", "token", "status", "iyziReferenceCode", "paymentConversationId"]
)


@given(fields=st.dictionaries(NAMES, JSON))
async def test_whatever_is_signed_with_the_secret_is_stored_as_a_record_that_can_be_read(
    fields: dict[str, Any],
) -> None:
    body = json.dumps(fields, allow_nan=False) if _is_plain(fields) else "{}"
    signed = json.loads(body, parse_int=str, parse_float=str)
    log = ReceivedLog()
    status = await status_of(intake(log, an_account()), SignedCall(body.encode(), signature_of(signed, SECRET)))
    assert status in {200, 400}
    assert len(log.received) == (status == 200)


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


async def test_a_setting_that_cannot_verify_is_ours_to_mend_and_not_their_mistake(log: ReceivedLog) -> None:
    def read(call: Call) -> Any:
        del call
        raise SettingsError("a webhook secret is not base64")

    broken = replace(CONNECTOR, webhooks=Webhooks(("any",), read))
    account = configured("iyzico-main", broken, "sandbox", ConnectionSettings(), LiveCredentials(keys(SECRET)))
    assert await status_of(intake(log, account), a_call()) == 503
