"""Fresh master keys."""

import base64
import os

from pydantic import SecretStr


def a_master_key() -> SecretStr:
    return SecretStr(base64.b64encode(os.urandom(32)).decode())
