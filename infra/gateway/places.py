"""How many may wait or listen at one time: in the process, and of one caller."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from infra.gateway.problems import Problem

_AGAIN_S = 5


@dataclass(slots=True)
class Places:
    """`total` in this process, of which one caller gets `each` at most."""

    total: int
    each: int
    _taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken_by(self, caller_id: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            Problem: 429, since the caller has all of its places; 503, since the process has none left.
        """
        headers = {"Retry-After": str(_AGAIN_S)}
        if self._taken[caller_id] >= self.each:
            detail = f"this caller has {self.each} such requests open; end one of them first"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_open", detail, headers=headers)
        if self._taken.total() >= self.total:
            detail = "no more of such requests can be kept open here; try again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers=headers)
        self._taken[caller_id] += 1
        try:
            yield
        finally:
            self._taken[caller_id] -= 1
            if not self._taken[caller_id]:
                del self._taken[caller_id]
