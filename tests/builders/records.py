"""Any body in its envelope, as a record of a topic."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from schemas.envelope import Envelope
from schemas.ids import new_id, result_id
from schemas.payments import LateOutcome
from streams.codec import Outgoing, encode

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""

SHOP = "tests/shop"
HUB = "kolaj/payments"


def an_envelope(body: BaseModel | type[BaseModel] | None = None, **changed: Any) -> Envelope:
    """The envelope for `body` (its type and, for a command's result, its derived id); `changed` wins."""
    command = getattr(body, "command_id", None)
    is_result = getattr(body, "verdict", None) is not None and not isinstance(body, LateOutcome)
    given: dict[str, Any] = {
        "id": result_id(command) if is_result and command is not None else new_id(),
        "type": getattr(body, "type", "payments.create.v1"),
        "source": SHOP,
        "time": NOON,
        **changed,
    }
    return Envelope(**given)


def a_record(topic: str, body: BaseModel, *, key: str | None = None, **envelope: Any) -> Outgoing:
    """`body` as a record for `topic`, keyed as the hub keys it: by payment, else by integration."""
    own = getattr(body, "key", None) or getattr(body, "payment_id", None) or getattr(body, "integration_id", "none")
    return encode(topic, key if key is not None else str(own), an_envelope(body, **envelope), body)
