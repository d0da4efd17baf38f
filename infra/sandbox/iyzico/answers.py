"""The bodies iyzico answers with: exact decimals written raw, the common envelope, the signature."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.signing import sign_values


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, JSON text, and the outcome word for the log (`success` or an error code)."""

    status: int
    text: str
    outcome: str


def success(
    fields: Mapping[str, object], request: Mapping[str, object], now_ms: int, secret_key: str, order: tuple[str, ...]
) -> Answer:
    """A success envelope; `order` names the signed fields, empty for the endpoints that sign nothing."""
    body = _envelope("success", request, now_ms) | {key: item for key, item in fields.items() if item is not None}
    if order:
        body["signature"] = sign_values(secret_key, tuple(body.get(name) for name in order))
    return Answer(200, to_json(body), "success")


def failure(refused: Refused, request: Mapping[str, object], now_ms: int, status: int) -> Answer:
    """A failure envelope. Failures carry no signature; errorGroup is there for bank codes only."""
    body = _envelope("failure", request, now_ms)
    body["errorCode"] = refused.code
    body["errorMessage"] = refused.message(str(body["locale"]))
    if refused.group:
        body["errorGroup"] = refused.group
    return Answer(status, to_json(body | refused.extra), refused.code)


def _envelope(status: str, request: Mapping[str, object], now_ms: int) -> dict[str, object]:
    body: dict[str, object] = {
        "status": status,
        "locale": "en" if request.get("locale") == "en" else "tr",
        "systemTime": now_ms,
    }
    if isinstance(conversation_id := request.get("conversationId"), str):
        body["conversationId"] = conversation_id
    return body
