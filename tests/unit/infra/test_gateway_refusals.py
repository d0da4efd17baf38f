"""Refused calls are counted: however many come, few records tell of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.refusals import OTHER, STRANGE_NAMES, Refusals
from schemas.errors import StoreError
from schemas.webhooks import WebhooksRefused
from streams.codec import decode
from tests.edge_log import Log

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEST_CARD = "4111111111111111"


class ToldLog(Log):
    @property
    def told(self) -> dict[tuple[str, str], WebhooksRefused]:
        models = {WebhooksRefused.type: WebhooksRefused}
        bodies = [decode(models, one.key, one.value, one.headers).body for one in self.records]
        return {(body.integration_id, body.why): body for body in bodies}


@pytest.fixture
def log() -> ToldLog:
    return ToldLog()


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def counting(log: ToldLog) -> Refusals:
    return Refusals(log, "t", process="here/1", now=Clock())  # type: ignore[arg-type] # stands in for the publisher


async def test_a_thousand_refusals_are_one_record(log: ToldLog) -> None:
    refusals = counting(log)
    for number in range(1000):
        refusals.add("iyzico-main", "wrong", known=True, digest=f"{number:064x}")
    await refusals.tell()
    (told,) = log.told.values()
    assert (told.times, told.last_at - told.first_at) == (1000, timedelta(seconds=999))
    assert told.last_digest == f"{999:064x}"
    assert log.records[0].key == b"iyzico-main"


async def test_names_that_strangers_come_up_with_share_one_count_past_the_first_few(log: ToldLog) -> None:
    refusals = counting(log)
    for number in range(500):
        refusals.add(f"guess-{number}", "unknown_integration", known=False)
    for name in ("known-1", "known-2"):
        refusals.add(name, "wrong", known=True)
    await refusals.tell()
    assert len(log.records) == STRANGE_NAMES + 1 + 2
    assert log.told[OTHER, "unknown_integration"].times == 500 - STRANGE_NAMES


async def test_what_kafka_did_not_take_is_told_later_and_takes_no_more_room(log: ToldLog) -> None:
    refusals, log.away = counting(log), True
    for round_ in range(20):
        for number in range(30):
            refusals.add(f"guess-{round_}-{number}", "unknown_integration", known=False)
        refusals.add("iyzico-main", "wrong", known=True)
        with pytest.raises(StoreError):
            await refusals.tell()
    log.away = False
    await refusals.tell()
    assert sum(body.times for body in log.told.values()) == 20 * 31
    assert len(log.records) == STRANGE_NAMES + 1 + 1
    await refusals.tell()
    assert len(log.records) == STRANGE_NAMES + 2, "nothing is told twice"


async def test_the_last_word_of_a_process_does_not_fail_it(log: ToldLog) -> None:
    refusals, log.away = counting(log), True
    refusals.add("iyzico-main", "wrong", known=True)
    await refusals.tell_last()


@given(st.text(max_size=300))
async def test_whatever_a_stranger_calls_it_can_be_told_and_read_again(name: str) -> None:
    log = ToldLog()
    refusals = counting(log)
    refusals.add(name, "unknown_integration", known=False)
    await refusals.tell()
    (told,) = log.told.values()
    assert told.integration_id == OTHER or name.startswith(told.integration_id)


async def test_a_card_number_in_the_place_of_a_name_is_not_told(log: ToldLog) -> None:
    refusals = counting(log)
    refusals.add(TEST_CARD, "unknown_integration", known=False)
    await refusals.tell()
    assert list(log.told) == [(OTHER, "unknown_integration")]
