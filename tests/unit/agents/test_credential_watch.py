from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from agents.vault.watching import CredentialWatch
from providers.connector import Integration, LiveCredentials
from providers.registry import connectors
from schemas.errors import NotSent, StoreError


class Source:
    """Credentials that a test sets."""

    def __init__(self) -> None:
        self.number = 1
        self.live: dict[str, LiveCredentials | None] = {}
        self.loads = 0
        self.down = False

    async def load(self, integration_id: str, names: Sequence[str]) -> LiveCredentials | None:
        assert names == ("api_key", "secret_key")
        self.loads += 1
        if self.down:
            raise StoreError("down")
        return self.live[integration_id]

    async def version(self) -> int:
        return self.number


def a_live(tag: str, *retiring: str) -> LiveCredentials:
    sets = [{"api_key": SecretStr(tag), "secret_key": SecretStr(tag)} for tag in (tag, *retiring)]
    return LiveCredentials(sets[0], tuple(sets[1:]))


def an_integration(name: str) -> Integration:
    connector = connectors()["iyzico"]
    credentials = a_live("at the start").current
    return Integration(name, connector, "sandbox", "https://127.0.0.1", credentials)


async def test_what_changed_is_taken_up_and_calls_under_way_keep_what_they_have() -> None:
    source = Source()
    integrations = {"stored": an_integration("stored"), "variables": an_integration("variables")}
    watch = CredentialWatch(source, integrations, ["stored"])
    under_way, other = integrations["stored"], integrations["variables"]
    source.live["stored"] = a_live("new", "old")
    await watch.look()
    assert integrations["stored"].credentials["api_key"].get_secret_value() == "new"
    assert [one["api_key"].get_secret_value() for one in integrations["stored"].retiring] == ["old"]
    assert under_way.credentials["api_key"].get_secret_value() == "at the start"
    assert integrations["variables"] is other


async def test_nothing_is_loaded_while_nothing_changes() -> None:
    source = Source()
    source.live["stored"] = a_live("new")
    watch = CredentialWatch(source, {"stored": an_integration("stored")}, ["stored"])
    for _ in range(3):
        await watch.look()
    assert source.loads == 1
    source.number += 1
    await watch.look()
    assert source.loads == 2


async def test_a_look_that_failed_is_made_again_and_what_was_loaded_stays_in_use() -> None:
    source = Source()
    source.live["stored"] = a_live("new")
    source.down = True
    integrations = {"stored": an_integration("stored")}
    watch = CredentialWatch(source, integrations, ["stored"])
    with pytest.raises(StoreError):
        await watch.look()
    assert integrations["stored"].credentials["api_key"].get_secret_value() == "at the start"
    source.down = False
    await watch.look()
    assert integrations["stored"].credentials["api_key"].get_secret_value() == "new"


async def test_an_account_whose_credentials_were_revoked_sends_nothing() -> None:
    source = Source()
    source.live["stored"] = None
    integrations = {"stored": an_integration("stored")}
    await CredentialWatch(source, integrations, ["stored"]).look()
    with pytest.raises(NotSent, match="stored has no live credentials"):
        integrations["stored"].credentials["api_key"]


async def test_an_account_lacks_its_credentials_until_there_are_new_ones() -> None:
    source = Source()
    source.live["stored"] = None
    integrations = {"stored": an_integration("stored")}
    watch = CredentialWatch(source, integrations, ["stored"])
    await watch.look()
    assert integrations["stored"].lacks == ("stored has no live credentials; set them with `kolaj credentials set`")
    source.live["stored"] = a_live("new")
    source.number += 1
    await watch.look()
    assert integrations["stored"].lacks is None
