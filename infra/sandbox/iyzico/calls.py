"""What an operation is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.events import Event
from infra.sandbox.iyzico.fields import Json

LaterReview = tuple[int, int]
"""The verdict, and after how many milliseconds."""


@dataclass(frozen=True, slots=True)
class Review:
    """A fraud review: status 0 now, `verdict` (1 or -1) from `due_ms` on."""

    verdict: int
    due_ms: int

    def later(self, now_ms: int) -> LaterReview:
        """The same for a payment that is still to be made."""
        return self.verdict, max(0, self.due_ms - now_ms)


def review_from(later: LaterReview | None, now_ms: int) -> Review | None:
    """The review of a payment that is made now."""
    return None if later is None else Review(later[0], now_ms + later[1])


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
