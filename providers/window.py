"""Which calls have started in the last seconds: counted for this process, and in Redis for all workers together."""

import secrets
from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from providers.connector import LimitReading
from providers.shared_store import SharedStore

_MICRO: Final = 1_000_000
_SAME_RESET_S: Final = 1.0
"""Two readings whose ends lie closer than this speak of one window: the lower one counts."""


@dataclass(frozen=True, order=True, slots=True)
class Start:
    """A call that starts at `at`; `number` names it among those of this process."""

    at: float
    number: int


class Window:
    """The starts of this process in any `per_s` seconds, those to come included.

    The last starts are remembered one by one. A token bucket would let twice the limit through in its first window.

    Args:
        clock: seconds on a clock that is never set back.
    """

    def __init__(self, per_s: float, *, clock: Callable[[], float]) -> None:
        self.per_s = per_s
        self._clock = clock
        self._starts: deque[Start] = deque()
        self._numbers = 0

    def next_at(self, calls: int, not_before: float) -> float:
        """When the next call may start if no window is to hold more than `calls`."""
        self._forget()
        at = not_before
        if self._starts:
            at = max(at, self._starts[-1].at)
        if len(self._starts) >= calls:
            at = max(at, self._starts[-calls].at + self.per_s)
        return at

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def add(self, at: float, number: int | None = None) -> None:
        """Count a start; its caller may be cancelled while it waits, and the limit is met all the same."""
        insort(self._starts, Start(at, self.number() if number is None else number))

    @property
    def starts(self) -> tuple[Start, ...]:
        self._forget()
        return tuple(self._starts)

    @property
    def used(self) -> int:
        self._forget()
        return len(self._starts)

    @property
    def empty_in_s(self) -> float:
        """When nothing of it is left, if nothing else starts."""
        self._forget()
        return max(0.0, self._starts[-1].at + self.per_s - self._clock()) if self._starts else 0.0

    def _forget(self) -> None:
        # What began a whole window ago is as far from a start now as the limit asks for.
        before = self._clock() - self.per_s
        while self._starts and self._starts[0].at <= before:
            self._starts.popleft()


@dataclass(slots=True)
class Told:
    """What the provider said of its limit, on this process's clock."""

    closed_until: float = 0.0
    left: int = 0
    reset_at: float = 0.0

    def close(self, until: float) -> None:
        self.closed_until = max(self.closed_until, until)

    def read(self, reading: LimitReading, now: float) -> None:
        if reading.remaining is None or reading.reset_s is None:
            return
        reset_at = now + reading.reset_s
        same = self.reset_at > now and abs(reset_at - self.reset_at) <= _SAME_RESET_S
        self.left = min(self.left, reading.remaining) if same else reading.remaining
        self.reset_at = self.reset_at if same else reset_at

    def not_before(self, now: float) -> float:
        used_up = self.left <= 0 and self.reset_at > now
        return max(now, self.closed_until, self.reset_at if used_up else 0.0)

    def take(self, at: float) -> None:
        if at < self.reset_at:
            self.left -= 1


_TURN: Final = """
-- One turn in a limit that many share. KEYS: the starts (sorted set), what the provider said (hash).
-- ARGV: calls (0: no limit of ours), window and longest wait in microseconds, this start's name, what is told anew:
-- closed for, left (-1: nothing), reset in; then pairs of name and age of starts that may not be known here.
-- Times are this server's, so that the clocks of workers play no part. Returns: taken, wait in microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local calls, per, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for place = 8, #ARGV, 2 do
    redis.call('ZADD', KEYS[1], 'NX', now - tonumber(ARGV[place + 1]), ARGV[place])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - per)
local closed = tonumber(redis.call('HGET', KEYS[2], 'closed') or '0')
local left = tonumber(redis.call('HGET', KEYS[2], 'left') or '0')
local reset = tonumber(redis.call('HGET', KEYS[2], 'reset') or '0')
if tonumber(ARGV[5]) > 0 then
    closed = math.max(closed, now + tonumber(ARGV[5]))
end
local told_left = tonumber(ARGV[6])
if told_left >= 0 then
    local told_reset = now + tonumber(ARGV[7])
    if reset > now and math.abs(told_reset - reset) <= 1000000 then
        left = math.min(left, told_left)
    else
        left, reset = told_left, told_reset
    end
end
local at = math.max(now, closed)
if reset > now and left <= 0 then
    at = math.max(at, reset)
end
if calls > 0 then
    local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    if #last > 0 then
        at = math.max(at, tonumber(last[2]))
    end
    local first = redis.call('ZREVRANGE', KEYS[1], calls - 1, calls - 1, 'WITHSCORES')
    if #first > 0 then
        at = math.max(at, tonumber(first[2]) + per)
    end
end
local taken = 0
if at - now <= longest then
    taken = 1
    if calls > 0 then
        redis.call('ZADD', KEYS[1], at, ARGV[4])
    end
    if at < reset then
        left = left - 1
    end
end
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(at - now, 0) + per) / 1000) + 1000)
if math.max(closed, reset) > now then
    redis.call('HSET', KEYS[2], 'closed', string.format('%.0f', closed), 'left', string.format('%.0f', left),
        'reset', string.format('%.0f', reset))
    redis.call('PEXPIRE', KEYS[2], math.ceil((math.max(closed, reset) - now) / 1000) + 1000)
end
return {taken, math.ceil(at - now)}
"""

_CLOSED_FOR: Final = """
-- How long the provider wants no call, in microseconds. KEYS: what the provider said.
local time = redis.call('TIME')
local closed = tonumber(redis.call('HGET', KEYS[1], 'closed') or '0')
return math.max(0, math.ceil(closed - (time[1] * 1000000 + time[2])))
"""


class SharedWindow:
    """The same window for all workers, in Redis: one step each turn, by Redis's own clock.

    A start that Redis granted is also noted in this process's own window, and told again when Redis was away: so the
    limit holds over a Redis that forgot everything.
    """

    def __init__(self, store: SharedStore, own: Window, *, integration_id: str, operation: str) -> None:
        # One hash tag, so that a cluster keeps both keys on one node.
        tag = "{" + f"{integration_id}:{operation}" + "}"
        self._keys = (store.key("limits", tag, "starts"), store.key("limits", tag, "told"))
        self._store = store
        self._own = own
        self._process = secrets.token_hex(6)
        self._told_all_of = 0
        self._news = Told()
        self._heard = 0
        self._passed_on = 0

    def tell(self, told: Told) -> None:
        """What the provider said goes with the next turn to the others."""
        self._news = told
        self._heard += 1

    async def take(self, calls: int, now: float, *, wait_s: float) -> tuple[bool, float]:
        """Whether a turn was taken, and in how many seconds it is (or would be).

        Raises:
            SharedAway: Redis does not answer.
        """
        number = self._own.number()
        returns, heard = self._store.returns, self._heard
        missing: list[str | float] = []
        if returns != self._told_all_of:
            for start in self._own.starts:
                missing += [self._name(start.number), _micro(now - start.at)]
        taken, wait_us = await self._store.script(
            _TURN,
            self._keys,
            [calls, _micro(self._own.per_s), _micro(wait_s), self._name(number), *self._told(now), *missing],
        )
        self._told_all_of = returns
        self._passed_on = heard
        if taken and calls:
            self._own.add(now + wait_us / _MICRO, number)
        return bool(taken), wait_us / _MICRO

    async def closed_for_s(self) -> float:
        """How long the provider wants no call, as any worker heard it.

        Raises:
            SharedAway: Redis does not answer.
        """
        return float(await self._store.script(_CLOSED_FOR, self._keys[1:], [])) / _MICRO

    def _told(self, now: float) -> tuple[int, int, int]:
        news = self._news
        if self._passed_on == self._heard:
            return 0, -1, 0
        left = max(0, news.left) if news.reset_at > now else -1
        return _micro(max(0.0, news.closed_until - now)), left, _micro(max(0.0, news.reset_at - now))

    def _name(self, number: int) -> str:
        return f"{self._process}-{number}"


def _micro(seconds: float) -> int:
    return round(seconds * _MICRO)
