import json
from datetime import timedelta

import pytest
from pydantic import BaseModel

from projections.audit.chain import GENESIS
from projections.audit.fold import fold
from schemas.envelope import rfc3339
from tests import credential_builders as a
from tests.builders import NOON
from tests.unit.projections.reading import entry_of

SAID = {
    "stored": (a.a_credential_stored(), {"by": "Işıl", "version": "1"}),
    "rotated": (
        a.a_credential_rotated(overlap_ends_at=NOON + timedelta(hours=1)),
        {
            "by": "Işıl",
            "version": "3",
            "changed": "secret_key",
            "retiring": "2, 1",
            "overlap_ends_at": rfc3339(NOON + timedelta(hours=1)),
        },
    ),
    "revoked": (a.a_credential_revoked(), {"by": "Çağrı", "version": "2"}),
    "rewrapped": (
        a.a_master_key_rotated(),
        {
            "by": "Işıl",
            "key_id": "0123456789abcdef",
            "what": "credentials",
            "rewrapped": "500",
            "left": "0",
            "retired": "fedcba9876543210",
        },
    ),
}


@pytest.mark.parametrize(("event", "said"), SAID.values(), ids=SAID)
def test_who_changed_credentials_and_what_is_in_the_audit_log(event: BaseModel, said: dict[str, str]) -> None:
    row = fold(entry_of(event), GENESIS)
    assert row.action.startswith("integrations.")
    assert row.integration_id == getattr(event, "integration_id", None)
    assert row.request_data is not None
    assert json.loads(row.request_data) == said
