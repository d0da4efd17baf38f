"""Those on whose account a marketplace sells: `/onboarding/submerchant`. Our resource id is their external id there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from providers.connector import Attempt, Request
from providers.outcome import Finding, Outcome, Sighting, UnusableAnswer
from providers.payments.iyzico.detail import not_answered
from providers.payments.iyzico.errors import refusal
from providers.payments.iyzico.known_resource import reference_of
from providers.payments.iyzico.wire import Envelope, Word, post, with_body
from schemas.payments.resources import QuerySubMerchant, RegisterSubMerchant, SubMerchantDetails, UpdateSubMerchant
from schemas.verdicts import Verdict

_PATH: Final = "/onboarding/submerchant"
_DETAIL: Final = "/onboarding/submerchant/detail"
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"person": "PERSONAL", "sole_trader": "PRIVATE_COMPANY", "company": "LIMITED_OR_JOINT_STOCK_COMPANY"}
)
_NOT_KNOWN: Final = frozenset(str(code) for code in range(2000, 2031))
"""Of a question that holds nothing but our id, such a code can only mean that they do not have it."""


class SubMerchantReply(Envelope):
    sub_merchant_key: Word | None = None
    sub_merchant_external_id: Word | None = None
    name: str | None = None
    email: str | None = None
    gsm_number: str | None = None
    address: str | None = None
    iban: str | None = None
    currency: str | None = None
    contact_name: str | None = None
    contact_surname: str | None = None
    identity_number: Word | None = None
    tax_office: str | None = None
    tax_number: Word | None = None
    legal_company_title: str | None = None


def build_register(command: RegisterSubMerchant, attempt: Attempt) -> Request:
    named = {"subMerchantExternalId": str(command.resource_id), "subMerchantType": _TYPES[command.legal_form]}
    return post(_PATH, {"conversationId": attempt.reference, **named, **_facts(command)})


def read_register(reply: SubMerchantReply, command: RegisterSubMerchant, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    return _told(reply, command)


def read_register_inquiry(reply: SubMerchantReply, command: RegisterSubMerchant, _attempt: Attempt) -> Finding:
    if reply.failed and reply.error_code in _NOT_KNOWN:
        return Finding(Sighting.ABSENT)
    if reply.failed:
        raise not_answered(reply)
    return Finding(Sighting.CONCLUDED, _told(reply, command))


def build_update(command: UpdateSubMerchant, attempt: Attempt) -> Request:
    """All facts anew. What kind of merchant it is cannot be changed there."""
    named = {"subMerchantKey": reference_of(attempt)}
    return with_body("PUT", _PATH, {"conversationId": attempt.reference, **named, **_facts(command)})


def read_update(reply: SubMerchantReply, _command: UpdateSubMerchant, attempt: Attempt) -> Outcome:
    if reply.failed:
        return refusal(reply)
    reply.require_echo(attempt.reference)
    reply.require_whole()
    return _updated(reply, attempt)


def read_update_inquiry(reply: SubMerchantReply, command: UpdateSubMerchant, attempt: Attempt) -> Finding:
    """An update has no trace of its own: it is done when all that it says stands there."""
    if reply.failed:
        raise not_answered(reply)
    _require_ours(reply, command)
    asked = {name: value for name, value in _facts(command).items() if value is not None}
    stands = reply.model_dump(by_alias=True)
    if any(stands[name] != value for name, value in asked.items()):
        return Finding(Sighting.ABSENT)
    return Finding(Sighting.CONCLUDED, _updated(reply, attempt))


def build_detail(command: RegisterSubMerchant | QuerySubMerchant, attempt: Attempt) -> Request:
    return post(_DETAIL, {"conversationId": attempt.reference, "subMerchantExternalId": str(command.resource_id)})


def read_query(reply: SubMerchantReply, command: QuerySubMerchant, _attempt: Attempt) -> Outcome:
    return refusal(reply) if reply.failed else _told(reply, command)


def _facts(command: RegisterSubMerchant) -> dict[str, Any]:
    return {
        "name": command.name,
        "email": command.email,
        "gsmNumber": command.phone,
        "address": command.address,
        "iban": command.iban,
        "currency": command.currency,
        "contactName": command.contact_name,
        "contactSurname": command.contact_surname,
        "identityNumber": command.identity_number,
        "taxOffice": command.tax_office,
        "taxNumber": command.tax_number,
        "legalCompanyTitle": command.company_title,
    }


def _told(reply: SubMerchantReply, command: RegisterSubMerchant | QuerySubMerchant) -> Outcome:
    _require_ours(reply, command)
    if reply.sub_merchant_key is None:
        raise UnusableAnswer("subMerchantKey is missing in a success")
    return _outcome(reply.sub_merchant_key)


def _updated(reply: SubMerchantReply, attempt: Attempt) -> Outcome:
    key = reference_of(attempt)
    if reply.sub_merchant_key not in {None, key}:
        raise UnusableAnswer("subMerchantKey is not the one that was sent")
    return _outcome(key)


def _require_ours(reply: SubMerchantReply, command: RegisterSubMerchant | QuerySubMerchant) -> None:
    if reply.sub_merchant_external_id not in {None, str(command.resource_id)}:
        raise UnusableAnswer("subMerchantExternalId is not the one that was sent")


def _outcome(key: str) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, reference=key, details=SubMerchantDetails(merchant_key=key))
