"""Valid facts about credentials; each takes only what a test is about."""

from typing import Any

from schemas.credential_events import CredentialRevoked, CredentialRotated, CredentialStored, MasterKeyRotated
from tests.builders import NOON


def a_credential_stored(**changed: Any) -> CredentialStored:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "version": 1,
        "fields": ("api_key", "secret_key"),
        "stored_by": "Işıl",
        "stored_at": NOON,
    }
    return CredentialStored(**(given | changed))


def a_credential_rotated(**changed: Any) -> CredentialRotated:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "version": 3,
        "fields": ("api_key", "secret_key"),
        "changed": ("secret_key",),
        "retiring": (2, 1),
        "overlap_ends_at": NOON,
        "rotated_by": "Işıl",
        "rotated_at": NOON,
    }
    return CredentialRotated(**(given | changed))


def a_credential_revoked(**changed: Any) -> CredentialRevoked:
    given: dict[str, Any] = {
        "integration_id": "iyzico-main",
        "version": 2,
        "serving": 3,
        "revoked_by": "Çağrı",
        "revoked_at": NOON,
    }
    return CredentialRevoked(**(given | changed))


def a_master_key_rotated(**changed: Any) -> MasterKeyRotated:
    given: dict[str, Any] = {
        "key_id": "0123456789abcdef",
        "what": "credentials",
        "rewrapped": 500,
        "left": 0,
        "retired": ("fedcba9876543210",),
        "rotated_by": "Işıl",
        "rotated_at": NOON,
    }
    return MasterKeyRotated(**(given | changed))
