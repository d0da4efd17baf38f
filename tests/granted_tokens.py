"""Access tokens that are there already, so that what a test looks at is the call that carries one."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

from pydantic import SecretStr

from providers.tokens import Token, TokenAccount, TokenCache


class _Shelf:
    """A store in which every account has a token for good."""

    def turn(self, _account: TokenAccount) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    async def load(self, _account: TokenAccount) -> Token | None:
        begins, ends = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
        return Token(1, SecretStr("granted-token-0123456789abcdef"), None, begins, ends)

    async def put(self, _account: TokenAccount, _token: Token) -> None:
        raise AssertionError("every account has its token")


def granted_tokens() -> TokenCache:
    return TokenCache(now=lambda: datetime.now(UTC), store=_Shelf())
