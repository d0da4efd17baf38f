"""Their calls to us: forms. Pure: bytes in, a notice out. A notice is a hint; the payment is asked for, not taken.

Four kinds come: of a payment, of a payment on a link, of transfers that were made, and of returned money that was sent
again. Each has a hash of its own.

Source: README, "Callbacks".
"""

import hashlib
import json
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

KINDS: Final = ("payment", "link", "transfers", "cashout")
_MOST_FIELDS: Final = 100
_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {"success": "captured", "failed": "failed", "info": "pending"}
)
_SECRETS: Final = ("merchant_id", "merchant_key", "merchant_salt")
_OF_A_PAYMENT: Final = ("callback_id", "merchant_oid", "status", "total_amount")

Secrets = Mapping[str, SecretStr]


def read_notice(call: Call) -> Notice | Refused:
    """The notice, when it is theirs and can be read.

    PayTR gives a call no id and no moment, and calls again until it hears `OK`. The event's id is made of all that is
    signed, so that every repeat has the same one.
    """
    fields = _fields(call.body)
    if fields is None:
        return Refused("malformed")
    if not fields.get("hash"):
        return Refused("missing")
    if "trans_ids" in fields:
        return _of_transfers(call, fields)
    if fields.get("mode") == "cashout":
        return _of_a_cashout(call, fields)
    return _of_a_payment(call, fields)


def signature_of(fields: Mapping[str, str], secrets: Secrets) -> str | None:
    """What `hash` is by one set of secrets; `None` where the set lacks one."""
    account, key, salt = (secrets[name].get_secret_value() if name in (*secrets,) else "" for name in _SECRETS)
    if not key or not salt:
        return None
    if "trans_ids" in fields:
        return token(_unescaped(fields["trans_ids"]) + salt, key)
    if fields.get("mode") == "cashout":
        return token(account + fields.get("trans_id", "") + salt, key) if account else None
    callback_id, order, status, total = (fields.get(name, "") for name in _OF_A_PAYMENT)
    return token(callback_id + order + salt + status + total, key)


def _of_a_payment(call: Call, fields: Mapping[str, str]) -> Notice | Refused:
    callback_id, order, status, total = (fields.get(name, "") for name in _OF_A_PAYMENT)
    # Whether the interim word of a bank transfer is signed like the others is not documented: it may lack the amount.
    readable = total.isascii() and (total.isdigit() or (status == "info" and not total))
    if status not in _STATES or not order or not readable:
        return Refused("malformed")
    verified = _verified(call, fields)
    if isinstance(verified, Refused):
        return verified
    if fields.get("test_mode") == "1" and call.environment == "production":
        return Refused("wrong_environment")
    event = "|".join([*([callback_id] if callback_id else []), order, status, total])
    return Notice(
        verified=verified,
        event_id=_event_id(event),
        event_type=status,
        # An order on a link is PayTR's own; what we sent is the reference of the link's making.
        our_reference=named(callback_id or order),
        about="resource" if callback_id else "payment",
        order_reference=named(order) if callback_id else None,
        said=_STATES[status],
        customer_key=named(fields.get("utoken")),
    )


def _of_transfers(call: Call, fields: Mapping[str, str]) -> Notice | Refused:
    """They were made. Several of them are one call, and are then found one by one in the call that is kept."""
    try:
        numbers = json.loads(_unescaped(fields["trans_ids"]))
    except (ValueError, RecursionError):
        return Refused("malformed")
    if not isinstance(numbers, list) or not numbers or not all(isinstance(one, str) and one for one in numbers):
        return Refused("malformed")
    verified = _verified(call, fields)
    if isinstance(verified, Refused):
        return verified
    return Notice(
        verified=verified,
        event_id=_event_id("|".join(("transfers", *numbers))),
        event_type="transfers",
        our_reference=named(numbers[0]) if len(numbers) == 1 else None,
    )


def _of_a_cashout(call: Call, fields: Mapping[str, str]) -> Notice | Refused:
    """Returned money was sent again, or could not be: how it ended is not signed, and is not believed."""
    number = fields.get("trans_id", "")
    if not number:
        return Refused("malformed")
    verified = _verified(call, fields)
    if isinstance(verified, Refused):
        return verified
    return Notice(
        verified=verified,
        event_id=_event_id(f"cashout|{number}"),
        event_type="cashout",
        our_reference=named(number),
    )


def _verified(call: Call, fields: Mapping[str, str]) -> Verified | Refused:
    index = first_fit([signature_of(fields, secrets) for secrets in call.credentials], [fields["hash"]])
    return Refused("wrong") if index is None else Verified(arrived_at=call.arrived_at, secret_index=index)


def _event_id(event: str) -> str:
    return named(event) or hashlib.sha256(event.encode("utf-8", "replace")).hexdigest()


def _unescaped(listed: str) -> str:
    """Some of their servers write a backslash before each quote; what is signed has none."""
    return listed.replace("\\", "")


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


WEBHOOKS: Final = Webhooks(KINDS, read_notice, CallAnswer(body=b"OK"), tells_failures_alone=True)
