"""From a command to the exact bytes of a request, before anything is marked or sent. Pure."""

import hashlib
from collections.abc import Callable
from typing import Any

from providers.connector import Attempt, Integration, Operation, Request, Unsayable
from providers.exchange import Prepared
from providers.scrub import Scrubber
from schemas.errors import NotSent
from schemas.payments import Reason
from schemas.payments.vocabulary import Command


def prepare(integration: Integration, operation: Operation[Any, Any], command: Command, attempt: Attempt) -> Prepared:
    """The exact request for one attempt.

    Raises:
        NotSent: it can never be sent like this; `reason` is one of `Reason`'s words.
    """
    connector = integration.connector
    if connector.operation_for(type(command)) is not operation:
        raise refused(integration, operation.name, Reason.UNSUPPORTED_OPERATION, "it does not perform this command")
    method = getattr(command, "method", None)
    if method is not None and method.kind not in connector.methods:
        offered = ", ".join(connector.methods)
        raise refused(
            integration, operation.name, Reason.UNSUPPORTED_METHOD, f"{method.kind} is not taken; send {offered}"
        )
    attempt = integration.seen_by(attempt)
    request = built(integration, operation.name, lambda: operation.build(command, attempt))
    digest = _digest(request, Scrubber(connector.secret) if attempt.card is not None else None)
    return Prepared(integration, operation, command, attempt, request, digest)


def built(integration: Integration, operation: str, build: Callable[[], Request]) -> Request:
    """A request that the account's secrets are there for, and of its environment; raises as `prepare`."""
    missing = [name for name in integration.connector.credentials if name not in integration.credentials]
    if missing:
        raise refused(integration, operation, Reason.CONFIGURATION, f"set its {' and '.join(missing)}")
    told = integration.connector.environment_of
    environment = None if told is None else told(integration.credentials)
    if environment not in {None, integration.environment}:
        detail = f"its secrets are of {environment}, and it is of {integration.environment}; set the right ones"
        raise refused(integration, operation, Reason.CONFIGURATION, detail)
    try:
        return build()
    except Unsayable as unsayable:
        raise refused(integration, operation, unsayable.reason, unsayable.detail) from None


def refused(integration: Integration, operation: str, reason: Reason, detail: str) -> NotSent:
    return NotSent(
        f"{integration.id} ({operation}): {detail}",
        provider=integration.connector.name,
        operation=operation,
        reason=reason.value,
    )


def _digest(request: Request, hiding: Scrubber | None) -> str:
    query = "&".join(f"{name}={value}" for name, value in request.query)
    # A key in a header says which request it repeats: under another one the same body is a second payment.
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers)
    body = request.body if hiding is None else hiding.scrub_whole(request.body).encode()
    head = f"{request.method} {request.path}?{query}\n{headers}"
    return hashlib.sha256(b"\n".join((head.encode(), body))).hexdigest()
