"""The key that seals what the hub keeps secret."""

import base64
import binascii

from pydantic import SecretStr

_BYTES = 32


def master_key(text: SecretStr) -> bytes:
    """The 32 bytes of `INTEGRATION_ENCRYPTION_KEY`.

    Raises:
        ValueError: it is not base64 of 32 bytes; the message does not repeat it.
    """
    try:
        key = base64.b64decode(text.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _BYTES:
        raise ValueError(f"must be base64 of {_BYTES} bytes; make one with `openssl rand -base64 {_BYTES}`")
    return key
