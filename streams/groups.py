"""Consumer groups from outside: who is in one, how far it has come, and where it is to go on."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import for_code
from aiokafka.structs import OffsetAndMetadata

from schemas.errors import StoreError
from streams.admin import admin_client
from streams.kafka import KafkaAccess, connected, reach
from streams.stretches import Place

_UNKNOWN_GROUP: Final = 69
"""GROUP_ID_NOT_FOUND in Kafka's protocol: nobody ever joined it."""


async def members(access: KafkaAccess, groups: Iterable[str]) -> dict[str, int]:
    """How many members each group has; one that was never joined has none.

    A member that was killed counts until its session times out.

    Raises:
        StoreError: Kafka does not answer, or does not tell.
    """
    found: dict[str, int] = {}
    async with admin_client(access) as admin:
        for asked in groups:
            # One at a time: aiokafka reads the answer about the last group alone (0.14.0, seen 2026-11: it takes the
            # response's version 3 for version 2, which is shorter).
            (response,) = await admin.describe_consumer_groups([asked])
            for code, group, _, _, _, present, *_ in response.groups:
                if code not in {0, _UNKNOWN_GROUP}:
                    raise StoreError(f"the consumer group {group} cannot be described: {for_code(code).__name__}")
                found[group] = len(present)
    return found


async def committed(access: KafkaAccess, group: str, places: Iterable[Place]) -> dict[Place, int]:
    """The offset at which the group would go on in each place; places without one are left out.

    Raises:
        StoreError: Kafka does not answer.
    """
    wanted = [TopicPartition(*place) for place in places]
    async with admin_client(access) as admin:
        found = await admin.list_consumer_group_offsets(group, partitions=wanted)
    return {(place.topic, place.partition): at.offset for place, at in found.items() if at.offset >= 0}


async def move(access: KafkaAccess, group: str, offsets: Mapping[Place, int]) -> None:
    """Let a group that has no members go on at these offsets.

    Raises:
        StoreError: Kafka does not answer, or the group has members.
    """
    if not offsets:
        return
    async with connected(access, lambda: _consumer(access, group)) as consumer:
        consumer.assign([TopicPartition(*place) for place in offsets])
        target = {TopicPartition(*place): OffsetAndMetadata(offset, "") for place, offset in offsets.items()}
        await reach(access, lambda: consumer.commit(target))


def _consumer(access: KafkaAccess, group: str) -> Any:
    return AIOKafkaConsumer(
        **access.options(), client_id="kolaj-groups", group_id=group, enable_auto_commit=False, auto_offset_reset="none"
    )
