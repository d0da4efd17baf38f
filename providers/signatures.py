"""Whether a call to us is theirs: signatures over the exact bytes received, against every secret that is live.

Pure: when it came in is an argument. A body is never parsed before it is checked, nor put together again.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import SecretStr

from providers.notices import Refused
from schemas.errors import SettingsError
from schemas.webhooks import Verified

TOLERANCE_S: Final = 300.0
"""How far a signed moment may lie from the arrival, on both sides, by the documents of Stripe and Standard Webhooks."""

_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
"""Header names are ASCII by protocol; folding them must not depend on anybody's alphabet."""
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_SIGNED_ID: Final = re.compile(r"[!-\-/-~]{1,200}")
"""Printable ASCII without a dot: with one, the same signed text could be cut into id, moment and body in two ways."""
_STANDARD_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret that calls to us may be signed with, until its end."""

    value: SecretStr = field(repr=False)
    live_until: datetime | None = None

    def __post_init__(self) -> None:
        if not self.value.get_secret_value():
            raise ValueError("a secret is empty: anybody could sign with it")

    def is_live(self, at: datetime) -> bool:
        return self.live_until is None or at < self.live_until


def secrets_named(credentials: Sequence[Mapping[str, SecretStr]], name: str) -> tuple[LiveSecret, ...]:
    """One secret of each set that has it, in their order: what a call to us may be signed with.

    Raises:
        NotSent: the account has no live credentials. Nothing can be said of the call; they should call again.
    """
    return tuple(LiveSecret(one[name]) for one in credentials if name in tuple(one))


def header_of(headers: Mapping[str, str], name: str) -> str | None:
    """The value under a lower-case name, in whatever case it came; `None` when it is empty, absent, or there twice."""
    values = [value.strip(" \t") for key, value in headers.items() if key.translate(_FOLD) == name]
    return values[0] or None if len(values) == 1 else None


def signer_of(
    secrets: Sequence[LiveSecret], arrived_at: datetime, sign: Callable[[str], str], given: Sequence[str]
) -> int | None:
    """Which secret gives one of the signatures that came; every live one is compared with each, in constant time.

    Args:
        sign: the signature as it stands in the header, from a secret's text.
    """
    live = (secret.value.get_secret_value() if secret.is_live(arrived_at) else None for secret in secrets)
    return first_fit([None if secret is None else sign(secret) for secret in live], given)


def first_fit(expected: Sequence[str | None], given: Sequence[str]) -> int | None:
    """Which of the signatures that would be right has come; each is compared with each, in constant time."""
    found = None
    for index, right in enumerate(expected):
        if right is not None:
            for one in given:
                fits = hmac.compare_digest(right.encode(), one.encode("utf-8", "replace"))
                if fits and found is None:
                    found = index
    return found


@dataclass(frozen=True, slots=True)
class BodySignature:
    """HMAC-SHA256 over the body. It carries no moment: a repeat is known by the event's own id alone.

    Attributes:
        header: its name in lower case.
        prefix: what stands before the signature, such as `sha256=`.
    """

    header: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[LiveSecret], arrived_at: datetime
    ) -> Verified | Refused:
        given = header_of(headers, self.header)
        if given is None:
            return Refused("missing")
        if not given.startswith(self.prefix):
            return Refused("malformed")

        def sign(secret: str) -> str:
            digest = _digest(secret.encode(), body)
            return self.prefix + (digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode())

        index = signer_of(secrets, arrived_at, sign, [given])
        return Refused("wrong") if index is None else Verified(arrived_at=arrived_at, secret_index=index)


@dataclass(frozen=True, slots=True)
class TimedSignature:
    """Stripe's form: `t=…,v1=…`, hex over `t.body`; any `v1` may fit, other versions are passed over.

    Source: Stripe, "Verify webhook signatures manually".
    """

    header: str = "stripe-signature"
    version: str = "v1"
    tolerance_s: float = TOLERANCE_S

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[LiveSecret], arrived_at: datetime
    ) -> Verified | Refused:
        value = header_of(headers, self.header)
        if value is None:
            return Refused("missing")
        parts = [part.partition("=") for part in value.split(",")]
        moments = [text for name, _, text in parts if name == "t"]
        given = [text for name, _, text in parts if name == self.version]
        if len(moments) != 1 or not _SECONDS.fullmatch(moments[0]) or not given:
            return Refused("malformed")
        message = moments[0].encode() + b"." + body
        index = signer_of(secrets, arrived_at, lambda secret: _digest(secret.encode(), message).hex(), given)
        return _timely(index, moments[0], arrived_at, self.tolerance_s)


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Base64 over `id.timestamp.body`, each signature with its version before it; any `v1` may fit.

    Source: Standard Webhooks 1.0.0, "Verifying signatures". Their asymmetric `v1a` is passed over.

    Attributes:
        prefix: of the three headers' names; some send `svix-`.
    """

    prefix: str = "webhook-"
    tolerance_s: float = TOLERANCE_S

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[LiveSecret], arrived_at: datetime
    ) -> Verified | Refused:
        """Check one call.

        Raises:
            SettingsError: a live secret is not base64.
        """
        signed_id, moment, signatures = (
            header_of(headers, self.prefix + name) for name in ("id", "timestamp", "signature")
        )
        if signed_id is None or moment is None or signatures is None:
            return Refused("missing")
        given = [one for one in signatures.split(" ") if one.startswith("v1,")]
        if not _SIGNED_ID.fullmatch(signed_id) or not _SECONDS.fullmatch(moment) or not given:
            return Refused("malformed")
        message = f"{signed_id}.{moment}.".encode() + body

        def sign(secret: str) -> str:
            return "v1," + base64.b64encode(_digest(_standard_key(secret), message)).decode()

        index = signer_of(secrets, arrived_at, sign, given)
        return _timely(index, moment, arrived_at, self.tolerance_s, signed_id)


def _timely(
    index: int | None, moment: str, arrived_at: datetime, tolerance_s: float, signed_id: str | None = None
) -> Verified | Refused:
    """The verdict on a moment that is signed with the secret `index`."""
    if index is None:
        return Refused("wrong")
    signed_at = datetime.fromtimestamp(int(moment), UTC)
    age_s = (arrived_at - signed_at).total_seconds()
    if abs(age_s) > tolerance_s:
        return Refused("too_old" if age_s > 0 else "from_the_future")
    return Verified(arrived_at=arrived_at, secret_index=index, signed_at=signed_at, signed_id=signed_id)


def _standard_key(secret: str) -> bytes:
    text = secret.removeprefix(_STANDARD_PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SettingsError("a webhook secret is not base64; set it again as the provider shows it, with its whsec_")
    return key


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
