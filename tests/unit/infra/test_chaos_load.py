"""The list that chaos publishes: made again word for word by whoever knows seed and moment."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from infra.chaos.load import load, moment
from infra.chaos.publishing import read_cursor
from schemas.errors import UnreadableRecord
from schemas.ids import created_at
from schemas.payments import PAYMENT_COMMANDS
from streams.codec import decode, digest

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MODELS = {model.type: model for model in PAYMENT_COMMANDS}
MADE = load(5, 1500, "kolaj.payments.commands", NOON)


def test_the_same_seed_and_moment_make_the_same_records() -> None:
    assert load(5, 1500, "kolaj.payments.commands", NOON) == MADE
    assert load(6, 1500, "kolaj.payments.commands", NOON).commands.keys().isdisjoint(MADE.commands)
    later = load(5, 1500, "kolaj.payments.commands", NOON + timedelta(seconds=1))
    assert later.commands.keys().isdisjoint(MADE.commands)


def test_there_are_as_many_commands_as_wanted_and_every_kind_that_a_shop_sends() -> None:
    assert 1500 <= len(MADE.commands) <= 1510
    types = {value.decode() for record in MADE.records for name, value in record.headers if name == "ce_type"}
    assert types >= {f"payments.{verb}.v1" for verb in ("create", "capture", "cancel", "refund", "query")}


def test_command_ids_carry_the_moment_of_the_run() -> None:
    assert {created_at(command_id) for command_id in MADE.commands} == {NOON}
    assert moment(int(NOON.timestamp() * 1000)) == NOON


def test_what_is_said_of_the_list_is_what_a_reader_finds() -> None:
    digests: dict[UUID, bytes] = {}
    payments: dict[UUID, UUID] = {}
    copies = unreadable = conflicts = 0
    seen_bad: set[bytes] = set()
    for record in MADE.records:
        try:
            incoming = decode(MODELS, record.key, record.value, record.headers)
        except UnreadableRecord:
            # A copy of an unreadable record is a copy.
            whole = repr((record.key, record.value, record.headers)).encode()
            copies += whole in seen_bad
            unreadable += whole not in seen_bad
            seen_bad.add(whole)
            continue
        command_id = incoming.envelope.id
        meaning = digest(incoming.envelope, incoming.key, incoming.body)
        whole = repr((record.key, record.value, record.headers)).encode()
        if whole in seen_bad:
            copies += 1
        elif digests.setdefault(command_id, meaning) != meaning:
            conflicts += 1
        else:
            payments[command_id] = incoming.body.payment_id
        seen_bad.add(whole)
    assert payments == MADE.commands
    assert (copies, unreadable, conflicts) == (MADE.duplicates, MADE.unreadable, MADE.conflicts)
    assert min(copies, unreadable, conflicts) > 0


def test_several_hundred_payments_are_under_way_at_one_time() -> None:
    places: defaultdict[UUID, list[int]] = defaultdict(list)
    for place, command_id in enumerate(MADE.commands):
        places[MADE.commands[command_id]].append(place)
    middle = len(MADE.commands) // 2
    under_way = sum(min(of) <= middle <= max(of) for of in places.values() if len(of) > 1)
    assert under_way > 100


def test_a_publisher_without_a_cursor_begins_at_the_beginning(tmp_path: Path) -> None:
    assert read_cursor(None) == 0
    assert read_cursor(tmp_path / "cursor") == 0
    (tmp_path / "cursor").write_text("120", encoding="ascii")
    assert read_cursor(tmp_path / "cursor") == 120
