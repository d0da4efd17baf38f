"""Tells who calls: by an API key of ours, or by a token of the issuer that is trusted."""

from collections.abc import Mapping
from typing import Protocol

from infra.gateway.access.caller import Caller, Stranger
from infra.gateway.access.credentials import bearer
from infra.gateway.access.key_directory import KeyDirectory
from infra.gateway.access.key_text import MARK, NoKey, read


class TokenReader(Protocol):
    async def caller(self, token: str) -> Caller:
        """Whose token it is.

        Raises:
            Stranger: it proves nothing.
            StoreError: the issuer's keys are not known now.
        """
        ...


class Gatekeeper:
    """Every request is judged anew, so that what was revoked opens nothing."""

    def __init__(self, keys: KeyDirectory, tokens: TokenReader | None) -> None:
        self._keys = keys
        self._tokens = tokens

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Who calls.

        Raises:
            Stranger: without credentials or with wrong ones.
            StoreError: it cannot be told now.
        """
        text = bearer(headers)
        if text.startswith(MARK):
            return await self._of_key(text)
        if self._tokens is None:
            raise Stranger("unknown")
        return await self._tokens.caller(text)

    async def _of_key(self, text: str) -> Caller:
        try:
            presented = read(text)
        except NoKey:
            raise Stranger("malformed") from None
        key, refusal = await self._keys.find(presented)
        if key is not None and refusal is None:
            return key.as_caller()
        raise Stranger(refusal or "unknown", None if key is None else key.caller_id)
