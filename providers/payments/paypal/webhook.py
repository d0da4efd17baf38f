"""Their calls to us: events. Pure: headers, bytes and their certificate in, a notice out.

What they sign holds no more of the body than its CRC-32, and another body with the same one is easily made by whoever
saw one genuine call. So a notice says no more than "look": what it names is asked for, and nothing else is believed.

Source: README, "Webhooks".
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from providers.notices import Call, Notice, Refused, Vouching, Webhooks, named
from providers.payments.paypal.certificates import signs
from providers.payments.paypal.look_ups import VERIFIED_CALL, CallToVerify, CallVerdict
from providers.payments.paypal.moments import moment
from providers.reading import Unreadable, parse_json
from providers.signatures import header_of, secrets_named
from schemas.payments.notices import ProviderState
from schemas.webhooks import Verified

_ALGORITHM: Final = "SHA256withRSA"
_HOSTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "production": ("https://api.paypal.com", "https://api-m.paypal.com"),
        "sandbox": ("https://api.sandbox.paypal.com", "https://api-m.sandbox.paypal.com"),
    }
)
"""Where certificates lie, letter by letter: anybody can write the header that names one. An account whose own address
was set, for a simulator, has them there and nowhere else."""
_FOLDER: Final = "/v1/notifications/certs"
_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,200}")
_SIGNED: Final = re.compile(r"[!-{}~]{1,200}")
"""Printable ASCII without a bar: with one, the same signed text could be cut into its parts in two ways."""
_STATES: Final[Mapping[str, ProviderState]] = MappingProxyType(
    {
        "CHECKOUT.ORDER.APPROVED": "pending",
        "PAYMENT.AUTHORIZATION.CREATED": "authorized",
        "PAYMENT.AUTHORIZATION.VOIDED": "cancelled",
        "PAYMENT.CAPTURE.COMPLETED": "captured",
        "PAYMENT.CAPTURE.PENDING": "pending",
        "PAYMENT.CAPTURE.DECLINED": "failed",
        "PAYMENT.CAPTURE.DENIED": "failed",
    }
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What the headers of a call say of its signature."""

    transmission_id: str
    transmission_time: str
    value: str
    certificate: str
    algorithm: str


def signature_of(headers: Mapping[str, str]) -> Signature | None:
    """`None` where a header is missing, empty or there twice."""
    names = ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")
    found = [header_of(headers, f"paypal-{name}") for name in names]
    present = [value for value in found if value is not None]
    return Signature(*present) if len(present) == len(names) else None


def certificate_address(call: Call) -> str | None:
    """Where their certificate lies; `None` where the call names none, or anything but an address of theirs for it."""
    signature = signature_of(call.headers)
    if signature is None:
        return None
    folder, _, name = signature.certificate.rpartition("/")
    simulator = call.settings.base_url
    hosts = _HOSTS.get(call.environment, ()) if simulator is None else (simulator,)
    allowed = folder in {f"{host}{_FOLDER}" for host in hosts} and _NAME.fullmatch(name)
    return signature.certificate if allowed else None


def read_notice(call: Call) -> Notice | Refused:
    """The notice, when it is theirs and can be read. The webhook's id, which is signed, says whose account it is."""
    verdict = _verified(call)
    if isinstance(verdict, Refused):
        return verdict
    try:
        event = _object(parse_json(call.body))
    except Unreadable:
        return Refused("malformed")
    event_id = named(event.get("id"))
    if event_id is None:
        return Refused("malformed")
    event_type = named(event.get("event_type")) or "unnamed"
    return Notice(
        verified=verdict,
        event_id=event_id,
        event_type=event_type,
        said=_STATES.get(event_type),
        **_subject(event_type, _object(event.get("resource"))),
    )


def _verified(call: Call) -> Verified | Refused:
    signature = signature_of(call.headers)
    if signature is None:
        return Refused("missing")
    address, value = certificate_address(call), _base64(signature.value)
    signed = (signature.transmission_id, signature.transmission_time)
    if address is None or value is None or signature.algorithm != _ALGORITHM:
        return Refused("malformed")
    if not all(_SIGNED.fullmatch(one) for one in signed):
        return Refused("malformed")
    if call.vouched is not None:
        return _found(call, signature, call.vouched)
    fetched = call.fetched
    if fetched is None or fetched.address != address:
        return Refused("missing")
    index = None
    for place, secret in enumerate(secrets_named(call.credentials, "webhook_id")):
        message = "|".join((*signed, secret.value.get_secret_value(), str(zlib.crc32(call.body)))).encode()
        fits = signs(
            message,
            value,
            chain=fetched.body,
            roots=fetched.roots,
            environment=call.environment,
            at=call.arrived_at,
        )
        index = place if fits and index is None else index
    if index is None:
        return Refused("wrong")
    return _found(call, signature, index)


def _found(call: Call, signature: Signature, index: int) -> Verified:
    return Verified(
        arrived_at=call.arrived_at,
        secret_index=index,
        signed_at=moment(signature.transmission_time),
        signed_id=named(signature.transmission_id),
    )


def _base64(text: str) -> bytes | None:
    """The bytes, of a text that is written in the one way there is."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def _subject(event_type: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    """What it is about, by the names under which the hub may know it.

    A refund mostly names no order. One of ours carries the reference of its attempt; one that was made in PayPal's
    dashboard, where it names anything, what its capture carries.
    """
    related = _object(_object(resource.get("supplementary_data")).get("related_ids"))
    order = named(related.get("order_id"))
    match event_type.split("."):
        case ["CHECKOUT", "ORDER", *_]:
            units = resource.get("purchase_units")
            unit = _object(units[0]) if isinstance(units, list) and units else {}
            return {"our_reference": named(unit.get("custom_id")), "provider_reference": named(resource.get("id"))}
        case ["PAYMENT", "CAPTURE", "REFUNDED"] | ["PAYMENT", "REFUND", *_]:
            ours = named(resource.get("custom_id")) or named(resource.get("invoice_id"))
            return {"our_reference": ours, "provider_reference": order}
        case ["PAYMENT", "CAPTURE" | "AUTHORIZATION", *_]:
            return {"our_reference": named(resource.get("custom_id")), "provider_reference": order}
        case ["CUSTOMER", "DISPUTE", *_]:
            paid = resource.get("disputed_transactions")
            first = _object(paid[0]) if isinstance(paid, list) and paid else {}
            ours = named(first.get("custom")) or named(first.get("invoice_number"))
            return {"our_reference": ours, "dispute_reference": named(resource.get("dispute_id"))}
        case ["BILLING", "SUBSCRIPTION", *_]:
            return {"about": "resource", "provider_reference": named(resource.get("id"))}
        case ["PAYMENT", "SALE", *_] if resource.get("billing_agreement_id") is not None:
            subscription = named(resource.get("billing_agreement_id"))
            charge = named(resource.get("id"))
            return {"about": "resource", "provider_reference": subscription, "order_reference": charge}
        case _:
            return {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def questions_about(call: Call) -> Sequence[CallToVerify]:
    """What PayPal is asked about a call, for each webhook's id that is live; nothing about what is no event."""
    signature = signature_of(call.headers)
    try:
        text = call.body.decode()
        is_event = isinstance(parse_json(call.body), dict)
    except (UnicodeDecodeError, Unreadable):
        return ()
    if signature is None or not is_event:
        return ()
    return [
        CallToVerify(
            webhook_id=secret.value.get_secret_value(),
            transmission_id=signature.transmission_id,
            transmission_time=signature.transmission_time,
            transmission_sig=signature.value,
            cert_url=signature.certificate,
            auth_algo=signature.algorithm,
            body=text,
        )
        for secret in secrets_named(call.credentials, "webhook_id")
    ]


def is_genuine(verdict: object) -> bool:
    return isinstance(verdict, CallVerdict) and verdict.genuine


WEBHOOKS: Final = Webhooks(
    ("event",),
    read_notice,
    needs=certificate_address,
    vouched_by=Vouching(VERIFIED_CALL, questions_about, is_genuine),
)
