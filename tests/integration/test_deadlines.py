"""Deadlines in the ledger: set and taken away with a result, and told of by one worker, or the next if that dies."""

from datetime import UTC, datetime, timedelta

from agents.ledger import Ask, Claim, Conclusion, Ledger, Passed, StoredResult
from schemas.ids import new_id

RESULT = StoredResult(b"{}", (("ce_id", b"1"),))
NOW = datetime.now(UTC)
PAST = NOW - timedelta(seconds=1)


def a_key() -> str:
    return f"payments/{new_id()}"


async def concluded(
    ledger: Ledger, key: str, *, deadline: datetime | None = None, waits_no_more: bool = False
) -> Passed:
    claim: Claim = await ledger.claim(Ask(key, new_id(), "t", b"d"))
    given = Conclusion(claim, b"{}", RESULT, deadline=deadline, waits_no_more=waits_no_more)
    assert await ledger.conclude(given)
    assert await ledger.conclude(given), "asked again after a lost answer"
    return Passed(key, claim.ask.command_id)


async def passed(ledger: Ledger, *, again_s: float = 3600, at: datetime | None = None) -> set[Passed]:
    return set(await ledger.passed(at or datetime.now(UTC), again_s=again_s, limit=100))


async def test_a_deadline_is_handed_out_once_and_again_only_if_it_was_not_told_of(ledger: Ledger) -> None:
    due = await concluded(ledger, a_key(), deadline=PAST)
    assert due in await passed(ledger, again_s=0)
    assert due in await passed(ledger), "whoever took it may have died"
    assert due not in await passed(ledger), "another worker has it"
    again = await concluded(ledger, a_key(), deadline=PAST)
    assert again in await passed(ledger, again_s=0)
    await ledger.told([again])
    assert again not in await passed(ledger)


async def test_a_deadline_is_to_have_passed_by_both_clocks(ledger: Ledger) -> None:
    soon = await concluded(ledger, a_key(), deadline=datetime.now(UTC) + timedelta(hours=1))
    assert soon not in await passed(ledger, at=datetime.now(UTC) + timedelta(days=1)), "the ledger's is behind"
    due = await concluded(ledger, a_key(), deadline=PAST)
    assert due not in await passed(ledger, at=PAST - timedelta(seconds=1)), "the worker's is behind"
    assert due in await passed(ledger)


async def test_a_result_leaves_the_deadline_or_takes_it_away_or_sets_another(ledger: Ledger) -> None:
    kept, ended, anew = a_key(), a_key(), a_key()
    first = {key: await concluded(ledger, key, deadline=PAST) for key in (kept, ended, anew)}
    await concluded(ledger, kept)
    await concluded(ledger, ended, waits_no_more=True)
    second = await concluded(ledger, anew, deadline=PAST)
    await ledger.told([first[anew]])

    found = await passed(ledger)
    assert first[kept] in found
    assert second in found, "what was told of the first says nothing of the second"
    assert ended not in {one.key for one in found}
