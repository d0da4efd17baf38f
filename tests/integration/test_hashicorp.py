"""The store in HashiCorp Vault against a real OpenBao: what goes wrong there, and what its tokens need."""

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from agents.vault.envelope import SealBroken
from agents.vault.hashicorp import HashicorpCredentials
from agents.vault.hashicorp_api import CasFailed, VaultApi
from agents.vault.keyring import KeyRing
from agents.vault.secret import Secret
from infra.credential_store import credential_store
from infra.local.process import free_ports
from infra.settings import read_settings
from schemas.errors import SettingsError, StoreError
from tests.master_keys import a_master_key
from tests.openbao import ROOT_TOKEN, OpenBao, running_openbao

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
PREFIX = "kolaj/sandbox"
POLICY = f"""
path "secret/data/{PREFIX}/*" {{ capabilities = ["create", "update", "read"] }}
path "secret/metadata/{PREFIX}/*" {{ capabilities = ["list"] }}
path "transit/encrypt/kolaj" {{ capabilities = ["update"] }}
path "transit/decrypt/kolaj" {{ capabilities = ["update"] }}
path "transit/rewrap/kolaj" {{ capabilities = ["update"] }}
path "transit/keys/kolaj" {{ capabilities = ["read"] }}
"""
"""What README gives an operator."""


@pytest_asyncio.fixture(scope="module")
async def openbao() -> AsyncIterator[OpenBao]:
    async with running_openbao() as server:
        yield server


def store_of(api: VaultApi) -> HashicorpCredentials:
    return HashicorpCredentials(api, prefix=PREFIX)


async def put(store: HashicorpCredentials, account: str) -> None:
    values = {"token": Secret("an open sesame"), "other": Secret("x")}
    await store.put(account, values, by="x", at=NOW, follows=0)


async def test_a_token_with_the_policy_of_the_readme_can_do_everything_and_no_more(openbao: OpenBao) -> None:
    token = await openbao.token_for(POLICY)
    store = store_of(openbao.api(token))
    await put(store, "limited")
    await store.put("limited", {"token": Secret("two")}, by="x", at=NOW, follows=1, overlap_s=60)
    await store.revoke("limited", 1, by="x", at=NOW)
    assert [one.number for one in await store.all_live(NOW) if one.integration_id == "limited"] == [2]
    assert (await store.live("limited", NOW))[0].values["token"].reveal() == "two"
    await openbao.ask("POST", "transit/keys/kolaj/rotate")
    assert await store.left() > 0
    while await store.rewrap(2):
        pass
    assert await store.left() == 0
    assert await store.change() > 0
    for path in ("secret/data/elsewhere", "transit/export/encryption-key/kolaj"):
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            await openbao.ask("GET", path, token=token)


async def test_the_kv_engine_alone_holds_no_value_in_clear(openbao: OpenBao) -> None:
    await put(store_of(openbao.api()), "sealed")
    document = await openbao.ask("GET", f"secret/data/{PREFIX}/credentials/sealed")
    assert "sesame" not in str(document)


async def test_a_value_moved_to_another_place_or_changed_does_not_open(openbao: OpenBao) -> None:
    store, api = store_of(openbao.api()), openbao.api()
    for account in ("from", "to"):
        await put(store, account)
    path = f"{PREFIX}/credentials/to"
    theirs = (await api.read(f"{PREFIX}/credentials/from")).value["versions"][0]["fields"]["token"]
    document = await api.read(path)
    fields = document.value["versions"][0]["fields"]
    flipped = theirs[:-3] + ("A" if theirs[-3] != "A" else "B") + theirs[-2:]
    for number, spoiled in enumerate((theirs, fields["other"], flipped)):
        versions = [{**document.value["versions"][0], "fields": {**fields, "token": spoiled}}]
        await api.write(path, {"versions": versions}, after=document.version + number)
        with pytest.raises(SealBroken, match="to, version 1"):
            await store.live("to", NOW)


async def test_a_document_is_written_after_the_version_that_was_read_and_no_other(openbao: OpenBao) -> None:
    api = openbao.api()
    await api.write("cas", {"a": 1}, after=0)
    for after in (0, 2):
        with pytest.raises(CasFailed):
            await api.write("cas", {"a": 2}, after=after)
    assert (await api.read("cas")).value == {"a": 1}
    await openbao.ask("DELETE", "secret/data/cas")
    assert ((await api.read("cas")).version, (await api.read("cas")).value) == (1, {})


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"kv_mount": "nowhere"}, "no secrets engine at nowhere"),
        ({"transit_mount": "nowhere"}, "no secrets engine at nowhere"),
        ({"transit_key": "nothing"}, "derived=true"),
    ],
)
async def test_a_wrong_mount_or_key_is_named(openbao: OpenBao, where: dict[str, str], says: str) -> None:
    api = openbao.api(**where)
    look: Awaitable[object] = api.read("x") if "kv_mount" in where else api.newest_key()
    with pytest.raises(SettingsError, match=says):
        await look


async def test_a_key_that_does_not_bind_values_to_their_place_is_refused(openbao: OpenBao) -> None:
    await openbao.ask("POST", "transit/keys/plain", {})
    with pytest.raises(SettingsError, match="without derived=true"):
        await openbao.api(transit_key="plain").newest_key()


async def test_a_token_that_may_not_is_told_without_the_token(openbao: OpenBao) -> None:
    with pytest.raises(SettingsError, match=r"403.*VAULT_TOKEN") as refused:
        await openbao.api("s.not-a-token").read("x")
    assert "not-a-token" not in str(refused.value)


async def test_a_sealed_vault_is_a_store_that_fails_and_works_again_once_unsealed(openbao: OpenBao) -> None:
    store = store_of(openbao.api())
    await put(store, "through-a-seal")
    await openbao.ask("PUT", "sys/seal")
    with pytest.raises(StoreError, match="unseal"):
        await store.live("through-a-seal", NOW)
    await openbao.ask("PUT", "sys/unseal", {"key": openbao.unseal_key})
    assert (await store.live("through-a-seal", NOW))[0].values["token"].reveal() == "an open sesame"


async def test_a_vault_that_cannot_be_reached_is_a_store_that_fails() -> None:
    (port,) = free_ports(1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        with pytest.raises(StoreError, match="VAULT_ADDR"):
            await VaultApi(client, lambda: "t").read("x")


async def test_the_settings_lead_to_it_and_each_environment_has_a_folder_of_its_own(openbao: OpenBao) -> None:
    key = a_master_key()
    settings = read_settings(
        kafka=False,
        database=False,
        environment={
            "INTEGRATION_ENCRYPTION_KEY": key.get_secret_value(),
            "KOLAJ_CREDENTIAL_STORE": "hashicorp",
            "KOLAJ_TOPIC_PREFIX": "shop",
            "VAULT_ADDR": openbao.address,
            "VAULT_TOKEN": ROOT_TOKEN,
        },
    )
    no_database: Any = None
    async with credential_store(settings, no_database, KeyRing.of(key)) as store:
        await store.put("a", {"token": Secret("x")}, by="x", at=NOW, follows=0)
    assert "a" in await openbao.api().names("shop/sandbox/credentials")
    wrong = settings.model_copy(update={"vault_transit_key": "nothing"})
    with pytest.raises(SettingsError, match="KOLAJ_VAULT_TRANSIT_KEY"):
        async with credential_store(wrong, no_database, KeyRing.of(key)):
            pass
