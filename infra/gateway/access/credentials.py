"""What a request shows to prove who calls: one bearer credential, an API key or a token."""

from collections.abc import Mapping
from typing import Final

from infra.gateway.access.caller import Stranger

LONGEST: Final = 8192
"""Characters of a credential that are looked at; a token of an issuer has one or two thousand."""
_SCHEME: Final = "Bearer "
_LOWER: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def bearer(headers: Mapping[str, str]) -> str:
    """The credential of a request's headers.

    Raises:
        Stranger: there is none, or more than one, or it is of another scheme.
    """
    shown = [value for name, value in headers.items() if name.translate(_LOWER) == "authorization"]
    if not shown:
        raise Stranger("missing")
    scheme, text = shown[0][: len(_SCHEME)], shown[0][len(_SCHEME) :].strip(" ")
    if len(shown) > 1 or scheme.translate(_LOWER) != _SCHEME.translate(_LOWER) or not text or len(text) > LONGEST:
        raise Stranger("malformed")
    return text
