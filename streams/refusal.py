"""Why a broker does not let us in, or not do something, in words that name the setting to look at."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)

_WITHIN_S: Final = 10.0
_STEP_S: Final = 3.0
"""For each of the few round trips: a connection that is cut off from outside while it opens would stay open."""

_NOT_ALLOWED: Final = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "group",
    TransactionalIdAuthorizationFailed: "transactional id",
}


async def why_not_in(addresses: Sequence[str], options: Mapping[str, Any]) -> str | None:
    """What keeps us out of the first broker that can be reached at all; `None` when nothing tells.

    aiokafka tells it to its log alone, and says of every failure that it could not bootstrap (0.14.0, seen 2026-11).
    """
    for address in addresses:
        try:
            async with asyncio.timeout(_WITHIN_S):
                await _knock(address, options)
        except (KafkaError, OSError, TimeoutError) as refused:
            said = _said(refused, str(options["security_protocol"]))
            if said is not None:
                return said
    return None


def not_allowed(failed: BaseException) -> str | None:
    """What the account may not do, and where to get the right; `None` when the failure is another one."""
    advice = "`kolaj acls` writes the lines that give each process its rights"
    if isinstance(failed, ClusterAuthorizationFailedError):
        # What a producer is told who may write to no topic at all.
        return f"Kafka does not allow this account to write to any topic: {advice}"
    for kind, resource in _NOT_ALLOWED.items():
        if isinstance(failed, kind):
            named = failed.args[0] if failed.args else ""
            names = ", ".join(sorted(named)) if isinstance(named, list | set | tuple | frozenset) else str(named)
            return f"Kafka does not allow this account what it needs of {resource} {names}: {advice}"
    return None


async def _knock(address: str, options: Mapping[str, Any]) -> None:
    host, _, port = address.rpartition(":")
    given = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    given["request_timeout_ms"] = int(_STEP_S * 1000)
    connection = await create_conn(host.strip("[]"), int(port), **given)
    connection.close()


def _said(refused: BaseException, protocol: str) -> str | None:
    match refused:
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not to be trusted ({refused.verify_message}): name the authority that signed it "
                "in KAFKA_CA_FILE, and the broker in KAFKA_BOOTSTRAP as the certificate does"
            )
        case ssl.SSLError():
            return f"we do not agree on TLS ({refused.reason}): check KAFKA_SECURITY_PROTOCOL, which is {protocol}"
        case SaslAuthenticationFailed():
            return "it refused KAFKA_USERNAME or KAFKA_PASSWORD: check both"
        case UnsupportedSaslMechanismError():
            return "it does not know KAFKA_SASL_MECHANISM: set the one that its listener offers"
        case IllegalSaslStateError():
            return f"it asks for no password there: check KAFKA_SECURITY_PROTOCOL, which is {protocol}"
        case KafkaConnectionError() if protocol in {"SSL", "SASL_SSL"}:
            return (
                "it hung up: it may be starting or stopping, or ask for a certificate that it trusts (KAFKA_CERT_FILE, "
                "KAFKA_KEY_FILE)"
            )
        case KafkaConnectionError():
            return (
                "it hung up: it may be starting or stopping, or speak TLS alone: check KAFKA_SECURITY_PROTOCOL, which "
                f"is {protocol}"
            )
        case _:
            return None
