"""Answers to declared reads, kept for their time: in memory, or in Redis for all workers.

Equal questions at one time are one call in this process: the first asks, the others wait for its answer. Only answers
are kept, never refusals or failures. Reads hold neither a secret nor a person, so answers lie in Redis as they are; of
the question only a digest stands there, keyed with the account's own secrets.
"""

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from opentelemetry import metrics
from pydantic import ValidationError

from providers.connector import Integration, Read, Request
from providers.outcome import ReadResult
from providers.shared_store import SharedAway, SharedStore
from schemas.base import Frozen

Use = Literal["hit", "miss", "joined"]

LARGEST_ANSWER_BYTES: Final = 256 * 1024
"""Larger answers are handed on and not kept, so that a thousand of them cannot fill the memory."""

_REQUESTS: Final = metrics.get_meter("kolaj.providers").create_counter(
    "kolaj.provider.cache.requests",
    description="Reads by what became of them: hit, miss (a call was made), joined (another's call was waited for).",
)
_HIT: Final[Use] = "hit"
_MISS: Final[Use] = "miss"
_SEPARATOR: Final = b"\n"


@dataclass(frozen=True, slots=True)
class _Kept:
    generation: str
    until: float
    answer: Frozen


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one answer is kept; it is void once the generation of its read, or of its integration, has passed."""

    key: str
    integration_id: str
    name: str


class ResponseCache:
    """The answers of one process.

    Args:
        size: answers in memory at most; the one that was not asked for longest makes room.
        clock: seconds on a clock that is never set back.
        store: where answers are shared. While it is away they are kept in memory.
    """

    def __init__(self, *, size: int, clock: Callable[[], float], store: SharedStore | None = None) -> None:
        self._size = size
        self._clock = clock
        self._store = store
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._generations: dict[tuple[str, str], int] = {}
        self._untold: set[tuple[str, str]] = set()
        self._flights: dict[tuple[str, str], asyncio.Future[tuple[ReadResult, Use]]] = {}

    async def get(
        self,
        integration: Integration,
        read: Read[Any, Any, Any],
        request: Request,
        fetch: Callable[[], Awaitable[ReadResult]],
    ) -> ReadResult:
        """The kept answer, else what `fetch` comes to.

        A cancelled `fetch` is taken over by one of those who wait for it.

        Raises:
            What `fetch` raised, for all who waited for it.
        """
        place = _Place(_key(integration, read, request), integration.id, read.name)
        while True:
            flight = self._flights.get((place.key, self._own_generation(place)))
            if flight is None:
                result, use = await self._lead(place, read, fetch)
                _count(integration, read, use)
                return result
            # Not awaited itself: to be cancelled while waiting must not cancel what others wait for.
            await asyncio.wait((flight,))
            if not flight.cancelled():
                result, use = flight.result()
                _count(integration, read, "joined" if use == "miss" else use)
                return result

    async def forget(self, integration_id: str, name: str | None = None) -> None:
        """Every kept answer of an integration is void, or those to one read. What is under way is not kept either."""
        place = (integration_id, name or "")
        self._generations[place] = self._generations.get(place, 0) + 1
        if self._store is not None:
            self._untold.add(place)
            try:
                await self._tell(self._store)
            except SharedAway:
                return

    async def _lead(
        self, place: _Place, read: Read[Any, Any, Any], fetch: Callable[[], Awaitable[ReadResult]]
    ) -> tuple[ReadResult, Use]:
        """Look and, where nothing is kept, fetch, for all who ask meanwhile."""
        flight: asyncio.Future[tuple[ReadResult, Use]] = asyncio.get_running_loop().create_future()
        number = (place.key, self._own_generation(place))
        self._flights[number] = flight
        try:
            generation, kept = await self._look(place, read)
            if kept is not None:
                result, use = ReadResult(answer=kept), _HIT
            else:
                result, use = await fetch(), _MISS
                if result.answer is not None:
                    await self._keep(place, generation, result.answer, read.ttl_s)
        except Exception as error:
            flight.set_exception(error)
            # It is raised here as well; nobody else has to have waited for it.
            flight.exception()
            raise
        else:
            flight.set_result((result, use))
            return result, use
        finally:
            del self._flights[number]
            # Still open: this call was cancelled, and whoever waits first makes it anew.
            flight.cancel()

    async def _look(self, place: _Place, read: Read[Any, Any, Any]) -> tuple[str, Frozen | None]:
        """The present generation, and the answer that is kept under it."""
        if self._store is not None:
            try:
                await self._tell(self._store)
                all_of, one_of, value = await self._store.get(
                    self._generation_key(self._store, (place.integration_id, "")),
                    self._generation_key(self._store, (place.integration_id, place.name)),
                    self._answer_key(self._store, place),
                )
            except SharedAway:
                pass
            else:
                generation = f"r{(all_of or b'0').decode()}.{(one_of or b'0').decode()}"
                return generation, _readable(value, generation, read)
        generation = self._own_generation(place)
        kept = self._kept.get(place.key)
        if kept is None or kept.generation != generation or kept.until <= self._clock():
            self._kept.pop(place.key, None)
            return generation, None
        self._kept.move_to_end(place.key)
        return generation, kept.answer

    async def _keep(self, place: _Place, generation: str, answer: Frozen, ttl_s: float) -> None:
        value = answer.model_dump_json().encode()
        if len(value) > LARGEST_ANSWER_BYTES:
            return
        if self._store is not None and generation.startswith("r"):
            try:
                payload = generation.encode() + _SEPARATOR + value
                await self._store.put(self._answer_key(self._store, place), payload, ttl_s=ttl_s)
            except SharedAway:
                return
        elif generation == self._own_generation(place):
            self._kept[place.key] = _Kept(generation, self._clock() + ttl_s, answer)
            self._kept.move_to_end(place.key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    async def _tell(self, store: SharedStore) -> None:
        """Tell the others what was forgotten here; nothing kept there is believed before."""
        for place in tuple(self._untold):
            await store.bump(self._generation_key(store, place))
            self._untold.discard(place)

    def _own_generation(self, place: _Place) -> str:
        # Others may have forgotten something through Redis between two times that it was away.
        returns = 0 if self._store is None else self._store.returns
        all_of, one_of = (self._generations.get((place.integration_id, name), 0) for name in ("", place.name))
        return f"m{returns}.{all_of}.{one_of}"

    def _generation_key(self, store: SharedStore, place: tuple[str, str]) -> str:
        # One hash tag for all keys of an integration, so that a cluster answers for them together.
        return store.key("reads", "{" + place[0] + "}", "generation", place[1])

    def _answer_key(self, store: SharedStore, place: _Place) -> str:
        return store.key("reads", "{" + place.integration_id + "}", "answer", place.key)


def _key(integration: Integration, read: Read[Any, Any, Any], request: Request) -> str:
    """A digest of account and question: other credentials, another address or another question, another key."""
    secrets = [[name, integration.credentials[name].get_secret_value()] for name in sorted(integration.credentials)]
    asked = [
        *(integration.id, integration.connector.name, integration.environment, integration.base_url, read.name),
        *(request.method, request.path, sorted(request.query), request.body.decode("utf-8", "surrogateescape")),
    ]
    account = hashlib.sha256(json.dumps(secrets).encode()).digest()
    return hmac.new(account, json.dumps(asked).encode(), hashlib.sha256).hexdigest()


def _readable(value: bytes | None, generation: str, read: Read[Any, Any, Any]) -> Frozen | None:
    """The answer, unless it is of an earlier generation, or of a release whose answers look otherwise."""
    if value is None:
        return None
    of, _, text = value.partition(_SEPARATOR)
    if of != generation.encode():
        return None
    try:
        answer: Frozen = read.answer.model_validate_json(text)
    except ValidationError:
        return None
    return answer


def _count(integration: Integration, read: Read[Any, Any, Any], use: Use) -> None:
    _REQUESTS.add(
        1,
        {
            "kolaj.provider": integration.connector.name,
            "kolaj.integration": integration.id,
            "kolaj.read": read.name,
            "kolaj.cache": use,
        },
    )
