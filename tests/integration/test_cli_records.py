import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from infra.local import LocalStack
from schemas.errors import UnreadableRecord
from schemas.ids import new_id
from schemas.payments import CreatePayment
from streams.admin import ensure_topics
from streams.codec import Outgoing
from streams.dead_letters import dead_letter
from streams.kafka import KafkaAccess
from streams.publisher import Publisher
from streams.reader import read_at, replay
from streams.records import RawRecord
from streams.topics import Topics
from tests.acceptance.command_line import Done
from tests.builders import a_command_refused, a_create_payment, a_late_outcome, a_payment_created, a_record
from tests.stack import fresh_name

CARD = "5528790000000008"


Kolaj = Callable[..., Done]


@pytest_asyncio.fixture
async def topics(stack: LocalStack) -> Topics:
    made = Topics(fresh_name("t"), 2)
    await ensure_topics(KafkaAccess(stack.bootstrap), made.all(), replication=1, min_insync=1)
    return made


@pytest.fixture
def access(stack: LocalStack) -> KafkaAccess:
    return KafkaAccess(stack.bootstrap)


@pytest.fixture
def kolaj(stack: LocalStack, topics: Topics) -> Kolaj:
    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> Done:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "infra.cli", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "KAFKA_BOOTSTRAP": stack.bootstrap,
                "KOLAJ_TOPIC_PREFIX": topics.prefix,
                "COLUMNS": "300",
                **environment,
            },
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def a_line(body: CreatePayment | None = None, **changed: Any) -> dict[str, Any]:
    body = body or a_create_payment()
    data = body.model_dump(mode="json", exclude_none=True)
    return {"id": str(new_id()), "type": body.type, "source": "/shop", "data": data, **changed}


def a_file(folder: Path, *lines: Any) -> str:
    file = folder / "commands.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
    file.write_bytes(b"\n".join(texts) + b"\n")
    return str(file)


async def lying(access: KafkaAccess, topic: str) -> list[RawRecord]:
    return [record async for record in replay(access, topic)]


async def publish(access: KafkaAccess, *records: Outgoing) -> None:
    async with Publisher(access) as publisher:
        await publisher.publish(records)


async def test_published_lines_are_commands_that_a_worker_reads(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics, tmp_path: Path
) -> None:
    lines = [a_line(), a_line()]
    done = kolaj("publish", a_file(tmp_path, *lines), "--json")
    assert done.code == 0, done.err
    assert (done.lines[0]["published"], done.lines[0]["bad"]) == (2, [])
    found = {record.text("ce_id"): record for record in await lying(access, topics.payment_commands.name)}
    for line in lines:
        record = found[line["id"]]
        assert (record.key or b"").decode() == line["data"]["payment_id"]
        assert json.loads(record.value or b"") == line["data"]
        assert record.text("ce_source") == "/shop"


async def test_standard_input_can_be_published(kolaj: Kolaj, access: KafkaAccess, topics: Topics) -> None:
    done = kolaj("publish", "-", stdin=json.dumps(a_line()).encode())
    assert done.code == 0, done.err
    assert len(await lying(access, topics.payment_commands.name)) == 1


async def test_one_bad_line_and_nothing_is_sent(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics, tmp_path: Path
) -> None:
    bad = a_line()
    bad["data"]["price"]["minor"] = "5"
    file = a_file(tmp_path, a_line(), bad, b"{not json")
    done = kolaj("publish", file)
    assert done.code == 1
    assert "line 2: data.price.minor: Input should be a valid integer" in done.err
    assert "line 3: is not JSON" in done.err
    assert await lying(access, topics.payment_commands.name) == []
    left_out = kolaj("publish", file, "--skip-bad", "--json")
    assert left_out.code == 0
    assert [bad["line"] for bad in left_out.lines[0]["bad"]] == [2, 3]
    assert len(await lying(access, topics.payment_commands.name)) == 1


async def test_checking_sends_nothing_and_needs_no_broker(kolaj: Kolaj, tmp_path: Path) -> None:
    done = kolaj("publish", a_file(tmp_path, a_line()), "--check", "--json", KAFKA_BOOTSTRAP="")
    assert done.code == 0
    assert (done.lines[0]["good"], done.lines[0]["published"]) == (1, 0)


async def test_raw_lines_go_out_as_they_are_once_allowed(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics, tmp_path: Path
) -> None:
    raw = {"raw": {"base64": "/wA="}, "key": None, "headers": {"h": "x"}}
    file = a_file(tmp_path, raw, {"raw": None, "key": "k"})
    refused = kolaj("publish", file)
    assert refused.code == 1
    assert "line 1: raw: this line goes out unchecked; allow such lines with --raw" in refused.err
    assert kolaj("publish", file, "--raw").code == 0
    found = {record.key: record for record in await lying(access, topics.payment_commands.name)}
    assert (found[None].value, found[None].headers) == (b"\xff\x00", (("h", b"x"),))
    assert found[b"k"].value is None


async def test_results_show_each_result_once_and_no_other_event(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics
) -> None:
    created, refused = a_payment_created(), a_command_refused()
    first = a_record(topics.payment_events.name, created)
    again = first.with_header("kolaj-republished", b"1")
    others = [a_record(topics.payment_events.name, body) for body in (refused, a_late_outcome())]
    await publish(access, first, *others, again)
    done = kolaj("results", "--json")
    assert done.code == 0, done.err
    assert {line["command_id"]: line["verdict"] for line in done.lines} == {
        str(created.command_id): "accepted",
        str(refused.command_id): "refused",
    }
    table = kolaj("results")
    assert str(created.command_id) in table.out
    assert "2 results" in table.err
    one = kolaj("results", "--command", str(created.command_id), "--follow", "--timeout", "30", "--json")
    assert [line["command_id"] for line in one.lines] == [str(created.command_id)]


async def test_a_command_without_a_result_is_told_by_the_exit_code(kolaj: Kolaj) -> None:
    missing = str(new_id())
    assert kolaj("results", "--command", missing).code == 1
    waited = kolaj("results", "--command", missing, "--follow", "--timeout", "0.5")
    assert waited.code == 1
    assert "nothing more came within 0.5 s" in waited.err


async def test_replay_writes_exactly_what_lies_there(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics, tmp_path: Path
) -> None:
    name = topics.payment_events.name
    sent = [
        Outgoing(name, b"k", '{"a": 1.50, "b": "ı"}'.encode(), (("h", b"1"), ("h", b"\xff"))),
        Outgoing(name, b"k", None, ()),
        Outgoing(name, b"\xfe", b"\x00\xff", ()),
        Outgoing(name, b"other", b"", ()),
    ]
    await publish(access, *sent)
    out = tmp_path / "log.jsonl"
    done = kolaj("replay", "--out", str(out), "--json")
    assert (done.code, done.lines[0]["records"]) == (0, 4)
    assert os.listdir(tmp_path) == ["log.jsonl"]  # noqa: PTH208 - it is what blocks least
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    at = {(record.partition, record.offset): record for record in await lying(access, name)}
    assert [(line["partition"], line["offset"]) for line in written] == sorted(at)
    by_value = {json.dumps(line["value"]): line for line in written}
    assert by_value[json.dumps('{"a": 1.50, "b": "ı"}')]["headers"] == [["h", "1"], ["h", {"base64": "/w=="}]]
    assert by_value["null"]["key"] == "k"
    assert by_value['{"base64": "AP8="}']["key"] == {"base64": "/g=="}
    assert kolaj("replay").out == out.read_text(encoding="utf-8")
    assert len(kolaj("replay", "--key", "other", "--topic", name).lines) == 1


async def test_replay_takes_moments_and_offsets_and_refuses_others(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics
) -> None:
    await publish(access, *[Outgoing(topics.payment_events.name, b"k", b"v", ())] * 3)
    assert len(kolaj("replay", "--from", "1").lines) == 2
    assert len(kolaj("replay", "--from", "2020-01-01T00:00:00Z").lines) == 3
    assert kolaj("replay", "--to", "2020-01-01T00:00:00+03:00").lines == []
    refused = kolaj("replay", "--from", "2020-01-01T00:00:00")
    assert refused.code == 2
    assert "has no offset" in refused.err


async def test_dead_letters_are_listed_shown_and_sent_again(kolaj: Kolaj, access: KafkaAccess, topics: Topics) -> None:
    commands = topics.payment_commands.name
    original = RawRecord(commands, 1, 7, 0, b"k", b"not json", (("ce_id", b"1"), ("tenant", b"4")))
    await publish(access, dead_letter(topics.dead_letters, original, UnreadableRecord("not_json", "", "send JSON")))
    (listed,) = kolaj("dead-letters", "list", "--json").lines
    assert (listed["reason"], listed["topic"], listed["offset"], listed["attempts"]) == ("not_json", commands, 7, 1)
    assert "send JSON" in kolaj("dead-letters", "list").out
    (shown,) = kolaj("dead-letters", "show", listed["place"], "--json").lines
    assert shown["record"]["value"] == "not json"
    requests = set()
    for count in range(2):  # each request is a new attempt
        (sent,) = kolaj("dead-letters", "requeue", listed["place"], "--json").lines
        requests.add(sent["request_id"])
        back = await read_at(access, sent["topic"], sent["partition"], sent["offset"])
        assert back is not None
        assert (back.value, back.text("tenant"), back.text("kolaj-requeued")) == (b"not json", "4", "1")
        assert len(await lying(access, commands)) == count + 1
    assert len(requests) == 2
    (fresh,) = kolaj("dead-letters", "requeue", listed["place"], "--new-id", "--json").lines
    again = await read_at(access, fresh["topic"], fresh["partition"], fresh["offset"])
    assert again is not None
    assert (again.text("ce_id"), again.text("ce_retryof")) == (fresh["command_id"], "1")


async def test_what_was_given_up_is_sent_once_as_new_commands_and_by_integration(
    kolaj: Kolaj, access: KafkaAccess, topics: Topics
) -> None:
    error = UnreadableRecord("gave_up", "", "could not be sent for a day")
    commands = topics.payment_commands.name
    for offset, name in enumerate(("iyzico-a", "iyzico-b", "iyzico-a", "iyzico-a")):
        record = RawRecord(commands, 1, offset, 5_000, b"k%d" % offset, b"{}", (("ce_id", b"%d" % offset),))
        await publish(access, dead_letter(topics.dead_letters, record, error, integration_id=name))
    unread = RawRecord(commands, 1, 9, 5_000, b"k", b"not json", ())
    await publish(access, dead_letter(topics.dead_letters, unread, UnreadableRecord("not_json", "", "send JSON")))
    wanted = ("dead-letters", "requeue", "--all", "--reason", "gave_up", "--integration", "iyzico-a", "--json")
    first = kolaj(*wanted, "--limit", "2")
    assert (len(first.lines), "more than 2 are there" in first.err) == (2, True)
    rest = kolaj(*wanted)
    assert (rest.code, len(rest.lines), "1 sent, 2 were sent before" in rest.err) == (0, 1, True)
    back = {record.text("ce_retryof"): record for record in await lying(access, commands)}
    assert set(back) == {"0", "2", "3"}
    assert {record.text("ce_id") for record in back.values()} == {
        line["command_id"] for line in [*first.lines, *rest.lines]
    }
    assert kolaj(*wanted).lines == []
    again = kolaj(*wanted, "--again").lines
    assert len({line["command_id"] for line in again} | {record.text("ce_id") for record in back.values()}) == 6
    refused = kolaj("dead-letters", "requeue", again[0]["place"])
    assert (refused.code, "was sent again already" in refused.err) == (1, True)
    assert kolaj("dead-letters", "requeue", again[0]["place"], "--again").code == 0


@pytest.mark.parametrize("arguments", [(), ("--all",), ("0/0", "--all", "--reason", "gave_up")])
async def test_a_requeue_says_which_or_all_of_a_reason(kolaj: Kolaj, arguments: tuple[str, ...]) -> None:
    done = kolaj("dead-letters", "requeue", *arguments)
    assert (done.code, "--reason" in done.err) == (2, True)


async def test_a_masked_dead_letter_stays_where_it_is(kolaj: Kolaj, access: KafkaAccess, topics: Topics) -> None:
    original = RawRecord(topics.payment_commands.name, 0, 0, 0, b"k", CARD.encode(), ())
    await publish(access, dead_letter(topics.dead_letters, original, UnreadableRecord("card_number", "value", "no")))
    (listed,) = kolaj("dead-letters", "list", "--json").lines
    done = kolaj("dead-letters", "requeue", listed["place"])
    assert done.code == 1
    assert "held a card number and was masked" in done.err
    assert CARD not in done.out + done.err + kolaj("dead-letters", "show", listed["place"]).out
    assert await lying(access, topics.payment_commands.name) == []


@pytest.mark.parametrize(("place", "says"), [("7", "is no place"), ("0/99", "no dead letter lies at 0/99")])
async def test_a_place_where_nothing_lies_is_told(kolaj: Kolaj, place: str, says: str) -> None:
    done = kolaj("dead-letters", "show", place)
    assert (done.code, says in done.err) == (1, True)


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, 3, "Kafka at 127.0.0.1:1 does not answer"),
        ({"KAFKA_BOOTSTRAP": ""}, 4, "KAFKA_BOOTSTRAP is not set"),
        ({"KOLAJ_TOPIC_PREFIX": "nowhere"}, 4, "topic nowhere.payments.commands does not exist"),
        ({"KOLAJ_PARTITIONS": "x"}, 4, "KOLAJ_PARTITIONS: "),
    ],
)
async def test_usual_mistakes_end_in_one_sentence_and_a_code(
    kolaj: Kolaj, tmp_path: Path, environment: dict[str, str], code: int, says: str
) -> None:
    done = kolaj("publish", a_file(tmp_path, a_line()), **environment)
    assert done.code == code
    assert done.err.startswith(f"kolaj: {says}")
    assert len(done.err.splitlines()) == 1


async def test_a_file_that_is_not_there_is_told(kolaj: Kolaj) -> None:
    done = kolaj("publish", "nowhere.jsonl")
    assert done.code == 1
    assert "nowhere.jsonl cannot be read: No such file or directory; name a file of JSON lines" in done.err


async def test_a_reader_that_leaves_ends_it_without_a_word(access: KafkaAccess, topics: Topics) -> None:
    await publish(access, *[Outgoing(topics.payment_events.name, b"k", b"v" * 10_000, ())] * 200)
    command = f"{sys.executable} -m infra.cli replay | head -c 10; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "KAFKA_BOOTSTRAP": access.bootstrap, "KOLAJ_TOPIC_PREFIX": topics.prefix}
    done = subprocess.run(  # noqa: ASYNC221, S603 - the broker is another process
        ["/bin/bash", "-c", command], env=environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
