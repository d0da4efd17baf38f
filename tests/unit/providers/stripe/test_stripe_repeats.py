"""A Stripe that keeps its keys: an answer is lost, the attempt is asked about, sent again, and there is one payment."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio
from aiohttp import web

from providers.exchange import Prepared
from providers.outcome import Outcome, Sighting
from providers.payments.stripe import CONNECTOR
from schemas.errors import OutcomeUnknown
from schemas.payments import CreatePayment
from schemas.verdicts import Verdict
from tests.conformance.far_side import answering, resetting
from tests.conformance.line import Line, a_line
from tests.conformance.samples import a_command
from tests.stripe_calls import CARD, an_attempt, an_error, an_intent

CREATE = CONNECTOR.operation_for(CreatePayment)
COMMAND = a_command(CreatePayment, method=CARD)


@dataclass(slots=True)
class KeyKeeper:
    """Creations by their keys, and the intents that were made. The list of them is as late as `listed` says."""

    loses_answers: int = 0
    listed: bool = True
    kept: dict[str, tuple[bytes, int, dict[str, Any]]] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, far: Any, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return await self._told(far, request, 200, {"object": "list", "data": self.made if self.listed else []})
        key, body = request.headers["Idempotency-Key"], far.received[-1][2]
        if key not in self.kept:
            said = dict(parse_qsl(body.decode()))
            intent = an_intent(
                minor=int(said["amount"]),
                id=f"pi_{len(self.made) + 1}",
                metadata={"kolaj_reference": said["metadata[kolaj_reference]"]},
            )
            self.made.append(intent)
            self.kept[key] = (body, 200, intent)
        first, status, answer = self.kept[key]
        if first != body:
            return await self._told(far, request, 400, an_error(None, "idempotency_error"))
        if self.loses_answers:
            self.loses_answers -= 1
            return await resetting(far, request)
        return await self._told(far, request, status, answer)

    async def _told(self, far: Any, request: Any, status: int, body: dict[str, Any]) -> web.StreamResponse:
        return await answering(status, json.dumps(body).encode())(far, request)


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    async with a_line() as made:
        yield made


def _prepared(line: Line, reference: str = "k0laj0001", **said: Any) -> Prepared:
    assert CREATE is not None
    attempt = replace(an_attempt(CreatePayment), reference=reference)
    command = COMMAND.model_copy(update=said)
    return line.caller.prepare(line.integration(CONNECTOR), CREATE, command, attempt)


async def _sent(line: Line, prepared: Prepared) -> Outcome:
    return await line.caller.send(prepared, deadline_s=20)


async def _asked(line: Line, prepared: Prepared) -> Sighting:
    assert CREATE is not None
    integration, attempt = prepared.integration, prepared.attempt
    found = await line.caller.inquire(integration, CREATE, prepared.command, attempt, deadline_s=20)
    return found.sighting


async def test_what_is_lost_and_not_listed_yet_is_sent_again_and_charged_once(line: Line) -> None:
    there = KeyKeeper(loses_answers=1, listed=False)
    line.behaving(there)
    with pytest.raises(OutcomeUnknown):
        await _sent(line, _prepared(line))
    assert await _asked(line, _prepared(line)) is Sighting.ABSENT
    again = await _sent(line, _prepared(line))
    assert (again.verdict, again.reference) == (Verdict.ACCEPTED, "pi_1")
    assert len(there.made) == 1


async def test_what_is_lost_and_listed_is_found_and_not_sent_again(line: Line) -> None:
    there = KeyKeeper(loses_answers=1)
    line.behaving(there)
    with pytest.raises(OutcomeUnknown):
        await _sent(line, _prepared(line))
    assert await _asked(line, _prepared(line)) is Sighting.CONCLUDED
    assert [method for method, _, _ in line.far.received] == ["POST", "GET"]


async def test_another_attempt_is_another_payment_and_neither_is_taken_for_the_other(line: Line) -> None:
    there = KeyKeeper()
    line.behaving(there)
    first, second = [await _sent(line, _prepared(line, reference)) for reference in ("k0laj0001", "k0laj0002")]
    assert (first.reference, second.reference) == ("pi_1", "pi_2")
    assert await _asked(line, _prepared(line, "k0laj0003")) is Sighting.ABSENT


async def test_other_words_under_the_same_key_are_asked_about_since_the_first_were_performed(line: Line) -> None:
    there = KeyKeeper()
    line.behaving(there)
    await _sent(line, _prepared(line))
    other = _prepared(line, order_id="order-1002")
    with pytest.raises(OutcomeUnknown):
        await _sent(line, other)
    assert await _asked(line, other) is Sighting.CONCLUDED
    assert len(there.made) == 1
