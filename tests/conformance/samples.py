"""Samples of a provider's folder as cases: an answer as it came, what was asked, and the outcome we expect of it."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload
from uuid import UUID

from pydantic import SecretStr

from providers.connector import Answer, Attempt, Card, Connector, Integration, Operation, Request
from providers.judging import Asked, judge_finding, judge_outcome
from providers.outcome import Finding, Outcome
from providers.reference import reference_for
from providers.registry import connectors, folder_of
from schemas.errors import OutcomeUnknown, Throttled
from schemas.money import Money
from schemas.payments import (
    ApproveLine,
    CancelPayment,
    CapturePayment,
    CardRef,
    CompleteThreeDSecure,
    CreatePayment,
    LineReference,
    OpenCommand,
    Payment,
    PaymentCommand,
    QueryPayment,
    ReauthorizePayment,
    RefundPayment,
    StartThreeDSecure,
    StoredCard,
    TransferShare,
)
from schemas.payments.payment import LineRefund
from schemas.payments.resources import Resource, ResourceOrder
from schemas.payments.vocabulary import Command
from tests import builders
from tests.conformance.resource_orders import a_resource, a_resource_order

COMMAND_ID = UUID("019abc00-0000-7000-8000-000000000001")
PAYMENT_ID = UUID("019abc00-0000-7000-8000-000000000002")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

CARD = Card(
    number=SecretStr("5526080000000006"),
    holder=SecretStr("ISIL CAGRI"),
    expiry_month=SecretStr("11"),
    expiry_year=SecretStr("2031"),
    verification_code=SecretStr("917"),
)

_KEPT = StoredCard(kind="stored_card", card_token="tok-Zq7", customer_key="cust-Zq8")

_SHARE = {
    "payment_id": str(PAYMENT_ID),
    "amount": {"minor": 1250, "currency": "TRY"},
    "recipient_name": "Işıl Çağrı",
    "recipient_iban": "TR330006100519786457841326",
}


def a_payment(state: str = "new", **changed: Any) -> Payment:
    """A payment of 12.50 TRY in one line, as the ledger knows it."""
    price = builders.lira("12.50")
    known = {
        "provider_reference": "22416032",
        "create_reference": "k0laj0000",
        "currency": "TRY",
        "lines": (LineReference(line_id="line-1", provider_reference="24068102", paid=price),),
    }
    stages: dict[str, dict[str, Any]] = {
        "new": {},
        "held": {**known, "stage": "authorized", "held": 1250},
        "captured": {**known, "stage": "captured", "captured": 1250},
        "partly_refunded": {
            **known,
            "stage": "captured",
            "captured": 1250,
            "refunded": 500,
            "line_refunds": (LineRefund(line_id="line-1", minor=500),),
        },
        "started": _open(StartThreeDSecure, "22416032"),
        "on_page": _open(CreatePayment, "e828c62d-fd12-4b1a-ad5a-380f15fe6596"),
    }
    return Payment(payment_id=PAYMENT_ID, **(stages[state] | changed))


def _open(kind: type[PaymentCommand], provider_reference: str) -> dict[str, Any]:
    """A payment that waits for its payer: at the bank, or on a page of the provider's."""
    ordered = OpenCommand(
        command_id=COMMAND_ID,
        command_type=kind.type,
        verdict="pending",
        amount=builders.lira("12.50"),
        reference="k0laj0000",
        order_id="order-1001",
        capture="auto",
    )
    return {
        "stage": "pending",
        "provider_reference": provider_reference,
        "create_reference": "k0laj0000",
        "currency": "TRY",
        "open_commands": (ordered,),
    }


@overload
def a_command(kind: type[ResourceOrder], **changed: Any) -> ResourceOrder: ...
@overload
def a_command(kind: type[PaymentCommand], **changed: Any) -> PaymentCommand: ...
def a_command(kind: type[Command], **changed: Any) -> Command:
    """A valid command of one kind; a creation pays with a stored card."""
    if issubclass(kind, ResourceOrder):
        return a_resource_order(kind, **changed)
    if kind is ApproveLine:
        return ApproveLine(payment_id=PAYMENT_ID, **({"line_id": "line-1"} | changed))
    if kind is CreatePayment:
        given: dict[str, Any] = {"payment_id": PAYMENT_ID, "method": _KEPT, **changed}
        return builders.a_create_payment(**given)
    if kind is StartThreeDSecure:
        return builders.a_start_three_d_secure(payment_id=PAYMENT_ID, **{"method": _KEPT, **changed})
    if kind is CompleteThreeDSecure:
        return builders.a_complete_three_d_secure(PAYMENT_ID, **changed)
    if kind is TransferShare:
        return TransferShare.model_validate_json(json.dumps(_SHARE | changed))
    if kind is CapturePayment:
        return builders.a_capture_payment(PAYMENT_ID, **changed)
    if kind is ReauthorizePayment:
        return builders.a_reauthorize_payment(PAYMENT_ID)
    if kind is CancelPayment:
        return builders.a_cancel_payment(PAYMENT_ID, **changed)
    if kind is RefundPayment:
        return builders.a_refund_payment(PAYMENT_ID, **changed)
    return builders.a_query_payment(PAYMENT_ID, **changed)


def with_a_card() -> CreatePayment:
    method = CardRef(kind="card_ref", card_ref=COMMAND_ID)
    return builders.a_create_payment(payment_id=PAYMENT_ID, method=method)


def own_words(connector: Connector, operation: Operation[Any, Any]) -> dict[str, Any]:
    """What its provider takes otherwise than others do, as `samples/contract/commands.json` says."""
    own = folder_of(connector) / "samples" / "contract" / "commands.json"
    known: dict[str, dict[str, Any]] = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    return known.get(operation.name, {})


def command_for(connector: Connector, operation: Operation[Any, Any]) -> Command:
    """A valid command that the operation performs, in its provider's own words."""
    return _ordered(operation.command, own_words(connector, operation))


STATE_FOR: dict[type[PaymentCommand], str] = {
    CreatePayment: "new",
    CapturePayment: "held",
    ReauthorizePayment: "held",
    CancelPayment: "captured",
    RefundPayment: "captured",
    QueryPayment: "captured",
    StartThreeDSecure: "new",
    CompleteThreeDSecure: "started",
    ApproveLine: "captured",
    TransferShare: "captured",
}


def an_attempt(
    state: str = "new",
    amount: Money | None = None,
    reference: str = "k0laj0001",
    number: int = 1,
    resource: Resource | None = None,
) -> Attempt:
    return Attempt(COMMAND_ID, number, reference, a_payment(state), amount, resource=resource)


def with_its_card(attempt: Attempt, command: Command) -> Attempt:
    """The attempt with the card opened, where the command names one of the vault."""
    named = getattr(getattr(command, "method", command), "card_ref", None)
    return attempt if named is None else replace(attempt, card=CARD)


def attempt_for(connector: Connector, operation: Operation[Any, Any], number: int = 1) -> Attempt:
    reference = reference_for(COMMAND_ID, "a", number, connector.reference)
    if issubclass(operation.command, ResourceOrder):
        known = an_attempt(reference=reference, number=number, resource=a_resource(operation.command))
        return with_its_card(known, command_for(connector, operation))
    amount = builders.lira("12.50") if operation.moves_money and operation.command is not ApproveLine else None
    return an_attempt(STATE_FOR[operation.command], amount, reference, number)


def an_integration(connector: Connector, base_url: str = "http://127.0.0.1:9", **secrets: str) -> Integration:
    found = {name: SecretStr(secrets.get(name, f"sandbox-{name}-0123456789abcdef")) for name in connector.credentials}
    return Integration(f"{connector.name}-main", connector, "sandbox", base_url, found)


@dataclass(frozen=True, slots=True)
class Sample:
    provider: str
    name: str
    origin: str
    operation: Operation[Any, Any]
    inquiry: bool
    asked: Asked
    answer: Answer
    words: tuple[str, ...]
    expected: dict[str, Any]

    def read(self, **changed: Any) -> Outcome | Finding:
        """The sample's answer, changed or as it is, through the machinery's judgement."""
        answer = replace(self.answer, **changed)
        if self.inquiry:
            assert self.operation.inquiry is not None
            return judge_finding(self.asked, self.operation.inquiry, answer)
        return judge_outcome(self.asked, self.operation, answer)

    def verdict(self) -> str:
        """What it comes to: a verdict, a sighting, `throttled`, or `unknown` where nothing usable came."""
        try:
            result = self.read()
        except OutcomeUnknown:
            return "unknown"
        except Throttled:
            return "throttled"
        return result.sighting.value if isinstance(result, Finding) else result.verdict.value


def samples() -> list[Sample]:
    return [
        _sample(connector, path)
        for connector in connectors().values()
        for path in sorted((folder_of(connector) / "samples").glob("*.json"))
    ]


def _sample(connector: Connector, path: Path) -> Sample:
    said = json.loads(path.read_text(encoding="utf-8"))
    operation = next(operation for operation in connector.operations if operation.name == said["operation"])
    tried = said["attempt"]
    amount = Money(**tried["amount"]) if "amount" in tried else None
    state = tried.get("payment", STATE_FOR.get(operation.command, "new"))
    about = operation.command
    resource = a_resource(about, **tried.get("resource", {})) if issubclass(about, ResourceOrder) else None
    attempt = an_attempt(state, amount, tried["reference"], resource=resource)
    command = _ordered(about, own_words(connector, operation) | said["command"])
    attempt = with_its_card(attempt, command)
    if "provider_reference" in tried:
        payment = attempt.payment.model_copy(update={"provider_reference": tried["provider_reference"]})
        attempt = replace(attempt, payment=payment)
    return Sample(
        provider=connector.name,
        name=path.stem,
        origin=said["origin"],
        operation=operation,
        inquiry=said["inquiry"],
        asked=Asked(
            integration=replace(
                an_integration(connector, **said["credentials"]), environment=said.get("environment", "sandbox")
            ),
            operation=operation.name,
            command=command,
            attempt=attempt,
            request=Request(said.get("method", "POST"), said["path"]),
            now=NOW,
        ),
        answer=Answer(said["status"], {"content-type": said["content_type"]}, said["body"].encode(), None),
        words=tuple(said["words"]),
        expected=said["expected"],
    )


def _ordered(kind: type[Command], changed: dict[str, Any]) -> Command:
    """The command; `changed` as it stands in a record's JSON."""
    told = json.loads(a_command(kind).model_dump_json()) | changed
    return kind.model_validate_json(json.dumps(told))
