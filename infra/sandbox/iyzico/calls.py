"""What an operation is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.events import Event
from infra.sandbox.iyzico.fields import Json


@dataclass(frozen=True, slots=True)
class Review:
    """A fraud review: status 0 now, `verdict` (1 or -1) from `due_ms` on."""

    verdict: int
    due_ms: int


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        body: its JSON object.
        query: what stands behind the `?` of its address.
        now_ms: the time, for the whole of it.
        review: a review ordered for it.
        origin: scheme and host it came in on; the buyer's pages are found there too.
        names: what stands in the places of its path, such as a subscription's reference.
        events: what the operation wants its merchant told, once its step is in the books.
    """

    body: Json
    query: Json
    now_ms: int
    review: Review | None = None
    origin: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


# A refusal that is returned, not raised, is answered after its record is committed.
Result = dict[str, object] | Refused
