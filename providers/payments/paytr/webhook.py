"""Their calls to us: forms. Pure: bytes in, a notice out. A notice is a hint; the payment is asked for, not taken.

Source: README, "Callbacks".
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from pydantic import SecretStr

from providers.notices import Call, CallAnswer, Notice, Refused, Webhooks, named
from providers.payments.paytr.signing import token
from providers.signatures import first_fit
from schemas.payments.notices import ProviderState
from schemas.webhooks import Verified

KINDS: Final = ("payment", "link")
_MOST_FIELDS: Final = 100
_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {"success": "captured", "failed": "failed", "info": "pending"}
)
_SECRETS: Final = ("merchant_key", "merchant_salt")
_SIGNED_NAMES: Final = ("callback_id", "merchant_oid", "status", "total_amount")


def read_notice(call: Call) -> Notice | Refused:
    """The notice, when it is theirs and can be read.

    PayTR gives a call no id and no moment, and calls again until it hears `OK`. The event's id is made of all that is
    signed, so that every repeat has the same one.
    """
    fields = _fields(call.body)
    if fields is None:
        return Refused("malformed")
    given = fields.get("hash")
    if not given:
        return Refused("missing")
    callback_id, reference, status, total = (fields.get(name, "") for name in _SIGNED_NAMES)
    # Whether the interim word of a bank transfer is signed like the others is not documented: it may lack the amount.
    readable = total.isascii() and (total.isdigit() or (status == "info" and not total))
    if status not in _STATES or not reference or not readable:
        return Refused("malformed")
    index = first_fit([signature_of(fields, secrets) for secrets in call.credentials], [given])
    if index is None:
        return Refused("wrong")
    if fields.get("test_mode") == "1" and call.environment == "production":
        return Refused("wrong_environment")
    event = "|".join([*([callback_id] if callback_id else []), reference, status, total])
    return Notice(
        verified=Verified(arrived_at=call.arrived_at, secret_index=index),
        event_id=named(event) or hashlib.sha256(event.encode("utf-8", "replace")).hexdigest(),
        event_type=status,
        our_reference=named(reference),
        said=_STATES[status],
    )


def signature_of(fields: Mapping[str, str], secrets: Mapping[str, SecretStr]) -> str | None:
    """What `hash` is by one set of secrets, the salt in the middle; `None` where the set lacks one of the two."""
    key, salt = (secrets[name].get_secret_value() if name in (*secrets,) else "" for name in _SECRETS)
    if not key or not salt:
        return None
    callback_id, reference, status, total = (fields.get(name, "") for name in _SIGNED_NAMES)
    return token(callback_id + reference + salt + status + total, key)


def _fields(body: bytes) -> dict[str, str] | None:
    """The form's fields; `None` where it is no form, or a name stands twice and readers would disagree."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        return None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else None


WEBHOOKS: Final = Webhooks(KINDS, read_notice, CallAnswer(body=b"OK"))
