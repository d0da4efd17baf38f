"""The integrations as a running worker knows them: read from the registry, and again whenever something changed."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import asyncpg
from pydantic import ValidationError

from agents.integrations import reading
from agents.integrations.settings_rules import read_settings_of
from agents.vault.source import CredentialSource
from providers.configured import Unconfigurable, configured, unusable
from providers.connector import Connector, Integration, LiveCredentials
from schemas.errors import HubError, SettingsError
from schemas.integrations import IntegrationState
from schemas.routing import RoutingRule

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
"""Between two looks; what changed is known within two seconds."""


class Directory(Mapping[str, Integration]):
    """The integrations that take commands, by id. It changes under way; who holds an `Integration` keeps it.

    Args:
        fixed: accounts of the settings, which no command changes; whoever owns the mapping may renew their secrets.
        on_change: told of each integration that is new, changed or gone, or has what it lacked.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        credentials: CredentialSource,
        connectors: Mapping[str, Connector],
        *,
        fixed: Mapping[str, Integration],
        on_change: Callable[[str], None] = lambda _: None,
        poll_s: float = POLL_S,
    ) -> None:
        self._pool = pool
        self._source = credentials
        self._connectors = connectors
        self._fixed = fixed
        self._on_change = on_change
        self._poll_s = poll_s
        self._looking = asyncio.Lock()
        self._seen: tuple[int, int] | None = None
        self._told: dict[str, str] = {}
        self._open: Mapping[str, Integration] = MappingProxyType(dict(fixed))
        self._closed: Mapping[str, Integration] = MappingProxyType({})
        self._rules: tuple[RoutingRule, ...] = ()
        self._used_by: Mapping[str, tuple[str, ...]] = MappingProxyType({})
        self.closed: Mapping[str, Integration] = _Closed(self)
        """Disabled ones: nothing new is sent there, and what was sent is still asked about."""

    def __getitem__(self, integration_id: str) -> Integration:
        return self._fixed[integration_id] if integration_id in self._fixed else self._open[integration_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def rules(self) -> tuple[RoutingRule, ...]:
        """The routing rules."""
        return self._rules

    @property
    def used_by(self) -> Mapping[str, tuple[str, ...]]:
        """By seller or store, the integrations that it owns or is mapped to; who has none is not named."""
        return self._used_by

    async def refresh(self) -> bool:
        """Look once, and read anew what changed; whether anything did. Those who ask at one time look one by one.

        Raises:
            StoreError: PostgreSQL does not answer. What was known stays.
            SettingsError: an id stands in the settings and in the registry.
        """
        async with self._looking:
            return await self._look()

    async def look_again(self) -> None:
        """As `refresh`, before a command is refused for what may have changed just now: a clash is left to `watch`."""
        with suppress(SettingsError):
            await self.refresh()

    async def _look(self) -> bool:
        seen = await self._now()
        if seen == self._seen:
            return False
        # As it was before it was read: what came while it was read is read the next time, and so is what could not be.
        self._seen = seen if await self._load() else None
        return True

    async def watch(self) -> None:
        """Look until cancelled. An outage is waited out."""
        before = ""
        while True:
            await asyncio.sleep(self._poll_s)
            why = ""
            try:
                await self.refresh()
            except HubError as failed:
                why = str(failed)
            if why and why != before:
                log.error("the registry cannot be followed", extra={"why": why})
            before = why

    async def _now(self) -> tuple[int, int]:
        return await reading.last_revision(self._pool), await self._source.version()

    async def _load(self) -> bool:
        """Whether all secrets could be read that there are."""
        rules, mapped = await reading.rules(self._pool), await reading.used_by(self._pool)
        there = [state for state in await reading.integrations(self._pool) if state.status != "removed"]
        twice = sorted(state.integration_id for state in there if state.integration_id in self._fixed)
        if twice:
            raise SettingsError(
                f"KOLAJ_INTEGRATIONS: {', '.join(twice)} stands in the registry too; take it out of the settings, or "
                "remove it from the registry (`kolaj integrations remove`)"
            )
        built: dict[str, Integration] = {}
        whole = True
        for state in there:
            try:
                built[state.integration_id] = await self._built(state)
            except HubError as failed:
                # One account's secrets must not keep the others from being followed.
                whole = False
                built[state.integration_id] = self._unread(state, failed)
            else:
                self._told.pop(state.integration_id, None)
        active = {state.integration_id for state in there if state.status != "disabled"}
        known = {**self._open, **self._closed}
        self._open = MappingProxyType({**self._fixed, **{name: built[name] for name in built if name in active}})
        self._closed = MappingProxyType({name: built[name] for name in built if name not in active})
        self._rules = tuple(state.rule for state in rules)
        self._used_by = MappingProxyType(_used_by(there, mapped))
        for name in sorted(known.keys() | built.keys()):
            if name not in self._fixed and _differ(known.get(name), built.get(name)):
                log.info("integration changed", extra={"integration_id": name})
                self._on_change(name)
        return whole

    def _unread(self, state: IntegrationState, failed: HubError) -> Integration:
        """What is known of an integration whose secrets cannot be read now: what was known before, or that."""
        name = state.integration_id
        if self._told.get(name) != str(failed):
            log.warning("secrets could not be read", extra={"integration_id": name, "why": str(failed)})
            self._told[name] = str(failed)
        known = self._open.get(name) or self._closed.get(name)
        if known is not None and known.revision == state.revision:
            return known
        lacks = f"the credentials of {name} cannot be read now: {failed}"
        return unusable(name, state.provider, state.kind, state.environment, lacks)

    async def _built(self, state: IntegrationState) -> Integration:
        name, connector = state.integration_id, self._connectors.get(state.provider)
        if connector is None:
            lacks = f"this worker has no connector {state.provider}; start one of a version that has it"
            return unusable(name, state.provider, state.kind, state.environment, lacks)
        live = await self._source.load(name, connector.credentials)
        missing: str | None = None
        if live is None:
            names = ", ".join(connector.credentials)
            missing = f"{name} has no credentials yet; give its {names} with `kolaj credentials set`"
        try:
            settings = read_settings_of(connector, state.settings, state.environment)
            return configured(
                name,
                connector,
                state.environment,
                settings,
                live or LiveCredentials({}),
                revision=state.revision,
                lacks=missing,
            )
        except (ValidationError, Unconfigurable):
            # They were right for the version of the hub that took them.
            lacks = f"this worker's connector {connector.name} does not take its settings; set them anew"
            return unusable(name, connector.name, connector.kind, state.environment, lacks)


def _used_by(there: Sequence[IntegrationState], mapped: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    owned: dict[str, set[str]] = {}
    for state in there:
        if state.owner:
            owned.setdefault(state.owner, set()).add(state.integration_id)
    return {name: tuple(sorted({*owned.get(name, ()), *mapped.get(name, ())})) for name in {*owned, *mapped}}


def _differ(before: Integration | None, after: Integration | None) -> bool:
    """Whether it is worth another look. Secrets are not compared: that would open them."""
    if before is None or after is None:
        return before is not after
    return (before.revision, before.lacks) != (after.revision, after.lacks)


class _Closed(Mapping[str, Integration]):
    """The closed ones of a directory, as they are at the moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __getitem__(self, integration_id: str) -> Integration:
        return self._directory._closed[integration_id]  # noqa: SLF001 - a view of it

    def __iter__(self) -> Iterator[str]:
        return iter(self._directory._closed)  # noqa: SLF001

    def __len__(self) -> int:
        return len(self._directory._closed)  # noqa: SLF001
