"""Where a command may go now, and what several answers about one command come to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from agents.payments.asking import Asking
from agents.payments.decisions import Inquire
from agents.payments.places import Places
from agents.payments.work import Decided, Later, Step, Unsettled, Work
from agents.routing import NOT_READY, Route, Way
from providers.connector import Attempt, Integration
from providers.outcome import Outcome
from schemas.payments import Payment
from schemas.verdicts import Verdict
from tests.unit.agents.works import INTEGRATIONS, a_work, came_to_nothing, places, sent


def way(among: Places, work: Work) -> Way | None:
    found = among.route(work)
    assert isinstance(found, Route)
    return among.way(work, found)


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


@pytest.mark.parametrize(
    ("reason", "elsewhere"),
    [("no_connection", True), ("no_token", True), ("token_refused", False), ("invalid_credentials", False)],
)
def test_an_account_for_which_no_access_token_comes_is_as_one_that_cannot_be_reached(
    reason: str, elsewhere: bool
) -> None:
    assert (came_to_nothing("a", reason).why is not None) is elsewhere


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
    assert places(integrations=left, disabled={"a": INTEGRATIONS["a"]}).known("a") is INTEGRATIONS["a"]
    assert places(integrations=left).known("a") is None


@pytest.mark.parametrize(
    ("stopped", "lacking", "waits_for"),
    [("abc", "", "a"), ("a", "", "b"), ("ab", "c", "c"), ("", "a", "b"), ("", "abc", "a")],
)
def test_a_command_that_no_place_takes_waits_for_the_one_that_may_be_back_the_soonest(
    stopped: str, lacking: str, waits_for: str
) -> None:
    there = {name: replace(one, lacks="it" if name in lacking else None) for name, one in INTEGRATIONS.items()}
    among = places(integrations=there, stopped=lambda: set(stopped), paused=dict.fromkeys("abc", 3.0))
    found = among.route(a_work())
    assert isinstance(found, Route)
    assert among.way(a_work(), found) is None
    assert among.last_resort(found).integration.id == waits_for


# What several answers come to.


class Answers:
    """Says of each attempt what it is told to."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self.asked: list[tuple[str, str]] = []

    async def inquire(self, _: Work, ask: Inquire, integration: Integration, __: object) -> Step:
        self.asked.append((integration.id, ask.attempt.reference))
        return self._steps[integration.id]

    async def nobody_to_ask(self, _: Work, ask: Inquire, __: str | None, why: str) -> Step:
        self.asked.append(("nobody", ask.attempt.reference))
        return Later(1.0, why)


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
    found = await Asking(performer, places()).ask(a_work(one, two), Inquire(two, None, resend=False, earlier=(one,)))
    if isinstance(found, Decided | Unsettled):
        assert found.routed in {one.routed, two.routed}
        found = replace(found, routed=None)
    if isinstance(found, Unsettled):
        found = replace(found, detail="absent")
    assert found == holds


async def test_what_nobody_knows_names_every_place_where_it_may_be() -> None:
    performer: Any = Answers({"a": REFUSED, "b": NOBODY_KNOWS})
    one, two = sent(1, "a"), sent(2, "b")
    found = await Asking(performer, places()).ask(a_work(one, two), Inquire(two, None, resend=False, earlier=(one,)))
    assert isinstance(found, Unsettled)
    assert found.detail == "absent; look at each place where it may be: b (ref2), a (ref1)"


async def test_each_attempt_is_asked_about_where_it_was_sent() -> None:
    performer: Any = Answers({"a": WAITS, "b": WAITS})
    one, two, three = sent(1, "a"), sent(2, "gone"), sent(3, "b")
    ask = Inquire(three, None, resend=False, earlier=(two, one))
    await Asking(performer, places()).ask(a_work(one, two, three), ask)
    assert performer.asked == [("b", "ref3"), ("nobody", "ref2"), ("a", "ref1")]


async def test_an_integration_that_cannot_be_called_is_waited_for_and_not_asked() -> None:
    performer: Any = Answers({})
    lacking = {"a": replace(INTEGRATIONS["a"], lacks="a has no credentials yet")}
    step = await Asking(performer, places(integrations=lacking)).ask(
        a_work(sent(1, "a")), Inquire(sent(1, "a"), None, resend=False)
    )
    assert performer.asked == [("nobody", "ref1")]
    assert step == Later(1.0, "a has no credentials yet")
