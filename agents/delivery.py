"""A record on its way through the hub."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from providers.exchange import Exchange
from schemas.ids import new_id
from streams.records import RawRecord


@dataclass(slots=True)
class Delivery:
    """One record as it was handed to us.

    Attributes:
        done: acknowledges it; called once its command is concluded and the result is in the log.
        token: names this delivery to the ledger, however often it is taken up.
        exchanges: calls to providers made for it that are not in the log yet.
        woken: the record was parked, and its time has come.
        tries: how often it was taken up in vain before it was parked.
        withdrawn: which operator does not want it performed any more; `None` as a rule.
        parked: it was laid down (again) while it was handled.
    """

    record: RawRecord
    done: Callable[[], None]
    token: UUID = field(default_factory=new_id)
    exchanges: list[Exchange] = field(default_factory=list)
    woken: bool = False
    tries: int = 0
    withdrawn: str | None = None
    parked: bool = False
    failures: int = 0
