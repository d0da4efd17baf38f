"""One file of a shop's commands, published unchanged for every gateway: the same results, the same money."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from infra.local import LocalStack
from infra.local.process import free_ports
from providers.registry import connectors
from schemas.payments.vocabulary import COMMANDS
from schemas.webhooks import WebhookReceived
from tests.acceptance.gateways import Booked, Gateway, a_paypal, a_paytr, a_stripe, an_iyzico
from tests.acceptance.scripted import Played, play, read_script
from tests.acceptance.shop_day import ShopDay
from tests.api_server import running_api
from tests.hub import Hub, running_hub
from tests.hub_environment import accounts

SCRIPT: Final = read_script("four_gateways")
README: Final = Path(__file__).parent / "scenarios" / "README.md"
MARKS: Final = ("<!-- what they lack: begin -->\n", "<!-- what they lack: end -->\n")
GATEWAYS: Final = {"iyzico": an_iyzico, "paytr": a_paytr, "stripe": a_stripe, "paypal": a_paypal}
UNSUPPORTED: Final = frozenset({"unsupported_operation", "unsupported_method"})
FINER: Final[Mapping[str, frozenset[str]]] = {
    "iyzico": frozenset(),
    # Of its creations PayTR has those that are taken at once.
    "paytr": frozenset({"authorise", "authorise once more"}),
    "stripe": frozenset(),
    # Nobody subscribes there without PayPal's page.
    "paypal": frozenset({"subscribe with the customer's card"}),
}
"""Steps whose command a gateway has, though not in the way that they ask for."""
LACKING: Final[Mapping[str, Mapping[str, str]]] = {
    "iyzico": {},
    "paytr": {
        "authorise": "unsupported_operation",
        "capture a part": "payment_not_found",
        "refund a part of what was captured": "payment_not_found",
        "cancel the rest": "payment_not_found",
        "authorise once more": "unsupported_operation",
        "let the hold go": "payment_not_found",
        "store a card": "unsupported_operation",
        "create a product": "unsupported_operation",
        "create a plan": "unsupported_operation",
        "subscribe": "unsupported_operation",
        "ask how the subscription stands": "resource_not_found",
        "cancel the subscription": "resource_not_found",
        "subscribe with the customer's card": "unsupported_operation",
        "cancel that one too": "resource_not_found",
    },
    "stripe": {},
    "paypal": {
        "subscribe with the customer's card": "unsupported_method",
        "cancel that one too": "resource_not_found",
    },
}
"""Steps that a gateway does not have, or that are about what one of those was to make, and why they are refused.

Every other step ends at every gateway as the file says.
"""
Running = Mapping[str, tuple[Gateway, ShopDay]]


@dataclass(frozen=True)
class Day:
    """What the scenario came to at one gateway: `totals` are those of the hub's tables, by payment."""

    hub: Hub
    gateway: Gateway
    played: Played
    totals: Mapping[str, Mapping[str, int]]

    @property
    def lacking(self) -> Mapping[str, str]:
        return LACKING[self.gateway.provider]


@pytest_asyncio.fixture(scope="module")
async def days(stack: LocalStack, database_url: str, topic_prefix: str) -> AsyncIterator[Running]:
    """One hub that has an account at each gateway, and is called by all of them."""
    (port,) = free_ports(1)
    async with AsyncExitStack() as running:
        started = [await running.enter_async_context(start(f"http://127.0.0.1:{port}")) for start in GATEWAYS.values()]
        settings = accounts(*(gateway.account for gateway in started))
        hub = await running.enter_async_context(
            running_hub(stack.bootstrap, database_url, topic_prefix, overrides=settings)
        )
        api = await running.enter_async_context(running_api(hub.settings, port=port))
        yield {gateway.provider: (gateway, ShopDay(hub, api, gateway.integration)) for gateway in started}


@pytest_asyncio.fixture(scope="module", params=GATEWAYS)
async def day(days: Running, request: pytest.FixtureRequest) -> Day:
    gateway, shop = days[request.param]
    played = await play(SCRIPT, shop.hub, partial(gateway.word, day=shop), gateway.agree)
    await shop.hub.caught_up()
    return Day(shop.hub, gateway, played, await _totals(shop.hub, played, gateway.currency))


async def _totals(hub: Hub, played: Played, currency: str) -> dict[str, dict[str, int]]:
    await hub.projected()
    statement = "select currency, authorized, captured, refunded, cancelled from payment_totals where payment_id = $1"
    async with hub.database() as database:
        rows = {name: await database.fetchrow(statement, played.ids[name]) for name in SCRIPT.totals}
    assert {row["currency"] for row in rows.values()} == {currency}
    return {name: {part: int(row[part]) for part in SCRIPT.totals[name]} for name, row in rows.items()}


def test_every_command_ends_as_at_every_other_gateway(day: Day) -> None:
    refused = {
        step.name: (_refusal_type(step.type), day.lacking[step.name])
        for step in SCRIPT.commands
        if step.name in day.lacking
    }
    assert day.played.sequence == {step.name: step.ends for step in SCRIPT.commands} | refused


def test_what_a_gateway_lacks_is_refused_before_anything_is_sent(day: Day) -> None:
    called = {call.command_id for call in day.hub.calls}
    for name in day.lacking:
        assert day.played.results[name].attempts == 0, name
        assert day.played.command_ids[name] not in called, name


def test_the_tables_hold_the_same_money_for_every_gateway(day: Day) -> None:
    nothing = dict.fromkeys(next(iter(SCRIPT.totals.values())), 0)
    made = {name for name in SCRIPT.totals if _creation_of(name) not in day.lacking}
    assert day.totals == {name: dict(expected) if name in made else nothing for name, expected in SCRIPT.totals.items()}


def test_the_gateways_own_books_agree_with_the_tables(day: Day) -> None:
    for name, told in day.totals.items():
        created = day.played.results[_creation_of(name)]
        if created.verdict != "accepted":
            continue
        given_back = told["refunded"] + (told["cancelled"] if told["captured"] else 0)
        in_the_books = day.gateway.booked(created.performed.provider_reference)
        assert in_the_books == [Booked(told["captured"], told["captured"] - given_back)], name


def test_the_gateways_calls_contradict_nothing(day: Day) -> None:
    called = [one for one in day.hub.webhooks if isinstance(one, WebhookReceived)]
    assert day.gateway.integration in {one.integration_id for one in called}
    mine = set(day.played.ids.values())
    told = [event for event in day.hub.events if getattr(event, "payment_id", None) in mine]
    assert [event for event in told if getattr(event, "contradicts", False)] == []
    assert day.hub.dead == []


@pytest.mark.parametrize("provider", GATEWAYS)
def test_what_is_unsupported_is_what_a_connector_does_not_declare(provider: str) -> None:
    declared = {operation.command.type for operation in connectors()[provider].operations}
    undeclared = {step.name for step in SCRIPT.commands if step.type not in declared}
    lacking, finer = LACKING[provider], FINER[provider]
    unsupported = {name for name, why in lacking.items() if why in UNSUPPORTED}
    assert undeclared <= lacking.keys()
    assert unsupported - undeclared == finer
    # The others are refused, declared or not, since what they are about was never made.
    about = {step.name: step.about for step in SCRIPT.commands}
    assert {about[name] for name in lacking.keys() - unsupported} <= {about[name] for name in unsupported}


def test_the_readme_shows_what_they_lack() -> None:
    before, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    shown, mark, _ = rest.partition(MARKS[1])
    assert before
    assert mark
    assert shown == _table(), _table()


def _table() -> str:
    columns = list(GATEWAYS)
    lines = [f"| Step | ends as | {' | '.join(columns)} |", "| --- " * (len(columns) + 2) + "|"]
    for step in SCRIPT.commands:
        cells = [f"`{LACKING[name][step.name]}`" if step.name in LACKING[name] else "the same" for name in columns]
        lines.append(f"| {step.name} | `{step.ends[0]}`, {step.ends[1]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _creation_of(payment: str) -> str:
    return next(step.name for step in SCRIPT.commands if step.about == f"{{id:{payment}}}")


def _refusal_type(command_type: str) -> str:
    keyed_by = {model.type: model.keyed_by for model in COMMANDS}[command_type]
    return "payments.refused.v1" if keyed_by == "payment_id" else "payments.resource_refused.v1"
