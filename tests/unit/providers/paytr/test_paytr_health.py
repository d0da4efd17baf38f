"""What a health check makes of PayTR's answers."""

from typing import Any

import pytest

from providers.connector import Answer
from providers.diagnosis import Cause
from providers.payments.paytr.health import read_health


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (200, {"status": "error", "err_no": "004"}, None),
        (200, {"status": "error", "err_no": 4}, None),
        (200, {"status": "error", "err_no": 3}, Cause.WRONG_KEY),
        (200, {"status": "success"}, None),
        (200, {"status": "error", "err_no": "003"}, Cause.WRONG_KEY),
        (200, {"status": "error", "err_no": "001"}, Cause.SUSPENDED),
        (200, {"status": "error", "err_no": "999"}, Cause.OTHER),
        (200, {"status": "error"}, Cause.OTHER),
        (503, None, Cause.PROVIDER_DOWN),
        (200, None, Cause.OTHER),
    ],
)
def test_a_health_check_tells_what_is_wrong(status: int, body: Any, cause: Cause | None) -> None:
    trouble = read_health(Answer(status, {}, b"", body), "production", {})
    assert (None if trouble is None else trouble.cause) == cause
