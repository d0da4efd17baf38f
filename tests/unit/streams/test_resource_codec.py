"""Every type about resources goes onto a topic and comes back as it was."""

from typing import Any

import pytest

from schemas.errors import UnreadableRecord
from schemas.payments.resources import RESOURCE_COMMANDS, RESOURCE_EVENTS, StoreCard
from schemas.payments.vocabulary import COMMANDS, EVENTS
from streams.codec import decode
from tests.builders import a_record
from tests.resource_builders import (
    GIVEN,
    a_resource_command,
    a_resource_late_outcome,
    a_resource_pending,
    a_resource_refused,
    a_resource_result_divergence,
    a_resource_unknown,
    an_accepted,
)

MODELS: dict[str, Any] = {model.type: model for model in (*COMMANDS, *EVENTS)}
EVERY = [
    *(a_resource_command(kind) for kind in GIVEN),
    *(an_accepted(kind) for kind in GIVEN),
    a_resource_refused(),
    a_resource_pending(),
    a_resource_unknown(),
    a_resource_late_outcome(),
    a_resource_result_divergence(),
]


def test_every_type_about_resources_has_an_example_here_and_names_of_types_are_told_once() -> None:
    assert {type(body) for body in EVERY} == {*RESOURCE_COMMANDS, *RESOURCE_EVENTS}
    assert len(MODELS) == len(COMMANDS) + len(EVENTS)


@pytest.mark.parametrize("body", EVERY, ids=lambda body: body.type)
def test_what_was_written_is_read_as_it_was(body: Any) -> None:
    record = a_record("t", body, key=str(body.resource_id))
    assert decode(MODELS, record.key, record.value, record.headers).body == body


@pytest.mark.parametrize("kind", RESOURCE_COMMANDS)
def test_a_command_is_keyed_by_its_resource(kind: Any) -> None:
    record = a_record("t", a_resource_command(kind), key="another")
    with pytest.raises(UnreadableRecord, match="resource_id"):
        decode(MODELS, record.key, record.value, record.headers)


def test_a_command_refuses_fields_it_does_not_know() -> None:
    record = a_record("t", a_resource_command(StoreCard))
    value = (record.value or b"")[:-1] + b',"number":"x"}'
    with pytest.raises(UnreadableRecord):
        decode(MODELS, record.key, value, record.headers)
