"""Each process does its work under an account of its own at Kafka and PostgreSQL, and no more."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.card_vault import CardVault
from agents.pool import open_pool
from agents.vault.keyring import KeyRing
from infra.checks import examine
from infra.integration_settings import credential_prefix
from infra.topics import prepare_topics
from infra.worker import run_worker
from projections.audit import verify
from projections.pool import open_pool as open_projections
from providers.connector import Card
from schemas.errors import SettingsError, StoreError
from schemas.payments import CardRef, PaymentCreated
from streams.admin import admin_client
from streams.codec import Outgoing
from streams.publisher import Publisher
from streams.reader import ResultReader
from tests.acceptance.orders import Orders, a_payment
from tests.database_accounts import database_accounts
from tests.gateway import QUICK, gateway_of
from tests.hub import INTEGRATION
from tests.iyzico_calls import a_call
from tests.own_accounts import BY_PASSWORD, OwnAccounts, hub_of_own_accounts
from tests.secured_broker import secured_broker

# The first test also starts a second broker, on a machine that may be busy with the suite's own.
pytestmark = pytest.mark.timeout(300)

CARD = Card(SecretStr("5528790000000008"), SecretStr("Ada"), SecretStr("12"), SecretStr("2030"), SecretStr("123"))


@pytest_asyncio.fixture(scope="module")
async def own(
    database_url: str, topic_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OwnAccounts]:
    async with (
        database_accounts(database_url) as accounts,
        secured_broker(tmp_path_factory.mktemp("secured"), BY_PASSWORD) as broker,
        hub_of_own_accounts(broker, accounts, topic_prefix) as running,
    ):
        yield running


async def test_payments_are_made_and_projected_by_processes_that_may_do_no_more(own: OwnAccounts) -> None:
    vault = await open_pool(own.accounts["kolaj_vault"], size=1)
    try:
        card_ref = await CardVault(vault, KeyRing.of(SecretStr(own.base["INTEGRATION_ENCRYPTION_KEY"]))).put(CARD)
    finally:
        await vault.close()
    payments = a_payment(), a_payment(method=CardRef(kind="card_ref", card_ref=card_ref))
    results = await Orders(own.hub).results(*payments)
    await own.hub.projected()
    async with own.hub.database() as reader:
        projected = await reader.fetchval("select count(*) from payment_transactions where status = 'captured'")
    assert [type(result) for result in results] == [PaymentCreated, PaymentCreated]
    assert projected == 2


async def test_a_gateway_takes_webhooks_and_sees_how_the_others_are_with_rights_of_its_own(own: OwnAccounts) -> None:
    vault = {"VAULT_DATABASE_URL": own.accounts["kolaj_secrets"]}
    settings = own.settings("gateway", "kolaj_gateway", **QUICK, **vault)
    call = a_call(secret=own.base[f"{credential_prefix(INTEGRATION)}SECRET_KEY"])
    async with gateway_of(settings) as gateway:
        answer = await gateway.client.post(f"/webhooks/{INTEGRATION}", content=call.body, headers=call.headers)
        await gateway.all_is_well()
    assert answer.status_code == 200


async def test_a_consumer_reads_results_in_a_group_of_its_own_name(own: OwnAccounts) -> None:
    await Orders(own.hub).results(a_payment())
    settings = own.settings("bookkeeping")
    async with (
        asyncio.timeout(30),
        ResultReader(settings.kafka, settings.topics.payment_events.name, group="bookkeeping.results") as results,
    ):
        assert (await anext(results)).text("ce_type") == PaymentCreated.type


async def test_an_auditor_verifies_the_chain_and_an_operator_examines_the_hub(own: OwnAccounts) -> None:
    await own.hub.projected()
    settings = own.settings("auditor")
    pool = await open_projections(settings.database_url.get_secret_value(), size=1)
    try:
        assert (await verify(settings.kafka, pool, settings.topics)).ok
    finally:
        await pool.close()
    found = [finding async for finding in examine(own.settings("operator"))]
    assert [finding for finding in found if finding.state == "failed"] == []


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        ("projector", "payments.commands"),
        ("projector", "payments.events"),
        ("worker", "audit.anchors"),
        ("worker", "environment"),
        ("shop", "payments.events"),
        ("shop", "ledger.intents"),
        ("shop", "integrations.events"),
        ("bookkeeping", "payments.commands"),
        ("auditor", "audit.anchors"),
        ("operator", "payments.events"),
        ("deployer", "payments.commands"),
        ("stranger", "payments.commands"),
    ],
)
async def test_nobody_writes_where_he_has_nothing_to_say(own: OwnAccounts, principal: str, topic: str) -> None:
    settings = own.settings(principal)
    with pytest.raises(StoreError, match=rf"does not allow this account .*(\.{topic}|any topic): `kolaj acls`"):
        async with Publisher(settings.kafka) as publisher:
            await publisher.publish([Outgoing(settings.topics_name(topic), b"k", b"v", ())])


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        ("shop", "payments.events"),
        ("shop", "payments.commands"),
        ("bookkeeping", "payments.commands"),
        ("bookkeeping", "dead-letters"),
        ("worker", "dead-letters"),
        ("worker", "provider.calls"),
        ("projector", "audit.anchors"),
        ("auditor", "payments.commands"),
        ("deployer", "payments.events"),
    ],
)
async def test_nobody_reads_what_is_not_meant_for_him(own: OwnAccounts, principal: str, topic: str) -> None:
    settings = own.settings(principal)
    with pytest.raises((StoreError, SettingsError), match=r"does not allow this account|may not see it"):
        async with ResultReader(settings.kafka, settings.topics_name(topic)) as reader:
            await anext(reader)


async def test_a_consumer_cannot_join_the_group_of_another(own: OwnAccounts) -> None:
    settings = own.settings("bookkeeping")
    group = f"{settings.topic_prefix}.projector"
    with pytest.raises(StoreError, match=rf"does not allow this account .* group {group}"):
        async with ResultReader(settings.kafka, settings.topics.payment_events.name, group=group) as reader:
            await anext(reader)


async def test_a_process_that_may_create_nothing_says_who_has_to(own: OwnAccounts) -> None:
    settings = own.settings("worker", KOLAJ_TOPIC_PREFIX=f"{own.hub.settings.topic_prefix}.other")
    with pytest.raises((SettingsError, StoreError), match=r"`kolaj topics`|does not allow this account"):
        await prepare_topics(settings)


def _failures(ended: Exception) -> list[Exception]:
    if not isinstance(ended, ExceptionGroup):
        return [ended]
    return [failure for one in ended.exceptions for failure in _failures(one)]


@pytest.mark.parametrize(
    ("principal", "lacks"),
    [("projector", r"group \S+\.payments"), ("no-group", r"group \S+\.payments"), ("no-topic", r"topic \S+\.commands")],
)
async def test_a_worker_whose_account_lacks_a_right_ends_and_says_which(
    own: OwnAccounts, principal: str, lacks: str
) -> None:
    settings = own.settings(principal, "kolaj_agent", VAULT_DATABASE_URL=own.accounts["kolaj_vault"])
    with pytest.raises((StoreError, ExceptionGroup)) as ended:
        async with asyncio.timeout(60):
            await run_worker(settings, asyncio.Event(), on_ready=lambda: None)
    # Several of its consumers may meet it before the first one has ended the worker.
    said = [str(failure) for failure in _failures(ended.value)]
    assert all("does not allow this account what it needs of" in one for one in said)
    assert any(re.search(lacks, one) for one in said)


@pytest.mark.parametrize(
    ("principal", "changes", "says"),
    [
        ("shop", {"KAFKA_PASSWORD": "open-sesame"}, "refused KAFKA_USERNAME or KAFKA_PASSWORD"),
        ("shop", {"KAFKA_USERNAME": "nobody"}, "refused KAFKA_USERNAME or KAFKA_PASSWORD"),
        ("shop", {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, "KAFKA_SASL_MECHANISM"),
        ("shop", {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL, which is SASL_PLAINTEXT"),
        ("shop", {"KAFKA_CA_FILE": ""}, "name the authority that signed it in KAFKA_CA_FILE"),
        ("auditor", {"KAFKA_CERT_FILE": "", "KAFKA_KEY_FILE": ""}, "ask for a certificate .*KAFKA_CERT_FILE"),
    ],
)
async def test_who_is_not_let_in_is_told_which_setting_to_look_at(
    own: OwnAccounts, principal: str, changes: dict[str, str], says: str
) -> None:
    settings = own.settings(principal, **changes)
    with pytest.raises(StoreError, match=f"does not let us in: .*{says}") as refused:
        async with admin_client(settings.kafka):
            raise AssertionError("let in")
    assert "open-sesame" not in str(refused.value)


async def test_a_person_who_reads_tables_sees_neither_ledger_nor_vault(own: OwnAccounts) -> None:
    async with own.hub.database() as reader:
        for table in ("ledger.commands", "ledger.parked", "vault.cards"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.fetch(f"select from {table}")
