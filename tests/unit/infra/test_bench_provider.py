import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import SecretStr

from infra.bench.load import INTEGRATION, an_order, commands, fresh_ids, requests, whole_lives
from infra.bench.naive import Command, request_of
from infra.bench.provider import Answers, Connection
from infra.bench.sizes import FULL, TINY
from infra.sandbox.iyzico.signing import DEFAULT_KEYS
from providers.connector import Answer, Attempt, Integration, Request
from providers.exchange import Prepared
from providers.judging import Asked, judge_outcome
from providers.payments.iyzico import CONNECTOR
from providers.preparing import prepare
from providers.reading import parse_json
from schemas.payments import PAYMENT_COMMANDS, PAYMENT_EVENTS, CreatePayment, Payment
from schemas.provider_calls import ProviderCalled
from schemas.verdicts import Verdict
from streams.codec import decode
from streams.publisher import partition_of
from streams.topics import Topics
from tests.builders import NOON

KEYS = {"api_key": SecretStr(DEFAULT_KEYS.api_key), "secret_key": SecretStr(DEFAULT_KEYS.secret_key)}
ACCOUNT = Integration(INTEGRATION, CONNECTOR, "sandbox", "http://127.0.0.1:1", KEYS)
OPERATION = next(one for one in CONNECTOR.operations if one.command is CreatePayment)
PAYMENT = UUID("0190163d-8694-739b-aea5-966c26f8ad99")


def prepared(reference: str) -> Prepared:
    order = an_order(PAYMENT)
    return prepare(
        ACCOUNT, OPERATION, order, Attempt(PAYMENT, 1, reference, Payment(payment_id=PAYMENT), order.paid_price)
    )


@pytest.mark.parametrize("reference", ["a1", "b2" * 30])
def test_the_connector_takes_the_canned_answer_for_a_payment_taken(reference: str) -> None:
    ready = prepared(reference)
    body = Answers().to(ready.request.body)
    answer = Answer(200, {"content-type": "application/json"}, body, parse_json(body))
    asked = Asked(
        integration=ACCOUNT,
        operation="create",
        request=ready.request,
        now=NOON,
        command=ready.command,
        attempt=ready.attempt,
    )
    outcome = judge_outcome(asked, OPERATION, answer)
    assert (outcome.verdict, str(outcome.amount)) == (Verdict.ACCEPTED, str(ready.attempt.amount))


def test_each_answer_is_another_payment_under_a_signature_of_its_own() -> None:
    answers = Answers()
    bodies = [json.loads(answers.to(prepared(reference).request.body)) for reference in ("a1", "a2")]
    assert [body["conversationId"] for body in bodies] == ["a1", "a2"]
    assert bodies[0]["paymentId"] != bodies[1]["paymentId"]
    assert bodies[0]["signature"] != bodies[1]["signature"]


def test_an_answer_that_is_changed_is_not_trusted() -> None:
    ready = prepared("a1")
    body = Answers().to(ready.request.body).replace(b'"paidPrice":349.90', b'"paidPrice":349.91', 1)
    distrust = CONNECTOR.verify(ready.request, Answer(200, {}, body, parse_json(body)), KEYS)
    assert distrust is not None


def test_a_health_check_is_answered() -> None:
    probe = CONNECTOR.probe
    body = Answers().to(probe.request.body)
    assert probe.read(Answer(200, {}, body, parse_json(body)), "sandbox", {}) is None


class _Wire:
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


def _said(request: Request) -> bytes:
    return b"POST /payment/auth HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n" % len(request.body) + request.body


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
def test_requests_are_read_however_they_arrive(size: int) -> None:
    wire, connection = _Wire(), Connection(Answers(), 0.0)
    connection.connection_made(wire)
    whole = b"".join(_said(prepared(reference).request) for reference in ("a1", "a2", "a3"))
    for start in range(0, len(whole), size):
        connection.data_received(whole[start : start + size])
    assert wire.written.count(b"HTTP/1.1 200") == 3
    heads = [part.split(b"\r\n\r\n")[0] for part in wire.written.split(b"HTTP/1.1 ")[1:]]
    assert all(b"Content-Length: " in head for head in heads)


def test_the_bare_loop_sends_what_the_connector_builds() -> None:
    row = next(requests("t", 6, 1))
    built = json.loads(prepared("x").request.body)
    assert json.loads(row[3]) | {"conversationId": "x"} == built


def test_commands_are_read_like_any_other() -> None:
    topics = Topics()
    models = {model.type: model for model in PAYMENT_COMMANDS}
    for topic, partition, key, value, headers in commands(topics, fresh_ids(3, topics.partitions)):
        incoming = decode(models, key, value, headers)
        assert topic == topics.payment_commands.name
        assert partition == partition_of(key, topics.partitions)
        assert isinstance(incoming.body, CreatePayment)


def test_the_naive_agent_understands_the_same_commands() -> None:
    topics = Topics()
    row = next(commands(topics, fresh_ids(1, topics.partitions)))
    request = request_of(Command.model_validate_json(row[3]))
    assert request["paidPrice"] == "349.90"
    assert json.loads(Answers().to(json.dumps(request, separators=(",", ":")).encode()))["status"] == "success"


def _rows() -> Iterator[tuple[str, bytes, bytes, list[tuple[str, bytes]]]]:
    for topic, _, key, value, headers in whole_lives(Topics(), 2):
        yield topic, key, value, headers


def test_a_prepared_log_holds_four_readable_records_for_each_command() -> None:
    topics = Topics()
    models = {model.type: model for model in (*PAYMENT_COMMANDS, *PAYMENT_EVENTS, ProviderCalled)}
    found = [
        (topic, decode(models, key, value, headers))
        for topic, key, value, headers in _rows()
        if topic != topics.intents.name
    ]
    assert len(list(_rows())) == 8
    assert [topic for topic, _ in found[:3]] == [
        topics.payment_commands.name,
        topics.provider_calls.name,
        topics.payment_events.name,
    ]
    assert len({incoming.envelope.id for _, incoming in found}) == len(found)


def test_few_payments_may_share_a_long_backlog() -> None:
    ids = list(fresh_ids(10, 6, payments=3))
    assert len({one.payment for one in ids}) == 3
    assert len({one.command for one in ids}) == 10


def test_a_tiny_run_is_a_full_one_in_small() -> None:
    assert replace(TINY, rounds=FULL.rounds).bare < FULL.bare
