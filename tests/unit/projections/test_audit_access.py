import json
from typing import Any

import pytest
from pydantic import BaseModel

from projections.audit.chain import GENESIS
from projections.audit.fold import fold
from tests import access_builders as a
from tests.unit.projections.reading import entry_of

SAID: dict[str, tuple[BaseModel, dict[str, Any]]] = {
    "created": (
        a.a_key_created(),
        {
            "by": "Işıl",
            "key": a.KEY,
            "caller": a.CALLER,
            "of": "shop-backend",
            "scopes": "payments:read payments:write",
            "integrations": "iyzico-main",
        },
    ),
    "rotated": (a.a_key_rotated(), {"by": "Çağrı", "key": a.NEXT, "caller": a.CALLER, "replaces": a.KEY}),
    "revoked": (a.a_key_revoked(), {"by": "Işıl", "key": a.NEXT, "caller": a.CALLER}),
    "refused": (a.an_access_refused(), {"by": "nobody"}),
    "refused to one whose key had ended": (a.an_access_refused(why="revoked", caller=a.CALLER), {"by": a.CALLER}),
    "unproved": (
        a.an_access_unproved(),
        {"by": "nobody", "asked": "POST /v1/payments/{payment_id}/return", "times": "4"},
    ),
}


@pytest.mark.parametrize(("event", "said"), SAID.values(), ids=SAID)
def test_who_did_what_at_the_edge_is_in_the_audit_log(event: BaseModel, said: dict[str, str]) -> None:
    row = fold(entry_of(event), GENESIS)
    assert row.action.startswith("access.")
    assert row.request_data is not None
    assert json.loads(row.request_data) == said


def test_a_request_stands_in_the_audit_log_with_what_became_of_it() -> None:
    event = a.an_access_requested(integration_id="iyzico-main", status=403, outcome="forbidden")
    row = fold(entry_of(event), GENESIS)
    assert (row.integration_id, row.command_id, row.status_code, row.duration_ms) == (
        "iyzico-main", event.command_id, 403, 12,
    )  # fmt: skip
    assert json.loads(row.request_data or "") == {
        "by": a.CALLER,
        "key": a.KEY,
        "asked": "GET /v1/commands/{command_id}",
        "outcome": "forbidden",
    }


def test_how_often_strangers_were_turned_away_stands_there_too() -> None:
    assert fold(entry_of(a.an_access_refused()), GENESIS).error_message == "unknown: 120 times"
