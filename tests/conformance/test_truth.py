"""After an outcome that nobody knows the way of asking finds the truth, and nothing is sent a second time."""

from dataclasses import replace
from typing import Any

import pytest

from providers.connector import Connector
from providers.outcome import Finding, Outcome, Sighting
from providers.registry import connectors
from schemas.errors import HubError, NotSent, OutcomeUnknown
from schemas.verdicts import Verdict
from tests.conformance.far_side import Behaviour, answering, resetting
from tests.conformance.line import Line
from tests.conformance.samples import Sample, attempt_for, command_for, samples

INQUIRIES = [sample for sample in samples() if sample.inquiry]
every_connector = pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])


def _found(sample: Sample) -> Finding | None:
    """What the inquiry finds; `None` where its answer is no use."""
    try:
        result = sample.read()
    except HubError:
        return None
    assert isinstance(result, Finding)
    return result


USEFUL = [sample for sample in INQUIRIES if _found(sample) is not None]


def _then(sample: Sample) -> Behaviour:
    """The first request's answer is lost; the second is answered as in the sample."""

    async def behave(far: Any, request: Any) -> Any:
        content_type = sample.answer.headers["content-type"]
        asked = len(far.received) > 1
        told = answering(sample.answer.status, sample.answer.body, content_type) if asked else resetting
        return await told(far, request)

    return behave


@pytest.mark.parametrize("sample", USEFUL, ids=lambda sample: f"{sample.provider}/{sample.name}")
async def test_an_attempt_whose_answer_is_lost_is_sent_once_and_then_asked_about(line: Line, sample: Sample) -> None:
    asked, operation = sample.asked, sample.operation
    integration = replace(asked.integration, base_url=line.far.base_url)
    line.behaving(_then(sample))
    prepared = line.caller.prepare(integration, operation, asked.command, asked.attempt)
    with pytest.raises(OutcomeUnknown):
        await line.caller.send(prepared, deadline_s=20)
    found = await line.caller.inquire(integration, operation, asked.command, asked.attempt, deadline_s=20)
    assert found == _found(sample)
    told = [(exchange.operation, exchange.attempt) for exchange in line.exchanges]
    assert told == [(operation.name, asked.attempt.number), (f"{operation.name}_inquiry", 0)]
    assert len(line.far.received) == 2


@every_connector
def test_an_inquiry_names_its_own_attempt_or_what_it_is_about(connector: Connector) -> None:
    for sample in USEFUL:
        if sample.provider != connector.name or _names(sample):
            continue
        # One that lists what was made since the command picks its own out by the reference that stands in the answer.
        attempt = replace(sample.asked.attempt, reference="k0laj0none")
        found = _found(replace(sample, asked=replace(sample.asked, attempt=attempt)))
        assert found is None or found.sighting is Sighting.ABSENT, sample.name


def _names(sample: Sample) -> bool:
    """Whether the inquiry's request has a name of the attempt, of its payment or of its resource in it."""
    attempt, inquiry = sample.asked.attempt, sample.operation.inquiry
    assert inquiry is not None
    request = inquiry.build(sample.asked.command, attempt)
    resource, command = attempt.resource, sample.asked.command
    names = {attempt.reference, attempt.payment.provider_reference, attempt.payment.create_reference}
    names |= {value for name, value in command if name.endswith(("_token", "_key", "_reference"))}
    if resource is not None:
        names |= {resource.provider_reference, resource.create_reference, resource.customer_reference}
    said = f"{request.path}?{request.query}{request.body.decode()}"
    return any(str(name) in said for name in names - {None})


@every_connector
def test_there_is_a_sample_of_everything_that_an_inquiry_can_find(connector: Connector) -> None:
    """Performed, and absent. Where they can tell a failure from running, their words for both are in `words.json`."""
    asking = [operation for operation in connector.operations if operation.inquiry is not None]
    own = [sample for sample in USEFUL if sample.provider == connector.name]
    for operation in asking:
        ends = {_end(sample) for sample in own if sample.operation is operation}
        assert "performed" in ends, operation.name
        # What cannot move anything any more once it is absent is concluded with that.
        named = [sample.name for sample in own if sample.operation is operation]
        assert "absent" in ends or any(name.endswith("-absent") for name in named), operation.name


@every_connector
async def test_what_cannot_be_asked_about_says_so_and_is_not_sent_again(line: Line, connector: Connector) -> None:
    unasked = [one for one in connector.operations if one.moves_money and one.inquiry is None]
    line.behaving(resetting)
    integration = line.integration(connector)
    for operation in unasked:
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        prepared = line.caller.prepare(integration, operation, command, attempt)
        with pytest.raises(OutcomeUnknown):
            await line.caller.send(prepared, deadline_s=20)
        with pytest.raises(NotSent) as never:
            await line.caller.inquire(integration, operation, command, attempt, deadline_s=20)
        assert never.value.reason == "unsupported_operation"
    assert len(line.far.received) == len(unasked)


def _end(sample: Sample) -> str:
    found = _found(sample)
    assert found is not None
    if found.sighting is not Sighting.CONCLUDED:
        return found.sighting.value
    assert isinstance(found.outcome, Outcome)
    return "not performed" if found.outcome.verdict is Verdict.REFUSED else "performed"
