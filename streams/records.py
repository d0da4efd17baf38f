"""Records as they lie in the log, before anything is read into them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.envelope import Header

RawHeader = tuple[str, bytes | None]

_ASCII_FOLD: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Position:
    """Where an appended record lies. `timestamp_ms` is the log's, in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record, byte for byte. A null key, value or header value is `None`, which is not the same as empty."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[RawHeader, ...]

    @classmethod
    def of(cls, record: Any) -> "RawRecord":
        """From a record of aiokafka's consumer."""
        # Its headers are a tuple of pairs already, which `tuple` hands back without a copy.
        headers = tuple(record.headers)
        return cls(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)

    @property
    def readable_headers(self) -> tuple[Header, ...]:
        """The headers as `decode` and other readers take them: a null value reads as an empty one."""
        headers = self.headers
        # Most records have no null among them; asking is cheaper than building pairs anew.
        for _, value in headers:
            if value is None:
                return tuple((name, content or b"") for name, content in headers)
        return headers  # type: ignore[return-value]  # the loop has just seen that no value is None

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset, self.timestamp_ms)

    def header(self, name: str) -> bytes | None:
        """The value of the first header of this name, upper and lower case of ASCII letters alike."""
        return header(self.headers, name)

    def text(self, name: str) -> str | None:
        """A header as text; bytes that are not UTF-8 are shown, not refused."""
        value = self.header(name)
        return None if value is None else value.decode("utf-8", "backslashreplace")


def header(headers: Iterable[RawHeader], name: str) -> bytes | None:
    wanted = ascii_fold(name)
    return next((value for own, value in headers if ascii_fold(own) == wanted), None)


def without(headers: Sequence[RawHeader], *prefixes: str) -> tuple[RawHeader, ...]:
    """The headers whose names begin with none of `prefixes` (given in lower case)."""
    return tuple(pair for pair in headers if not ascii_fold(pair[0]).startswith(prefixes))


def ascii_fold(name: str) -> str:
    """The name with ASCII capitals made small and nothing else touched.

    Names of protocols are ASCII; a general lower-casing would turn the Turkish `İ` into two characters, and in some
    runtimes `I` into a dotless letter.
    """
    return name.translate(_ASCII_FOLD)
