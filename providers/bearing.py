"""Calls that carry an access token: the account's, asked for once for all its calls, and anew once it was refused."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from providers.connector import Answer, Integration, TokenRequest
from providers.tokens import Grant, Token, TokenAccount, TokenCache
from schemas.errors import NotSent

NAMES: Final = frozenset({"access_token", "refresh_token", "id_token"})
"""Fields of an answer that hold tokens (RFC 6749, 5.1); no record shows them, whatever a connector declares."""

Ask = Callable[[Integration, TokenRequest[Any]], Awaitable[Grant]]
"""Makes the one request for a token; it is given the account as it stands while it asks."""


@dataclass(frozen=True, slots=True)
class Held:
    """A token in use by one call."""

    account: TokenAccount
    token: Token


class Bearing:
    """The tokens of one process's calls. Accounts whose provider gives none have nothing to do with it."""

    def __init__(self, tokens: TokenCache) -> None:
        self._tokens = tokens
        self._key = secrets.token_bytes(32)

    async def held(self, integration: Integration, ask: Ask, *, within_s: float) -> Held | None:
        """The account's token; `None` where its calls carry none.

        Raises:
            NotSent: no token came in time (`no_token`), or the provider gives none to these keys (a word of `Reason`).
            Throttled: the provider asks for a pause.
        """
        wanted = integration.connector.token
        if wanted is None:
            return None
        account = self._account(integration)
        try:
            async with asyncio.timeout(within_s):
                token = await self._tokens.get(account, lambda _refresh: ask(_asking(integration, wanted), wanted))
        except TimeoutError:
            raise _not_sent(integration, "no_token", f"no access token came within {within_s:.1f} s") from None
        return Held(account, token)

    def heard(self, held: Held | None, integration: Integration, answer: Answer, *, since: datetime) -> None:
        """What an answer says of the token that its call carried.

        A 401 gives the token up. One to a token that was asked for after `since`, for this very call, is left to the
        connector: a fresh token was not taken either, so that something else is wrong with the account.

        Raises:
            NotSent: the token was refused (`token_refused`) and nothing was performed; with a new one it may be sent.
        """
        if held is None or answer.status != HTTPStatus.UNAUTHORIZED:
            return
        self._tokens.refuse(held.account, held.token)
        if held.token.asked_at < since:
            raise _not_sent(integration, "token_refused", "the access token was not taken; nothing was performed")

    def _account(self, integration: Integration) -> TokenAccount:
        """Whose token it is: with other keys, or at another address, it is another one.

        The version is a digest keyed for this process alone: it can be compared, and nobody can search for the keys.
        """
        keys = integration.credentials
        named = [(name, keys[name].get_secret_value()) for name in integration.connector.credentials if name in keys]
        told = repr((integration.base_url, integration.revision, named)).encode()
        version = int.from_bytes(hmac.new(self._key, told, hashlib.sha256).digest()[:8], "big")
        return TokenAccount(integration.connector.name, integration.environment, integration.id, version)


def _asking(integration: Integration, wanted: TokenRequest[Any]) -> Integration:
    """The account while it asks: what it sends is signed for that and carries no token; what comes shows nowhere."""
    connector = integration.connector
    secret = connector.secret | NAMES
    return replace(
        integration, connector=replace(connector, sign=wanted.sign, sign_form=None, secret=secret, token=None)
    )


def _not_sent(integration: Integration, reason: str, message: str) -> NotSent:
    return NotSent(message, provider=integration.connector.name, operation="token", reason=reason)
