"""Each account's own token, and how many requests they make. Pitfalls G3, G5."""

import asyncio
from dataclasses import replace

import pytest

from tests.unit.providers.token_trial import SELLER, Trial


async def test_g3_two_sellers_that_take_turns_each_get_their_own_token() -> None:
    trial = Trial()
    sellers = [replace(SELLER, integration_id=name) for name in ("a", "b")]
    found = [await trial.access(seller) for _ in range(100) for seller in sellers]
    assert found == ["production a 1 at 1", "production b 1 at 1"] * 100
    assert trial.provider.requests.total() == 2


async def test_g3_environment_account_and_version_of_the_credentials_each_make_another_token() -> None:
    trial = Trial()
    accounts = [
        replace(SELLER, environment=environment, integration_id=name, credential_version=version)
        for environment in ("production", "sandbox")
        for name in ("seller", "seller-1")
        for version in (1, 2)
    ]
    found = await asyncio.gather(*(trial.access(account) for account in accounts * 25))
    expected = [f"{one.environment} {one.integration_id} {one.credential_version} at 1" for one in accounts]
    assert found == expected * 25


@pytest.mark.parametrize("shared", [True, False])
async def test_g5_fifteen_accounts_of_ten_calls_are_fifteen_requests_in_each_lifetime(shared: bool) -> None:
    trial = Trial() if shared else Trial(shelf=None)
    trial.provider.rotates = shared
    accounts = [replace(SELLER, integration_id=f"account-{number}") for number in range(15)]
    for lifetime in range(1, 4):
        await asyncio.gather(*(trial.access(account) for account in accounts * 5))
        for account in accounts * 5:
            await trial.access(account)
        assert trial.provider.requests.total() == 15 * lifetime
        trial.after(3600)


async def test_g5_the_cache_is_bounded_and_what_it_lets_go_of_is_found_in_the_store() -> None:
    trial = Trial(most=2)
    accounts = [replace(SELLER, integration_id=name) for name in "abc"]
    for account in (*accounts, *accounts):
        await trial.access(account)
    assert len(trial.cache._kept) == 2
    assert trial.provider.requests.total() == 3
