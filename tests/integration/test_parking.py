"""Parking in the ledger: what waits lies in order of arrival, and nothing of its key overtakes it."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from agents.ledger import Ask, Claim, ClaimStatus, Conclusion, Ledger, Parking, Sending, StoredResult
from agents.sealing import Seal
from agents.vault.keyring import KeyRing, UnknownMasterKey
from schemas.errors import StoreError
from schemas.ids import new_id
from streams.records import RawRecord
from tests.master_keys import a_master_key

RING = KeyRing.of(a_master_key())
SEAL = Seal(RING)
RESULT = StoredResult(b"{}", (("ce_id", b"1"),))


def an_ask(key: str, **changed: Any) -> Ask:
    given: dict[str, Any] = {"command_id": new_id(), "command_type": "t", "digest": b"d", **changed}
    return Ask(key, **given)


def a_key() -> str:
    return f"payments/{new_id()}"


def a_record(offset: int = 7) -> RawRecord:
    return RawRecord("shop.payments.commands", 3, offset, 1_700_000_000_123, b"key", b"value", (("ce_id", b"1"),))


def parking(claim: Claim, *, due_s: float = 10, offset: int = 7, counts: bool = True) -> Parking:
    record = a_record(offset)
    sealed = SEAL.close(record, claim.ask.command_id)
    return Parking(claim, "iyzico-main", record.topic, 3, offset, sealed, "breaker_open", due_s, counts)


async def parked(ledger: Ledger, ask: Ask, **how: Any) -> Claim:
    claim = await ledger.claim(ask)
    assert claim.status is ClaimStatus.TAKEN
    assert await ledger.park(parking(claim, **how))
    return claim


async def concluded(ledger: Ledger, claim: Claim) -> bool:
    return await ledger.conclude(Conclusion(claim, b"{}", RESULT))


def woken(claim: Claim) -> Ask:
    return Ask(claim.ask.key, claim.ask.command_id, "t", b"d", woken=True)


def again(claim: Claim) -> Ask:
    return Ask(claim.ask.key, claim.ask.command_id, "t", b"d")


async def test_a_parked_command_waits_and_later_ones_of_its_key_are_laid_behind_it(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key))
    later = [await ledger.claim(an_ask(key)) for _ in range(3)]

    assert [claim.status for claim in later] == [ClaimStatus.QUEUED] * 3
    for claim in later:
        assert await ledger.park(parking(claim))

    for expected in (first, *later):
        lying = await ledger.next_parked(key)
        assert lying is not None
        assert lying.command_id == expected.ask.command_id
        claim = await ledger.claim(woken(expected))
        assert claim.status is ClaimStatus.TAKEN
        assert await concluded(ledger, claim)
        assert await ledger.unpark(key, expected.ask.command_id)
    assert await ledger.next_parked(key) is None
    assert (await ledger.claim(an_ask(key))).status is ClaimStatus.TAKEN


async def test_a_concluded_command_keeps_its_place_until_its_result_is_published(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key))
    behind = await ledger.claim(an_ask(key))
    assert await ledger.park(parking(behind))
    assert await concluded(ledger, await ledger.claim(woken(first)))

    # Its worker died before the result was in the log: whoever wakes the key finds it first, and the result with it.
    lying = await ledger.next_parked(key)
    assert lying is not None
    assert lying.command_id == first.ask.command_id
    claim = await ledger.claim(woken(first))
    assert claim.status is ClaimStatus.CONCLUDED
    assert claim.result == RESULT

    assert await ledger.unpark(key, first.ask.command_id)
    lying = await ledger.next_parked(key)
    assert lying is not None
    assert lying.command_id == behind.ask.command_id


async def test_between_the_end_of_one_parked_command_and_the_waking_of_the_next_nothing_gets_in(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key))
    behind = await ledger.claim(an_ask(key))
    assert await ledger.park(parking(behind))
    assert await concluded(ledger, await ledger.claim(woken(first)))
    assert await ledger.unpark(key, first.ask.command_id)

    latecomer = await ledger.claim(an_ask(key))

    assert latecomer.status is ClaimStatus.QUEUED, "no command of the key is open, and still one waits before it"
    assert (await ledger.claim(woken(behind))).status is ClaimStatus.TAKEN


async def test_another_key_is_not_held_back(ledger: Ledger) -> None:
    await parked(ledger, an_ask(a_key()))

    assert (await ledger.claim(an_ask(a_key()))).status is ClaimStatus.TAKEN


async def test_a_redelivered_parked_command_is_known_to_lie_there(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key))
    behind = await ledger.claim(an_ask(key))
    assert await ledger.park(parking(behind))

    assert (await ledger.claim(again(first))).status is ClaimStatus.PARKED
    assert (await ledger.claim(again(behind))).status is ClaimStatus.PARKED


async def test_a_parked_id_with_another_body_is_a_conflict(ledger: Ledger) -> None:
    key = a_key()
    await parked(ledger, an_ask(key))
    behind = await ledger.claim(an_ask(key))
    assert await ledger.park(parking(behind))

    other = Ask(key, behind.ask.command_id, "t", b"another")

    assert (await ledger.claim(other)).status is ClaimStatus.CONFLICT


async def test_a_queued_command_is_not_laid_down_where_nothing_is_parked_any_more(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key))
    late = await ledger.claim(an_ask(key))
    assert late.status is ClaimStatus.QUEUED
    assert await concluded(ledger, await ledger.claim(woken(first)))
    assert await ledger.unpark(key, first.ask.command_id)

    assert not await ledger.park(parking(late)), "it has to claim again"
    assert (await ledger.claim(again(late))).status is ClaimStatus.TAKEN


async def test_who_lost_the_key_parks_nothing(ledger: Ledger, pool: asyncpg.Pool) -> None:
    ask = an_ask(a_key())
    overtaken = await ledger.claim(ask)
    await pool.execute("update ledger.keys set lease_until = ledger.now() where key = $1", ask.key)
    owner = await ledger.claim(Ask(ask.key, ask.command_id, "t", b"d"))
    assert owner.status is ClaimStatus.TAKEN

    assert not await ledger.park(parking(overtaken))
    assert await ledger.next_parked(ask.key) is None
    assert await concluded(ledger, owner)


async def test_parking_keeps_what_may_have_been_sent(ledger: Ledger) -> None:
    ask = an_ask(a_key())
    claim = await ledger.claim(ask)
    assert await ledger.mark_sending(Sending(claim, 1, "iyzico-main", "ref", "digest", repeatable=False))
    assert await ledger.park(parking(claim))

    taken = await ledger.claim(woken(claim))

    assert [(attempt.reference, attempt.maybe_sent) for attempt in taken.attempts] == [("ref", True)]
    assert taken.sent_age_s is not None


async def test_parked_again_it_keeps_its_place_and_counts_only_real_tries(ledger: Ledger) -> None:
    key = a_key()
    first = await parked(ledger, an_ask(key), counts=True)
    behind = await ledger.claim(an_ask(key))
    assert await ledger.park(parking(behind))

    for counts in (True, False, True):
        assert await ledger.park(parking(await ledger.claim(woken(first)), counts=counts))

    lying = await ledger.next_parked(key)
    assert lying is not None
    assert (lying.command_id, lying.tries, lying.withdrawn) == (first.ask.command_id, 3, None)


async def test_only_one_of_two_wakers_gets_the_key(ledger: Ledger, pool: asyncpg.Pool) -> None:
    first = await parked(ledger, an_ask(a_key()))
    other = await Ledger.open(pool, lease_s=30, margin_s=5)

    answers = await asyncio.gather(ledger.claim(woken(first)), other.claim(woken(first)))

    assert sorted(claim.status for claim in answers) == [ClaimStatus.HELD, ClaimStatus.TAKEN]
    await other.aclose()


async def test_what_is_overdue_is_told_once_and_by_its_key_s_first_command(ledger: Ledger, pool: asyncpg.Pool) -> None:
    late, early = a_key(), a_key()
    await parked(ledger, an_ask(late), due_s=0)
    behind = await ledger.claim(an_ask(late))
    assert await ledger.park(parking(behind, due_s=0))
    await parked(ledger, an_ask(early), due_s=3600)
    await pool.execute("update ledger.parked set due_at = due_at - interval '5 minutes' where key = $1", late)

    assert list(await ledger.overdue(grace_s=60, limit=10)) == [late]
    assert list(await ledger.overdue(grace_s=60, limit=10)) == []


async def test_nothing_is_marked_for_a_stopped_integration(ledger: Ledger, pool: asyncpg.Pool) -> None:
    claim = await ledger.claim(an_ask(a_key()))
    sending = Sending(claim, 1, "stopped-one", "ref-stopped", "digest", repeatable=False)
    await pool.execute("insert into ledger.stops values ('stopped-one', 'ayse', 'double charges', now())")

    assert await ledger.stops() == {"stopped-one"}
    assert not await ledger.mark_sending(sending)

    await pool.execute("delete from ledger.stops")
    assert await ledger.mark_sending(sending)


async def test_an_id_older_than_what_is_kept_is_refused_and_others_are_not(ledger: Ledger, pool: asyncpg.Pool) -> None:
    kept = await ledger.claim(an_ask(a_key(), command_id=UUID("01900000-0000-7000-8000-000000000001")))
    assert await concluded(ledger, kept)
    await pool.execute("update ledger.incarnation set pruned_below = '01950000-0000-7000-8000-000000000000'")
    try:
        old = await ledger.claim(an_ask(a_key(), command_id=UUID("01900000-0000-7000-8000-000000000002")))
        random = await ledger.claim(an_ask(a_key(), command_id=UUID("01900000-0000-4000-8000-000000000003")))
        fresh = await ledger.claim(an_ask(a_key()))
        still_known = await ledger.claim(again(kept))
    finally:
        await pool.execute("update ledger.incarnation set pruned_below = null")

    assert old.status is ClaimStatus.TOO_OLD
    assert random.status is ClaimStatus.TAKEN, "a random id does not tell its age"
    assert fresh.status is ClaimStatus.TAKEN
    assert still_known.status is ClaimStatus.CONCLUDED


def test_a_sealed_record_opens_as_it_was_and_only_for_its_command() -> None:
    command_id = new_id()
    record = RawRecord("t", 1, 2, 3, None, b"\x00\xff", (("ce_id", b"x"), ("null", None)))
    sealed = SEAL.close(record, command_id)

    assert SEAL.open(sealed, command_id, "t", 1, 2) == record
    assert b"ce_id" not in sealed
    for wrong in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:], sealed[:20], b""):
        with pytest.raises(StoreError, match=f"parked record of {command_id} does not open"):
            SEAL.open(wrong, command_id, "t", 1, 2)
    with pytest.raises(StoreError, match="does not open"):
        SEAL.open(sealed, new_id(), "t", 1, 2)
    with pytest.raises(UnknownMasterKey, match=RING.primary_id):
        Seal(KeyRing.of(a_master_key())).open(sealed, command_id, "t", 1, 2)
    with pytest.raises(StoreError, match="upgrade"):
        SEAL.open(b"KSE\x02" + sealed[4:], command_id, "t", 1, 2)
