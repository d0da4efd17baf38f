"""Commands that name no integration, on a running hub with two providers and one that is down."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.sandbox.iyzico import FaultKind, FaultOrder
from schemas.ids import new_id
from schemas.payments import CommandRefused, CreatePayment, PaymentCreated, PaymentRefunded
from schemas.routing import Routed
from tests.acceptance.orders import Orders, a_payment
from tests.builders import a_refund_payment, lira
from tests.hub import INTEGRATION, Hub, running_hub

OTHER: Final = "iyzico-other"
BUSY: Final = "iyzico-busy"
DOWN: Final = "iyzico-down"


def a_rule(owner: str, first: str, *fallback: str) -> dict[str, Any]:
    return {
        "rule_id": f"of-{owner}",
        "priority": 1,
        "when": {"owners": [owner]},
        "choices": [{"integration_id": first, "weight": 1}],
        "fallback": fallback,
    }


RULES: Final = [
    a_rule("healthy", INTEGRATION, OTHER),
    a_rule("busy", BUSY, OTHER),
    a_rule("first-down", DOWN, OTHER),
]


@pytest_asyncio.fixture(scope="module")
async def hub(stack: LocalStack, database_url: str, topic_prefix: str, port: int) -> AsyncIterator[Hub]:
    async with running_hub(
        stack.bootstrap,
        database_url,
        topic_prefix,
        integrations=(INTEGRATION, OTHER, BUSY),
        base_urls={DOWN: f"http://127.0.0.1:{port}"},
        absence_s=3,
        overrides={"KOLAJ_ROUTING": json.dumps(RULES)},
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults(hub: Hub) -> None:
    for sandbox in hub.sandboxes.values():
        sandbox.faults.clear()


def for_owner(owner: str, **changed: Any) -> CreatePayment:
    return a_payment(integration_id=None, owner=owner, order_id=f"order-{new_id()}", **changed)


def booked(hub: Hub, command: CreatePayment) -> dict[str, int]:
    """How often each provider charged this order."""
    return {
        name: sum(entry.basket_id == command.order_id for entry in sandbox.books.entries() if not entry.error_code)
        for name, sandbox in hub.sandboxes.items()
    }


async def test_the_choice_and_why_stand_on_the_result_and_later_commands_go_where_it_was_created(hub: Hub) -> None:
    command = for_owner("healthy")

    created, refunded = await Orders(hub).results(command, a_refund_payment(command.payment_id, lira("2.50")))

    assert isinstance(created, PaymentCreated)
    assert created.routing == Routed(
        rule_id="of-healthy", integration_id=INTEGRATION, why="drawn by rule of-healthy", fallback_of=()
    )
    assert isinstance(refunded, PaymentRefunded)
    assert refunded.performed is not None
    assert (refunded.performed.integration_id, refunded.routing) == (INTEGRATION, None)
    assert booked(hub, command) == {INTEGRATION: 1, OTHER: 0, BUSY: 0}


async def test_a_command_that_names_its_integration_is_not_routed(hub: Hub) -> None:
    command = for_owner("healthy").model_copy(update={"integration_id": OTHER})
    result = await Orders(hub).result(command)
    assert (result.verdict, result.routing) == ("accepted", None)
    assert booked(hub, command) == {INTEGRATION: 0, OTHER: 1, BUSY: 0}


async def test_a_fallback_performs_once_what_the_first_could_not_be_told(hub: Hub) -> None:
    orders = Orders(hub)
    commands = [for_owner("first-down") for _ in range(6)]

    results = await orders.results(*commands)

    assert {type(result) for result in results} == {PaymentCreated}
    assert [booked(hub, command)[OTHER] for command in commands] == [1] * 6
    for result in results:
        assert result.performed.integration_id == OTHER
        assert (result.routing.rule_id, result.routing.fallback_of) == ("of-first-down", (DOWN,))
        assert result.routing.why.startswith("fallback of rule of-first-down; iyzico-down was passed over: ")
    tried = next(result for result in results if result.routing.why.endswith("it could not be reached"))
    assert tried.attempts == 2, "the one that nobody took was opened before it"

    # By now the breaker is open, so that the dead one is not even tried.
    passed_over = await orders.result(for_owner("first-down"))
    assert passed_over.routing.why.endswith("iyzico-down was passed over: calls to it are paused")
    assert passed_over.attempts == 1


async def test_one_whose_limit_is_reached_is_followed_by_the_fallback(hub: Hub) -> None:
    hub.sandboxes[BUSY].faults.order(FaultOrder(FaultKind.TOO_MANY, "/payment/auth"))
    command = for_owner("busy")

    result = await Orders(hub).result(command)

    assert isinstance(result, PaymentCreated)
    assert result.routing is not None
    assert result.routing.fallback_of == (BUSY,)
    assert booked(hub, command) == {INTEGRATION: 0, OTHER: 1, BUSY: 0}


async def test_a_declined_card_is_an_answer_and_no_reason_for_a_fallback(hub: Hub) -> None:
    command = for_owner("healthy", card="card-declined-10051")

    result = await Orders(hub).result(command)

    assert isinstance(result, CommandRefused)
    assert result.routing is not None
    assert (result.routing.integration_id, result.routing.fallback_of) == (INTEGRATION, ())
    assert booked(hub, command) == {INTEGRATION: 0, OTHER: 0, BUSY: 0}


@pytest.mark.parametrize("kind", [FaultKind.NEVER, FaultKind.ERROR_AFTER, FaultKind.LATE])
async def test_no_fallback_is_taken_while_the_first_may_have_performed_it(hub: Hub, kind: FaultKind) -> None:
    hub.sandboxes[INTEGRATION].faults.order(FaultOrder(kind, "/payment/auth", count=1, seconds=4))
    command = for_owner("healthy")

    result = await Orders(hub).result(command)

    assert isinstance(result, PaymentCreated)
    assert result.routing is not None
    assert (result.routing.integration_id, result.routing.fallback_of) == (INTEGRATION, ())
    assert booked(hub, command) == {INTEGRATION: 1, OTHER: 0, BUSY: 0}


async def test_no_fallback_is_taken_when_nobody_can_say_whether_it_was_performed(hub: Hub) -> None:
    hub.sandboxes[INTEGRATION].faults.order(FaultOrder(FaultKind.RESET_BEFORE, "/payment/auth", count=1))
    command = for_owner("healthy")

    result = await Orders(hub).result(command)

    assert result.verdict == "unknown"
    assert (result.performed.integration_id, result.routing.integration_id) == (INTEGRATION, INTEGRATION)
    assert booked(hub, command) == {INTEGRATION: 0, OTHER: 0, BUSY: 0}
