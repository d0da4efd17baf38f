"""A group's partitions are given out whether its leader has heard of the topic or not."""

from typing import Any

import faust
import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata

from agents.assigning import assignor_of

TOPIC = "t.payments.commands"
DECLARED = 6


class Heard:
    """What a client knows of the cluster."""

    def __init__(self, partitions: int | None) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._partitions)) if topic == TOPIC and self._partitions else None


def given_out(heard: Heard, members: int) -> list[int]:
    app = faust.App("g", store="memory://", PartitionAssignor=assignor_of({TOPIC: DECLARED}))
    about = ClientMetadata(
        assignment=ClientAssignment(actives={}, standbys={}),
        url="http://here",
        changelog_distribution={},
        external_topic_distribution={},
        topic_groups={},
    )
    metadata = {f"m{number}": ConsumerProtocolMemberMetadata(2, [TOPIC], about.dumps()) for number in range(members)}
    assignor: Any = app.assignor
    assigned = assignor.assign(heard, metadata)
    return sorted(
        partition for member in assigned.values() for _, partitions in member.assignment for partition in partitions
    )


@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("heard", [None, DECLARED], ids=["unheard of", "heard of"])
def test_every_partition_is_given_out_once(heard: int | None, members: int) -> None:
    assert given_out(Heard(heard), members) == list(range(DECLARED))


def test_what_was_heard_counts_for_more_than_what_was_declared() -> None:
    assert given_out(Heard(2), 1) == [0, 1]
