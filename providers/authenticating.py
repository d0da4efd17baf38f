"""How a request says whose it is: headers, and fields of a form where the provider wants them in there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus, urlencode

from pydantic import SecretStr

from providers.connector import Connector, Credentials, Request


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A request as it leaves.

    Attributes:
        request: with the fields that joined its form.
        headers: those that authenticate it.
        proofs: every text that vouches for it, as it is sent: an answer might repeat them, and no record may.
    """

    request: Request
    headers: Mapping[str, str] = field(repr=False)
    proofs: tuple[str, ...] = field(repr=False)


def authenticate(
    connector: Connector, request: Request, credentials: Credentials, nonce: str, token: SecretStr | None = None
) -> Authenticated:
    """Sign one request, as its connector says; with the account's access token where its calls carry one."""
    fields = {} if connector.sign_form is None else connector.sign_form(request, credentials)
    if fields:
        joined = b"&".join(part for part in (request.body, urlencode(fields).encode()) if part)
        request = replace(request, body=joined)
    headers = dict(connector.sign(request, credentials, nonce))
    # Behind the scheme's name stands what counts, and an answer may repeat that alone.
    bare = (value.rpartition(" ")[2] for value in headers.values())
    proofs = (*headers.values(), *bare, *fields.values(), *(quote_plus(value) for value in fields.values()))
    if token is not None and connector.token is not None:
        carried = connector.token.carry(token)
        headers |= carried
        proofs = (*proofs, token.get_secret_value(), *carried.values())
    return Authenticated(request, headers, proofs)
