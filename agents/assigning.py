"""Giving out a topic's partitions also while nobody has heard of them.

After an outage the leader of a group may have to give out partitions before its client has fetched the topic's metadata
again. Faust then passes the topic over with a warning, and the whole group holds nothing for up to five minutes, until
the client looks again (faust-streaming 0.15.3, seen 2026-11). How many partitions the topic has never changes.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from faust.assignor import PartitionAssignor


class _Cluster:
    """What is known of the cluster; of topics that nobody has heard of, what was declared."""

    def __init__(self, heard_of: Any, declared: Mapping[str, int]) -> None:
        self._heard_of = heard_of
        self._declared = declared

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self._heard_of.partitions_for_topic(topic) or set(range(self._declared.get(topic, 0)))


def assignor_of(declared: Mapping[str, int]) -> type[Any]:
    """Faust's assignor for topics with so many partitions each."""

    class DeclaredAssignor(PartitionAssignor):
        def assign(self, cluster: Any, member_metadata: MutableMapping[str, Any]) -> Any:
            return super().assign(_Cluster(cluster, declared), member_metadata)

    return DeclaredAssignor
