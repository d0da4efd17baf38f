"""Every provider's build functions: pure, signed over what is sent, and silent about what they carry."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from pydantic import SecretStr

from providers.authenticating import authenticate
from providers.caller import Caller
from providers.connector import Attempt, Card, Connector, Operation, Request
from providers.registry import connectors
from schemas.errors import NotSent
from schemas.payments import CreatePayment, Crypto
from schemas.payments.resources import RESOURCE_COMMANDS, ResourceOrder
from tests.builders import a_create_payment, lira
from tests.conformance.samples import (
    CARD,
    COMMAND_ID,
    STATE_FOR,
    a_command,
    a_payment,
    an_integration,
    attempt_for,
    command_for,
    with_a_card,
)


def _operations(of: Callable[[Connector, Operation[Any, Any]], bool]) -> list[Any]:
    return [
        pytest.param(connector, operation, id=f"{connector.name}/{operation.name}")
        for connector in connectors().values()
        for operation in connector.operations
        if of(connector, operation)
    ]


def _is_named(connector: Connector, operation: Operation[Any, Any]) -> bool:
    """Whether it carries our name for the attempt; an order about a resource need not."""
    if not issubclass(operation.command, ResourceOrder):
        return operation.moves_money
    attempt = attempt_for(connector, operation)
    return attempt.reference.encode() in operation.build(command_for(connector, operation), attempt).body


OPERATIONS = _operations(lambda _connector, _operation: True)
TAKERS = [pytest.param(c, id=c.name) for c in connectors().values() if c.operation_for(CreatePayment) is not None]


@pytest.fixture
def caller() -> Caller:
    return Caller(on_exchange=lambda _: None, on_breaker=lambda _: None)


def _prepared(caller: Caller, connector: Connector, operation: Operation[Any, Any], number: int = 1) -> Any:
    command = command_for(connector, operation)
    return caller.prepare(an_integration(connector), operation, command, attempt_for(connector, operation, number))


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
def test_building_twice_gives_the_same_bytes(
    caller: Caller, connector: Connector, operation: Operation[Any, Any]
) -> None:
    first, second = (_prepared(caller, connector, operation) for _ in range(2))
    assert (first.request, first.digest) == (second.request, second.digest)


@pytest.mark.parametrize(("connector", "operation"), _operations(_is_named))
def test_another_attempt_has_another_request(
    caller: Caller, connector: Connector, operation: Operation[Any, Any]
) -> None:
    digests = {_prepared(caller, connector, operation, number).digest for number in (1, 2, 3)}
    assert len(digests) == 3


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
def test_the_template_names_no_identifier(connector: Connector, operation: Operation[Any, Any]) -> None:
    attempt = attempt_for(connector, operation)
    request = operation.build(command_for(connector, operation), attempt)
    assert request.template.startswith("/")
    assert attempt.reference not in request.template
    assert (attempt.payment.provider_reference or "none") not in request.template
    assert attempt.resource is None or (attempt.resource.provider_reference or "none") not in request.template


@pytest.mark.parametrize(("connector", "operation"), _operations(lambda connector, _: connector.signs_body))
def test_a_signature_covers_every_byte_of_the_body(connector: Connector, operation: Operation[Any, Any]) -> None:
    request = operation.build(command_for(connector, operation), attempt_for(connector, operation))
    credentials = an_integration(connector).credentials
    other = Request(request.method, request.path, request.body + b" ", request.query, request.headers)
    assert connector.sign(request, credentials, "n0nce") == connector.sign(request, credentials, "n0nce")
    assert connector.sign(request, credentials, "n0nce") != connector.sign(other, credentials, "n0nce")


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
def test_signing_twice_gives_the_same_bytes(connector: Connector, operation: Operation[Any, Any]) -> None:
    request = operation.build(command_for(connector, operation), attempt_for(connector, operation))
    credentials = an_integration(connector).credentials
    first, second = (authenticate(connector, request, credentials, "n0nce") for _ in range(2))
    assert first == second
    assert not [secret for secret in credentials.values() if secret.get_secret_value() in repr(first)]


@pytest.mark.parametrize(("connector", "operation"), OPERATIONS)
def test_neither_person_nor_secret_stands_in_a_repr(
    caller: Caller, connector: Connector, operation: Operation[Any, Any]
) -> None:
    prepared = _prepared(caller, connector, operation)
    shown = repr(prepared) + str(prepared)
    for secret in ("isil@example.com", "74300864791", "tok-Zq7", "cust-Zq8", "Kadıköy", "0123456789abcdef"):
        assert secret not in shown


def _card_takers() -> list[Any]:
    return [pytest.param(c, id=c.name) for c in connectors().values() if "card_ref" in c.methods]


@pytest.mark.parametrize("connector", _card_takers())
def test_a_card_shows_neither_in_a_repr_nor_in_the_digest(caller: Caller, connector: Connector) -> None:
    operation = connector.operation_for(CreatePayment)
    assert operation is not None
    command, integration = with_a_card(), an_integration(connector)
    cards = [
        Card(SecretStr(number), CARD.holder, CARD.expiry_month, CARD.expiry_year)
        for number in ("5526080000000006", "4603450000000000")
    ]
    attempts = [Attempt(COMMAND_ID, 1, "k0laj0001", a_payment(), lira("12.50"), card) for card in cards]
    one, other = (caller.prepare(integration, operation, command, attempt) for attempt in attempts)
    assert "5526080000000006" not in repr(one)
    assert b"5526080000000006" in one.request.body
    assert one.digest == other.digest


@pytest.mark.parametrize("connector", _card_takers())
def test_a_card_that_is_gone_is_refused_before_anything_is_sent(caller: Caller, connector: Connector) -> None:
    operation = connector.operation_for(CreatePayment)
    assert operation is not None
    with pytest.raises(NotSent, match="vault") as refused:
        caller.prepare(an_integration(connector), operation, with_a_card(), attempt_for(connector, operation))
    assert refused.value.reason == "card_expired"


@pytest.mark.parametrize("connector", TAKERS)
def test_a_method_that_is_not_offered_is_refused_before_anything_is_sent(caller: Caller, connector: Connector) -> None:
    operation = connector.operation_for(CreatePayment)
    assert operation is not None
    assert "crypto" not in connector.methods
    command = a_create_payment(method=Crypto(kind="crypto", return_url="https://shop.example/back"))
    with pytest.raises(NotSent) as refused:
        caller.prepare(an_integration(connector), operation, command, attempt_for(connector, operation))
    assert refused.value.reason == "unsupported_method"


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
def test_a_command_without_an_operation_is_refused_before_anything_is_sent(
    caller: Caller, connector: Connector
) -> None:
    lacking = [kind for kind in (*STATE_FOR, *RESOURCE_COMMANDS) if connector.operation_for(kind) is None]
    for kind, operation in product(lacking, connector.operations):
        with pytest.raises(NotSent) as refused:
            caller.prepare(an_integration(connector), operation, a_command(kind), attempt_for(connector, operation))
        assert refused.value.reason == "unsupported_operation", kind
    assert lacking


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
def test_missing_credentials_are_named_before_anything_is_sent(caller: Caller, connector: Connector) -> None:
    operation = connector.operations[0]
    bare = an_integration(connector)
    bare = type(bare)(bare.id, connector, bare.environment, bare.base_url, {})
    with pytest.raises(NotSent, match=" and ".join(connector.credentials)):
        caller.prepare(bare, operation, command_for(connector, operation), attempt_for(connector, operation))


def test_connectors_promise_no_repetition_without_a_documented_key() -> None:
    for connector in connectors().values():
        for operation in connector.operations:
            assert operation.resend_after_absence_s is None
            asked = operation.inquiry is not None or operation.repeatable_for_s is not None
            # A link that nobody was told of moves nothing: where it cannot be asked about, its end may stay unknown.
            assert not operation.moves_money or asked or issubclass(operation.command, ResourceOrder)
            assert operation.absence_window_s >= 60
