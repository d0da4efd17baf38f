import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from agents.pool import open_pool
from agents.vault.erasures import erase_again, erasure
from agents.vault.keyring import KeyRing
from agents.vault.subject_rewrap import SubjectKeys
from agents.vault.subjects import Subjects, erase_subjects
from infra.local import LocalStack
from infra.migrate import migrate
from schemas.errors import StoreError, UnreadableRecord
from streams.admin import ensure_topics
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.topics import Topics
from tests.builders import NOON
from tests.master_keys import a_master_key
from tests.stack import fresh_name

SHOP, BUYER = "/shop", "uye-5519-gulbahar"


@dataclass
class Bench:
    url: str
    pool: asyncpg.Pool
    key: SecretStr
    subjects: Subjects

    def another(self, *, ttl_s: float = 300) -> Subjects:
        """Another process."""
        return Subjects(self.pool, KeyRing.of(self.key), ttl_s=ttl_s)


@pytest_asyncio.fixture(scope="module")
async def prepared(database_url: str) -> AsyncIterator[Bench]:
    await migrate(database_url)
    async with await open_pool(database_url) as pool:
        key = a_master_key()
        yield Bench(database_url, pool, key, Subjects(pool, KeyRing.of(key)))


@pytest_asyncio.fixture
async def bench(prepared: Bench) -> AsyncIterator[Bench]:
    await prepared.pool.execute("delete from vault.subjects")
    await prepared.pool.execute("delete from vault.subject_state")
    prepared.subjects = prepared.another()
    yield prepared


async def test_a_buyer_is_one_subject_in_every_process(bench: Bench) -> None:
    first, again, elsewhere = [
        await subjects.of(SHOP, BUYER) for subjects in (bench.subjects, bench.subjects, bench.another())
    ]
    assert first == again == elsewhere
    assert first.subject.version == 4


async def test_the_same_id_at_another_publisher_is_another_person(bench: Bench) -> None:
    mine, other = await bench.subjects.of(SHOP, BUYER), await bench.subjects.of("/other", BUYER)
    assert mine.subject != other.subject
    assert mine.key != other.key


async def test_where_source_ends_and_buyer_begins_is_told_apart(bench: Bench) -> None:
    assert (await bench.subjects.of("/ab", "c")).subject != (await bench.subjects.of("/a", "bc")).subject


async def test_a_buyer_that_many_processes_meet_at_once_is_one_subject(bench: Bench) -> None:
    found = await asyncio.gather(*(bench.another().of(SHOP, BUYER) for _ in range(12)))
    assert len({subject.subject for subject in found}) == 1
    assert await bench.pool.fetchval("select count(*) from vault.subjects") == 1


async def test_a_subject_is_looked_up_once_and_then_remembered(bench: Bench) -> None:
    known = await bench.subjects.of(SHOP, BUYER)
    await bench.pool.execute("alter table vault.subjects rename to away")
    try:
        assert await bench.subjects.of(SHOP, BUYER) == known
        with pytest.raises(StoreError, match="subject_of"):
            await bench.another().of(SHOP, BUYER)
    finally:
        await bench.pool.execute("alter table vault.away rename to subjects")


async def test_a_subject_is_remembered_for_its_time_only(bench: Bench) -> None:
    forgetful = bench.another(ttl_s=0)
    known = await forgetful.of(SHOP, BUYER)
    await erase_subjects(bench.pool, [known.subject])
    assert (await forgetful.of(SHOP, BUYER)).subject != known.subject


async def test_the_table_shows_neither_the_buyer_nor_a_key(bench: Bench) -> None:
    subject = await bench.subjects.of(SHOP, BUYER)
    rows = await bench.pool.fetch(
        "select t::text from vault.subjects t union all select t::text from vault.subject_state t"
    )
    held = "\n".join(row[0] for row in rows)
    for secret in (BUYER.encode(), SHOP.encode(), subject.key):
        assert secret.hex() not in held
        assert secret.decode("latin-1") not in held


async def test_an_erased_subject_has_no_key_and_whoever_comes_back_is_another(bench: Bench) -> None:
    subject = await bench.subjects.of(SHOP, BUYER)
    assert await erase_subjects(bench.pool, [subject.subject]) == [subject.subject]
    known = (await bench.subjects.known([subject.subject]))[subject.subject]
    assert known.key is None
    assert known.erased_at is not None
    assert await bench.subjects.find(SHOP, BUYER) is None
    again = await bench.another().of(SHOP, BUYER)
    assert again.subject != subject.subject
    assert again.key != subject.key


async def test_erasing_twice_changes_nothing(bench: Bench) -> None:
    subject = await bench.subjects.of(SHOP, BUYER)
    await erase_subjects(bench.pool, [subject.subject])
    before = await bench.pool.fetchrow("select * from vault.subjects")
    assert await erase_subjects(bench.pool, [subject.subject]) == []
    assert await bench.pool.fetchrow("select * from vault.subjects") == before


async def test_a_process_forgets_an_erased_subject_at_its_next_look(bench: Bench) -> None:
    await bench.subjects.refresh()
    subject = await bench.subjects.of(SHOP, BUYER)
    await bench.subjects.refresh()
    await erase_subjects(bench.pool, [subject.subject])
    assert (await bench.subjects.of(SHOP, BUYER)).subject == subject.subject, "for a second at most"
    await bench.subjects.refresh()
    assert (await bench.subjects.of(SHOP, BUYER)).subject != subject.subject


async def test_a_restored_key_is_destroyed_again_from_the_log(bench: Bench, stack: LocalStack) -> None:
    access, topics = KafkaAccess(stack.bootstrap), Topics(fresh_name("t"), 2)
    await ensure_topics(access, topics.all(), replication=1, min_insync=1)
    assert await erase_again(access, topics, bench.pool) == 0
    erased, other = await bench.subjects.of(SHOP, BUYER), await bench.subjects.of(SHOP, "somebody else")
    backup = await bench.pool.fetch("select * from vault.subjects")
    async with Publisher(access) as publisher:
        await publisher.publish([erasure(topics, erased.subject, by="Işıl", why="asked for it", at=NOON)])
    await erase_subjects(bench.pool, [erased.subject])
    await bench.pool.execute("delete from vault.subjects")
    await bench.pool.copy_records_to_table("subjects", schema_name="vault", records=[tuple(row) for row in backup])

    assert await erase_again(access, topics, bench.pool) == 1
    known = await bench.subjects.known([erased.subject, other.subject])
    assert known[erased.subject].key is None
    assert known[other.subject].key == other.key
    assert await erase_again(access, topics, bench.pool) == 0


async def test_what_no_hub_wrote_into_the_log_of_erasures_keeps_nobody_from_starting(
    bench: Bench, stack: LocalStack
) -> None:
    access, topics = KafkaAccess(stack.bootstrap), Topics(fresh_name("t"), 2)
    await ensure_topics(access, topics.all(), replication=1, min_insync=1)
    subject = (await bench.subjects.of(SHOP, BUYER)).subject
    newer = erasure(topics, subject, by="Işıl", why="asked for it", at=NOON)
    async with Publisher(access) as publisher:
        await publisher.publish([replace(newer, value=None), replace(newer, value=b"{"), newer])
    assert await erase_again(access, topics, bench.pool) == 1
    unknown = tuple((name, b"privacy.subject_erased.v9" if name == "ce_type" else it) for name, it in newer.headers)
    async with Publisher(access) as publisher:
        await publisher.publish([replace(newer, headers=unknown)])
    with pytest.raises(UnreadableRecord):
        await erase_again(access, topics, bench.pool)


async def test_keys_stay_the_same_when_the_master_key_is_exchanged(bench: Bench) -> None:
    before = [await bench.subjects.of(SHOP, str(number)) for number in range(5)]
    newer = a_master_key()
    ring = KeyRing.of(newer, [bench.key])
    rewrapping = SubjectKeys(bench.pool, ring)
    assert await rewrapping.left() == 6, "the lookups' key is one of them"
    while await rewrapping.rewrap(2):
        pass
    assert await rewrapping.left() == 0
    after = Subjects(bench.pool, KeyRing.of(newer))
    assert [await after.of(SHOP, str(number)) for number in range(5)] == before


async def test_a_master_key_that_is_missing_is_named(bench: Bench) -> None:
    await bench.subjects.of(SHOP, BUYER)
    with pytest.raises(StoreError, match=KeyRing.of(bench.key).primary_id):
        await Subjects(bench.pool, KeyRing.of(a_master_key())).of(SHOP, BUYER)


async def test_a_subjects_key_copied_to_another_row_does_not_open(bench: Bench) -> None:
    mine, other = await bench.subjects.of(SHOP, BUYER), await bench.subjects.of(SHOP, "other")
    await bench.pool.execute(
        "update vault.subjects s set sealed_key = o.sealed_key from vault.subjects o"
        " where o.subject = $1 and s.subject = $2",
        mine.subject,
        other.subject,
    )
    with pytest.raises(StoreError, match="does not open"):
        await bench.another().of(SHOP, "other")
