"""Where a command may go now, and what several answers about one command come to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from agents.delivery import Delivery
from agents.ledger import Ask, Claim, ClaimStatus, SentAttempt
from agents.payments.asking import Asking
from agents.payments.decide import Inquire
from agents.payments.places import Places
from agents.payments.work import Decided, Later, Step, Unperformed, Unsettled, Work
from agents.routing import NOT_READY, Route, Way
from providers.connector import Attempt, Integration
from providers.outcome import Outcome
from providers.registry import connectors
from schemas.errors import NotSent
from schemas.ids import new_id
from schemas.payments import Payment, StoredCard
from schemas.routing import Routed, RoutingRule, Weighted
from schemas.verdicts import Verdict
from streams.records import RawRecord
from tests.builders import a_create_payment, lira

INTEGRATIONS = {
    name: Integration(name, connectors()["iyzico"], "sandbox", "https://x.example", {}) for name in ("a", "b", "c")
}
RULE = RoutingRule(rule_id="r", priority=1, choices=(Weighted(integration_id="a", weight=1),), fallback=("b", "c"))


def sent(number: int, integration_id: str, *, maybe_sent: bool = True) -> SentAttempt:
    routed = Routed(integration_id=integration_id, why=f"as attempt {number}")
    return SentAttempt(number, integration_id, f"ref{number}", "digest", maybe_sent, 10.0, routed)


def a_work(*attempts: SentAttempt, failed: tuple[Unperformed, ...] = (), **changed: Any) -> Work:
    method = StoredCard(kind="stored_card", card_token="t")
    command = a_create_payment(**({"integration_id": None, "method": method} | changed))
    delivery = Delivery(RawRecord("commands", 0, 0, 0, b"", b"", ()), lambda: None)
    claim = Claim(Ask("payments/x", new_id(), "t", b"d"), ClaimStatus.TAKEN, 1, attempts=attempts)
    return Work(delivery, new_id(), command, Payment(payment_id=command.payment_id), claim, "/shop", failed)


def places(paused: Mapping[str, float] | None = None, **changed: Any) -> Places:
    given: dict[str, Any] = {"integrations": INTEGRATIONS, "rules": lambda: (RULE,)}
    return Places(paused_s=lambda integration, _: (paused or {}).get(integration.id, 0.0), **(given | changed))


def way(among: Places, work: Work) -> Way | None:
    found = among.route(work)
    assert isinstance(found, Route)
    return among.way(work, found)


def came_to_nothing(integration_id: str) -> Unperformed:
    attempt = Attempt(new_id(), 1, "ref", Payment(payment_id=new_id()), lira("12.50"))
    failed = NotSent("no", provider="iyzico", operation="create", reason="no_connection")
    return Unperformed(INTEGRATIONS[integration_id], attempt, failed)


# Where to go.


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"stopped": lambda: {"a"}}, "an operator stopped it"),
        ({"paused": {"a": 3.0}}, "calls to it are paused"),
        ({"integrations": {**INTEGRATIONS, "a": replace(INTEGRATIONS["a"], lacks="no credentials yet")}}, NOT_READY),
    ],
)
def test_what_takes_nothing_now_is_passed_over(changed: dict[str, Any], why: str) -> None:
    found = way(places(**changed), a_work())
    assert found is not None
    assert found.routed is not None
    assert (found.integration.id, found.routed.fallback_of) == ("b", ("a",))
    assert found.routed.why.endswith(f"a was passed over: {why}")


def test_what_was_tried_in_vain_is_passed_over() -> None:
    found = way(places(), a_work(failed=(came_to_nothing("a"), came_to_nothing("b"))))
    assert found is not None
    assert found.routed is not None
    assert (found.integration.id, found.routed.fallback_of) == ("c", ("a", "b"))


def test_nothing_is_left_when_all_are_closed_or_were_tried() -> None:
    assert way(places(paused={"b": 1.0, "c": 1.0}), a_work(failed=(came_to_nothing("a"),))) is None


def test_without_a_choice_an_integration_is_tried_whatever_is_known_of_it() -> None:
    found = way(places(paused={"b": 1.0}, stopped=lambda: {"b"}), a_work(integration_id="b"))
    assert found == Way(INTEGRATIONS["b"], None)


def test_a_command_stands_where_it_may_have_been_sent() -> None:
    gone = a_work(sent(1, "a", maybe_sent=False), sent(2, "gone"))
    assert places().of(gone) == "gone"
    assert places().of(a_work(sent(1, "b", maybe_sent=False))) == "a"


def test_what_was_sent_to_a_disabled_integration_can_be_asked_about_and_what_is_gone_cannot() -> None:
    left = {name: INTEGRATIONS[name] for name in ("b", "c")}
    command = a_create_payment()
    found = places(integrations=left, disabled={"a": INTEGRATIONS["a"]}).sent_to(sent(1, "a"), command)
    assert found is not None
    assert found[0].id == "a"
    assert places(integrations=left).sent_to(sent(1, "a"), command) is None


# What several answers come to.


class Answers:
    """Says of each attempt what it is told to."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self.asked: list[tuple[str, str]] = []

    async def inquire(self, _: Work, ask: Inquire, integration: Integration, __: object) -> Step:
        self.asked.append((integration.id, ask.attempt.reference))
        return self._steps[integration.id]

    def nobody_to_ask(self, _: Work, ask: Inquire) -> Step:
        self.asked.append(("nobody", ask.attempt.reference))
        return Later(1.0, "it is gone")


ATTEMPT = Attempt(UUID(int=1), 1, "ref", Payment(payment_id=UUID(int=2)))
ACCEPTED, REFUSED = (
    Decided(Outcome(verdict=verdict), INTEGRATIONS["a"], ATTEMPT) for verdict in (Verdict.ACCEPTED, Verdict.REFUSED)
)
PENDING = replace(ACCEPTED, outcome=Outcome(verdict=Verdict.PENDING))
WAITS, NOBODY_KNOWS = Later(1.0, "not seen"), Unsettled("absent", "b", "iyzico", ATTEMPT)


@pytest.mark.parametrize(
    ("first", "last", "holds"),
    [
        (ACCEPTED, REFUSED, ACCEPTED),
        (ACCEPTED, WAITS, ACCEPTED),
        (PENDING, NOBODY_KNOWS, PENDING),
        (REFUSED, ACCEPTED, ACCEPTED),
        (REFUSED, WAITS, WAITS),
        (REFUSED, NOBODY_KNOWS, NOBODY_KNOWS),
        (WAITS, REFUSED, WAITS),
        (NOBODY_KNOWS, REFUSED, NOBODY_KNOWS),
        (WAITS, NOBODY_KNOWS, WAITS),
        (REFUSED, REFUSED, REFUSED),
    ],
)
async def test_a_refusal_holds_only_when_no_other_send_can_have_been_performed(
    first: Step, last: Step, holds: Step
) -> None:
    performer: Any = Answers({"a": first, "b": last})
    one, two = sent(1, "a"), sent(2, "b")
    found = await Asking(performer, places(), paused_wait_s=10).ask(
        a_work(one, two), Inquire(two, None, resend=False, earlier=(one,))
    )
    if isinstance(found, Decided | Unsettled):
        assert found.routed in {one.routed, two.routed}
        found = replace(found, routed=None)
    if isinstance(found, Unsettled):
        found = replace(found, detail="absent")
    assert found == holds


async def test_what_nobody_knows_names_every_place_where_it_may_be() -> None:
    performer: Any = Answers({"a": REFUSED, "b": NOBODY_KNOWS})
    one, two = sent(1, "a"), sent(2, "b")
    found = await Asking(performer, places(), paused_wait_s=10).ask(
        a_work(one, two), Inquire(two, None, resend=False, earlier=(one,))
    )
    assert isinstance(found, Unsettled)
    assert found.detail == "absent; look at each place where it may be: b (ref2), a (ref1)"


async def test_each_attempt_is_asked_about_where_it_was_sent() -> None:
    performer: Any = Answers({"a": WAITS, "b": WAITS})
    one, two, three = sent(1, "a"), sent(2, "gone"), sent(3, "b")
    ask = Inquire(three, None, resend=False, earlier=(two, one))
    await Asking(performer, places(), paused_wait_s=10).ask(a_work(one, two, three), ask)
    assert performer.asked == [("b", "ref3"), ("nobody", "ref2"), ("a", "ref1")]
