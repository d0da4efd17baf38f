"""How a request says whose it is: by the account's access token, which the machinery carries. Answers are not signed.

Source: README, "Transport".
"""

import base64
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr, StrictInt

from providers.connector import Answer, Credentials, Request, TokenRequest
from providers.outcome import Refusal, UnusableAnswer
from providers.payments.paypal.errors import meaning_of, not_answered
from providers.payments.paypal.wire import Reply
from providers.tokens import Grant
from schemas.payments import Reason

_PATH: Final = "/v1/oauth2/token"
_FORM: Final = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
_LONGEST_S: Final = 86_400
"""They give about nine hours. Whatever is said beyond a day is not believed."""


class TokenReply(Reply):
    access_token: SecretStr | None = None
    token_type: str | None = None
    expires_in: StrictInt | None = None


def sign(_request: Request, _credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    return {}


def verify(_request: Request, answer: Answer, _credentials: Credentials) -> str | None:
    """Answers are not signed: the TLS connection is all that vouches for them."""
    return None if isinstance(answer.parsed, dict) else "the answer is not a JSON object"


def sign_token_request(_request: Request, credentials: Credentials, _nonce: str) -> Mapping[str, str]:
    named = ":".join(credentials[name].get_secret_value() for name in ("client_id", "client_secret"))
    return {"Authorization": f"Basic {base64.b64encode(named.encode()).decode()}"}


def read_token(reply: TokenReply) -> Grant | Refusal:
    """Raises `UnusableAnswer` where no token came that can be used, and no clear no."""
    if reply.failed:
        reason, failure = meaning_of(reply.name or reply.error, reply.issues)
        if reason is not Reason.INVALID_CREDENTIALS:
            raise not_answered(reply)
        detail = "PayPal does not know the client_id and client_secret here; copy both from its dashboard, of this mode"
        return Refusal(reason=reason, failure=failure, detail=detail, their_code=reply.word)
    token, expires_in_s = reply.access_token, reply.expires_in
    if token is None or not token.get_secret_value().isascii() or not token.get_secret_value().isprintable():
        raise UnusableAnswer("access_token is missing, or is none")
    if not token.get_secret_value() or expires_in_s is None or expires_in_s <= 0:
        raise UnusableAnswer("access_token is empty, or its time is missing or over")
    return Grant(token, min(expires_in_s, _LONGEST_S))


TOKEN: Final = TokenRequest(
    request=Request("POST", _PATH, b"grant_type=client_credentials", headers=_FORM, template=_PATH),
    sign=sign_token_request,
    reply=TokenReply,
    read=read_token,
)
