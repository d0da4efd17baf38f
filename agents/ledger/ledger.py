"""The ledger's statements, each with its question and its answer."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from agents.coalesce import Coalescer
from agents.ledger.claims import (
    Ask,
    Claim,
    ClaimStatus,
    Conclusion,
    Parked,
    Parking,
    Passed,
    Sending,
    SentAttempt,
    StoredResult,
    boottime,
)
from agents.pool import FAILURES
from agents.sql import statement
from schemas.envelope import Header
from schemas.errors import LedgerReplaced, SettingsError, StoreError
from schemas.routing import Routed


class Ledger:
    """Claims, marks and conclusions, coalesced.

    Every method raises `StoreError` when PostgreSQL fails, and `LedgerReplaced` when it is not the ledger that this
    process started on. A call that raised may be repeated with the same arguments: each statement is idempotent.
    """

    def __init__(self, pool: asyncpg.Pool, *, incarnation: UUID, lease_s: float, margin_s: float) -> None:
        self._pool = pool
        self.incarnation = incarnation
        self._lease_s = lease_s
        self._margin_s = margin_s
        self._sql = {
            name: statement(name)
            for name in (
                "claim",
                "send",
                "unsend",
                "conclude",
                "release",
                "park",
                "next_parked",
                "overdue",
                "released",
                "unpark",
                "stops",
                "waiting_counts",
                "deadlines_passed",
                "deadlines_told",
            )
        }
        self._claims = Coalescer(self._claim, identities=lambda ask: (ask.key, ask.command_id))
        self._sends = Coalescer(self._send, identities=lambda sending: (sending.claim.ask.key,))
        self._unsends = Coalescer(self._unsend, identities=lambda sending: (sending.claim.ask.key,))
        self._conclusions = Coalescer(self._conclude, identities=lambda one: (one.claim.ask.key,))
        self._parkings = Coalescer(self._park, identities=lambda one: (one.claim.ask.key, one.claim.ask.command_id))
        self._releases = Coalescer(self._release, identities=lambda claim: (claim.ask.key,))

    @classmethod
    async def open(cls, pool: asyncpg.Pool, *, lease_s: float, margin_s: float) -> "Ledger":
        """Learn which ledger this is, and refuse one that would not keep what it is told.

        Raises:
            SettingsError: `fsync` or `synchronous_commit` is off, or the ledger's tables are missing.
        """
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                if await pool.fetchval(f"show {setting}") == "off":
                    raise SettingsError(
                        f"PostgreSQL runs with {setting} = off: a crash would lose claims; switch it on"
                    )
            incarnation = await pool.fetchval("select id from ledger.incarnation")
        except asyncpg.UndefinedTableError as missing:
            raise SettingsError("the ledger's tables are missing; run `kolaj migrate`") from missing
        except FAILURES as failed:
            raise StoreError(f"the ledger cannot be read: {failed}") from failed
        if incarnation is None:
            raise SettingsError("the ledger has no incarnation; it was only half restored")
        return cls(pool, incarnation=incarnation, lease_s=lease_s, margin_s=margin_s)

    async def claim(self, ask: Ask) -> Claim:
        return await self._claims.one(ask)

    async def mark_sending(self, sending: Sending) -> bool:
        """Write that bytes may leave now. False: they must not (lease or key lost, integration stopped, or it, or
        another attempt of its command, may have been sent before).
        """
        return await self._sends.one(sending)

    async def mark_not_sent(self, sending: Sending) -> bool:
        """Take the mark back: certainly nothing was performed. False: the key is lost, and the mark stays."""
        return await self._unsends.one(sending)

    async def conclude(self, conclusion: Conclusion) -> bool:
        """Store the result and free the key. False: somebody else took the command over, and nothing was stored."""
        return await self._conclusions.one(conclusion)

    async def park(self, parking: Parking) -> bool:
        """Lay a command down, durably. False: the key was lost, or nothing is parked there any more; claim again."""
        return await self._parkings.one(parking)

    async def next_parked(self, key: str) -> Parked | None:
        """The command of this key that waits first; `None` when none does."""
        rows = await self._fetch("next_parked", key)
        if not rows:
            return None
        row = rows[0]
        return Parked(
            row["command_id"],
            row["sealed"],
            row["topic"],
            row["partition"],
            row["offset"],
            row["tries"],
            row["withdrawn"],
        )

    async def unpark(self, key: str, command_id: UUID) -> bool:
        """Take a parked command away without concluding it. False: it was not parked."""
        return bool(await self._fetch("unpark", key, command_id))

    async def overdue(self, *, grace_s: float, limit: int) -> Sequence[str]:
        """Keys whose first parked command should have been woken more than `grace_s` seconds ago."""
        return [row["key"] for row in await self._fetch("overdue", grace_s, limit)]

    async def released(self, *, reason: str, limit: int) -> Sequence[str]:
        """Keys whose first command lies parked for `reason`, and whose integration is not stopped any more."""
        return [row["key"] for row in await self._fetch("released", reason, limit)]

    async def stops(self) -> frozenset[str]:
        """Integrations that an operator has stopped. `mark_sending` holds to it by itself."""
        return frozenset(row["integration_id"] for row in await self._fetch("stops"))

    async def waiting(self) -> dict[str, int]:
        """How many commands are parked, by integration."""
        return {row["integration_id"]: row["commands"] for row in await self._fetch("waiting_counts")}

    async def passed(self, now: datetime, *, again_s: float, limit: int) -> Sequence[Passed]:
        """Deadlines that have passed by both clocks. Each is handed out again after `again_s` seconds unless told.

        Args:
            now: the worker's clock, UTC.
        """
        rows = await self._fetch("deadlines_passed", now, again_s, limit)
        return [Passed(row["key"], row["command_id"]) for row in rows]

    async def told(self, passed: Sequence[Passed]) -> None:
        """What was to be done at these deadlines is in the log."""
        await self._fetch("deadlines_told", [one.key for one in passed], [one.command_id for one in passed])

    async def release(self, claim: Claim) -> None:
        """Let go of the key; the command stays open."""
        await self._releases.one(claim)

    async def aclose(self) -> None:
        for coalescer in (self._claims, self._sends, self._unsends, self._conclusions, self._parkings, self._releases):
            await coalescer.aclose()

    async def _fetch(self, name: str, *arguments: object) -> Sequence[Mapping[str, Any]]:
        try:
            async with asyncio.timeout(self._lease_s):
                rows: Sequence[Mapping[str, Any]] = await self._pool.fetch(self._sql[name], *arguments)
        except FAILURES as failed:
            raise StoreError(f"the ledger's statement `{name}` failed: {type(failed).__name__}: {failed}") from failed
        return rows

    async def _claim(self, asks: Sequence[Ask]) -> Sequence[Claim]:
        before = boottime()
        columns = zip(*((a.key, a.command_id, a.command_type, a.digest, a.token, a.woken) for a in asks), strict=True)
        rows = await self._fetch("claim", *map(list, columns), self._lease_s, self.incarnation)
        if not rows:
            raise LedgerReplaced(
                "the ledger is not the one this worker started on (restored or rebuilt); restart the worker"
            )
        lease_ends = before + self._lease_s - self._margin_s
        found = {row["command_id"]: row for row in rows}
        return [await self._read(ask, found[ask.command_id], lease_ends, before) for ask in asks]

    async def _read(self, ask: Ask, row: Mapping[str, Any], lease_ends: float, asked_at: float) -> Claim:
        status = row["status"]
        if status == "retry":
            # It changed between our look and our taking the key: give the key back, the next look will see it.
            await self._release([Claim(ask, ClaimStatus.TAKEN, epoch=row["epoch"])])
            return Claim(ask, ClaimStatus.HELD, wait_s=0.0)
        result = row["result_value"]
        return Claim(
            ask,
            ClaimStatus(status),
            epoch=row["epoch"] or 0,
            key_state=row["key_state"],
            attempts=tuple(_attempt(entry) for entry in row["attempts"] or ()),
            claimed_age_s=row["claimed_age_s"] or 0.0,
            sent_age_s=row["sent_age_s"],
            wait_s=row["wait_s"],
            result=None if result is None else StoredResult(result, _headers(row["result_headers"])),
            lease_ends=lease_ends,
            asked_at=asked_at,
        )

    async def _send(self, sendings: Sequence[Sending]) -> Sequence[bool]:
        columns = zip(
            *(
                (
                    *_fence(s.claim),
                    s.number,
                    s.integration_id,
                    s.reference,
                    s.request_digest,
                    s.repeatable,
                    None if s.routed is None else s.routed.model_dump_json(exclude_defaults=True),
                )
                for s in sendings
            ),
            strict=True,
        )
        rows = await self._fetch("send", *map(list, columns), self.incarnation)
        marked = {row["command_id"] for row in rows}
        return [sending.claim.ask.command_id in marked for sending in sendings]

    async def _unsend(self, sendings: Sequence[Sending]) -> Sequence[bool]:
        columns = zip(*((*_fence(s.claim), s.number) for s in sendings), strict=True)
        rows = await self._fetch("unsend", *map(list, columns))
        undone = {row["command_id"] for row in rows}
        return [sending.claim.ask.command_id in undone for sending in sendings]

    async def _conclude(self, conclusions: Sequence[Conclusion]) -> Sequence[bool]:
        columns = zip(
            *(
                (
                    *_fence(c.claim),
                    c.key_state,
                    c.result.value,
                    _pairs(c.result.headers),
                    c.deadline,
                    c.waits_no_more,
                )
                for c in conclusions
            ),
            strict=True,
        )
        rows = await self._fetch("conclude", *map(list, columns), self.incarnation)
        stored = {row["command_id"] for row in rows}
        return [conclusion.claim.ask.command_id in stored for conclusion in conclusions]

    async def _park(self, parkings: Sequence[Parking]) -> Sequence[bool]:
        columns = zip(
            *(
                (
                    p.claim.ask.key,
                    p.claim.epoch or None,
                    p.claim.ask.command_id,
                    p.integration_id,
                    p.topic,
                    p.partition,
                    p.offset,
                    p.sealed,
                    p.reason,
                    p.due_s,
                    p.claim.ask.digest,
                    p.counts,
                )
                for p in parkings
            ),
            strict=True,
        )
        rows = await self._fetch("park", *map(list, columns))
        laid = {row["command_id"] for row in rows}
        return [parking.claim.ask.command_id in laid for parking in parkings]

    async def _release(self, claims: Sequence[Claim]) -> Sequence[None]:
        await self._fetch("release", [claim.ask.key for claim in claims], [claim.epoch for claim in claims])
        return [None] * len(claims)


def _fence(claim: Claim) -> tuple[str, int, UUID]:
    return claim.ask.key, claim.epoch, claim.ask.command_id


def _attempt(entry: Mapping[str, Any]) -> SentAttempt:
    return SentAttempt(
        number=entry["number"],
        integration_id=entry["integration_id"],
        reference=entry["reference"],
        request_digest=entry["request_digest"],
        maybe_sent=entry["state"] == "sending",
        sent_age_s=entry["sent_age_s"],
        routed=read_routed(entry["routed"]),
    )


def read_routed(stored: Mapping[str, Any] | None) -> Routed | None:
    """How an integration was chosen, as the ledger keeps it."""
    return None if stored is None else Routed.model_validate_json(json.dumps(stored))


def _pairs(headers: Sequence[Header]) -> str:
    return json.dumps([[name, value.decode()] for name, value in headers])


def _headers(pairs: Sequence[Sequence[str]]) -> tuple[Header, ...]:
    return tuple((name, value.encode()) for name, value in pairs)
