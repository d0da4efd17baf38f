"""What keeps an account from working, in words and as one word for programs. Pure.

A connector says what its provider's own codes mean; here stands what HTTP and the way to the provider tell of any.
"""

import email.utils
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from socket import gaierror
from typing import Final

CLOCK_TOLERANCE_S: Final = 60.0
"""Clocks that differ by more than this make signatures with a time in them fail."""


class Cause(StrEnum):
    """What an account does not work for."""

    WRONG_KEY = "wrong_key"
    WRONG_ENVIRONMENT = "wrong_environment"
    IP_NOT_ALLOWED = "ip_not_allowed"
    CLOCK = "clock"
    SUSPENDED = "suspended"
    THROTTLED = "throttled"
    PROVIDER_DOWN = "provider_down"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    NOT_READY = "not_ready"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and a sentence that says what to do."""

    cause: Cause
    sentence: str


def trouble_of_status(status: int) -> Trouble | None:
    """What an HTTP status says by itself; `None` when that is nothing."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Trouble(Cause.WRONG_KEY, "HTTP 401: the provider does not take the keys; set them anew")
        case HTTPStatus.FORBIDDEN:
            return Trouble(
                Cause.IP_NOT_ALLOWED,
                "HTTP 403: the provider lets this machine or these keys not in; ask it to allow the address that this "
                "machine has on the internet",
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Trouble(Cause.THROTTLED, "HTTP 429: too many calls; try again later")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Trouble(Cause.PROVIDER_DOWN, f"HTTP {status}: the provider's own side fails; try again later")
        case _:
            return None


def clock_off_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How far our clock is ahead of the `Date` of an answer, in seconds; `None` when it has none that can be read."""
    try:
        theirs = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    aware = theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)
    return (now - aware).total_seconds()


def with_clock(trouble: Trouble, headers: Mapping[str, str], now: datetime) -> Trouble:
    """The trouble, or the clock's where that is off: a refused signature may come from nothing else."""
    off_s = clock_off_s(headers, now)
    if off_s is None or abs(off_s) <= CLOCK_TOLERANCE_S:
        return trouble
    word = "ahead of" if off_s > 0 else "behind"
    told = f"this machine's clock is {abs(off_s):.0f} s {word} the provider's; let it keep time by NTP"
    if trouble.cause is Cause.WRONG_KEY:
        return Trouble(Cause.CLOCK, f"{told}, for a wrong time may be all that it refuses ({trouble.sentence})")
    return Trouble(trouble.cause, f"{trouble.sentence}; besides, {told}")


def way_fault(error: BaseException) -> Trouble:
    """Why no connection came about, from the chain of an error."""
    for link in _chain(error):
        match link:
            case ssl.SSLCertVerificationError() if why := getattr(link, "verify_message", ""):
                told = f"its TLS certificate is not trusted ({why}); check base_url, or let its authority be trusted"
                return Trouble(Cause.TLS, told)
            case ssl.SSLError() if why := getattr(link, "reason", ""):
                return Trouble(Cause.TLS, f"TLS failed ({why}); check base_url")
            case gaierror():
                return Trouble(Cause.UNREACHABLE, "its name is not known here; check base_url and the name service")
            case ConnectionRefusedError():
                return Trouble(Cause.UNREACHABLE, "nobody listens at its address; check base_url")
            case TimeoutError():
                return Trouble(Cause.UNREACHABLE, "it did not take a connection in time; check base_url and firewalls")
            case _:
                continue
    return Trouble(Cause.UNREACHABLE, "no connection came about; check base_url and firewalls")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop(0)
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        # aiohttp keeps what the operating system said beside the chain that Python makes.
        waiting += [getattr(link, "os_error", None), getattr(link, "certificate_error", None)]
        waiting += [link.__cause__, link.__context__]
