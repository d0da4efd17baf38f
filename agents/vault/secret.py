"""A secret value that stays where it is: it does not print, pickle, copy or serialise, and can be overwritten."""

import hmac
from typing import Any, NoReturn, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from agents.vault.envelope import wipe

_MASK = "Secret(***)"


class Secret:
    """A value in a buffer of its own, which `wipe` overwrites, as does its end.

    Pydantic's `SecretStr` masks what it prints, but pickles and copies in clear. Where the text itself is needed
    (`reveal`), Python makes a string that nothing can overwrite: it lives until the interpreter gives its memory away.
    """

    __slots__ = ("_buffer",)

    def __init__(self, value: str | bytes | bytearray) -> None:
        """A `bytearray` is taken over, not copied."""
        self._buffer = value if isinstance(value, bytearray) else bytearray(_bytes(value))

    def reveal(self) -> str:
        """The text; empty once it was wiped."""
        return self._buffer.decode()

    def reveal_bytes(self) -> bytes:
        return bytes(self._buffer)

    def wipe(self) -> None:
        """Overwrite the value and forget its length."""
        wipe(self._buffer)
        self._buffer.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def __del__(self) -> None:
        if hasattr(self, "_buffer"):
            self.wipe()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._buffer, other._buffer)

    __hash__ = None  # type: ignore[assignment]  # a hash in a dump would let the value be guessed

    def __repr__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        del protocol
        raise TypeError("a secret is neither pickled nor copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """A field of a model may hold one; the model then cannot be dumped with it."""
        del source, handler
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(_refuse)
        )


def _refuse(_: Secret) -> NoReturn:
    raise TypeError("a secret is not serialised")


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
