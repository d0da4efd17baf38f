"""Calls as iyzico makes them, signed or spoiled."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.integration_settings import credential_prefix
from providers.payments.iyzico.webhook import HEADER, signature_of
from schemas.ids import new_id

SECRET: Final = "sandbox-secret-of-one-account"
PATH: Final = "/webhooks/iyzico-main"


@dataclass(frozen=True)
class SignedCall:
    body: bytes
    signature: str

    @property
    def headers(self) -> dict[str, str]:
        return {HEADER: self.signature, "Content-Type": "application/json"}


def a_call(*, secret: str = SECRET, event_id: str = "", **fields: str) -> SignedCall:
    """A payment that succeeded, signed with `secret`; a new event unless its id is given."""
    said: Mapping[str, str] = {
        "paymentConversationId": new_id().hex,
        "merchantId": "3404590",
        "paymentId": "27382389",
        "status": "SUCCESS",
        "iyziReferenceCode": event_id or str(new_id()),
        "iyziEventType": "API_AUTH",
        **fields,
    }
    return SignedCall(json.dumps(said).encode(), signature_of(said, secret))


def iyzico_account(integration_id: str = "iyzico-main", secret: str = SECRET) -> dict[str, str]:
    """The secrets of one account, as variables."""
    prefix = credential_prefix(integration_id)
    return {f"{prefix}API_KEY": "sandbox-key", f"{prefix}SECRET_KEY": secret}


def iyzico_accounts(accounts: Mapping[str, str]) -> dict[str, str]:
    """Settings of accounts with their secrets."""
    entries = [{"id": name, "provider": "iyzico", "base_url": "http://127.0.0.1:9"} for name in accounts]
    found = {"KOLAJ_INTEGRATIONS": json.dumps(entries)}
    for name, secret in accounts.items():
        found |= iyzico_account(name, secret)
    return found
