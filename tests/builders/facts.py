"""Facts about commands and payments that are no command's result."""

from typing import Any
from uuid import UUID

from schemas.ids import new_id, rejection_id
from schemas.intents import SendIntended
from schemas.payments import CommandRejected, LateOutcome, ResultDivergence
from schemas.privacy import SubjectErased
from schemas.provider_calls import ProviderCalled
from schemas.verdicts import Verdict
from tests.builders.amounts import lira
from tests.builders.records import NOON
from tests.builders.results import performed


def a_late_outcome(**changed: Any) -> LateOutcome:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "command_id": command,
        "caused_by": command,
        "verdict": Verdict.ACCEPTED,
        "observed_at": NOON,
        "epoch": 1,
        "performed": performed(),
        "amount": lira("12.50"),
    }
    return LateOutcome(**(given | changed))


def a_result_divergence(**changed: Any) -> ResultDivergence:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "payment_id": new_id(),
        "command_id": command,
        "caused_by": command,
        "observed_at": NOON,
        "kept_digest": "00" * 32,
        "other_digest": "11" * 32,
    }
    return ResultDivergence(**(given | changed))


def a_command_rejected(**changed: Any) -> CommandRejected:
    command = changed.get("command_id") or new_id()
    given: dict[str, Any] = {
        "command_id": command,
        "caused_by": command,
        "reason": "invalid_field",
        "field": "price.minor",
        "detail": "Input should be a valid integer",
        "topic": "kolaj.payments.commands",
        "partition": 0,
        "offset": 0,
        "observed_at": NOON,
    }
    return CommandRejected(**(given | changed))


def the_rejections_id(rejected: CommandRejected) -> UUID:
    return rejection_id(rejected.topic, rejected.partition, rejected.offset)


def a_send_intended(**changed: Any) -> SendIntended:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "command_type": "payments.create.v1",
        "command_digest": "22" * 32,
        "key": str(changed.pop("payment_id", None) or new_id()),
        "attempt": 1,
        "integration_id": "iyzico-main",
        "reference": "a1b2c3d4",
        "request_digest": "33" * 32,
        "epoch": 1,
        "ledger": UUID("018f3a00-0000-7000-8000-000000000001"),
        "intended_at": NOON,
    }
    return SendIntended(**(given | changed))


def a_provider_called(**changed: Any) -> ProviderCalled:
    given: dict[str, Any] = {
        "command_id": new_id(),
        "integration_id": "iyzico-main",
        "provider": "iyzico",
        "operation": "create",
        "attempt": 1,
        "method": "POST",
        "url_template": "/payment/auth",
        "status_code": 200,
        "outcome": "accepted",
        "duration_us": 180_000,
        "started_at": NOON,
        "request": '{"price":"12.50"}',
        "response": '{"status":"success"}',
    }
    return ProviderCalled(**(given | changed))


def a_subject_erased(**changed: Any) -> SubjectErased:
    given: dict[str, Any] = {
        "subject": new_id(),
        "erased_by": "Işıl",
        "why": "asked for it",
        "erased_at": NOON,
    }
    return SubjectErased(**(given | changed))
