"""A small PayPal for tests that run it themselves: orders, their payer's yes, and what money moves by."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from tests.conformance.far_side import FarSide

_AMOUNT: Final = {"currency_code": "EUR", "value": "10.99"}


@dataclass
class SmallPayPal:
    """One order, with the answers of each request id kept; it forgets to answer the paths in `loses`, once each."""

    order_id: str = "O1"
    order: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    loses: list[str] = field(default_factory=list)
    agreed: bool = False
    moved: list[str] = field(default_factory=list)

    async def answer(self, far: FarSide, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/v1/oauth2/token":
            return web.json_response({"access_token": "A21AAFs", "token_type": "Bearer", "expires_in": 32400})
        if request.headers.get("Authorization") != "Bearer A21AAFs":
            return web.json_response({"name": "AUTHENTICATION_FAILURE", "debug_id": "d"}, status=401)
        if request.method == "GET":
            return web.json_response(self.order)
        key = request.headers["PayPal-Request-Id"]
        status = 200 if key in self.kept else 201
        if key not in self.kept:
            done = self._perform(request.path, json.loads(far.received[-1][2] or b"{}"))
            if isinstance(done, str):
                failure = {"name": "UNPROCESSABLE_ENTITY", "debug_id": "d", "details": [{"issue": done}]}
                return web.json_response(failure, status=422)
            self.kept[key] = done
        step = request.path.rsplit("/", 1)[1]
        if step in self.loses:
            self.loses.remove(step)
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(self.kept[key], status=status)

    def _perform(self, path: str, said: dict[str, Any]) -> dict[str, Any] | str:
        match path.rsplit("/", 1)[1]:
            case "orders":
                page = {
                    "rel": "payer-action",
                    "href": f"https://www.sandbox.paypal.com/checkoutnow?token={self.order_id}",
                }
                unit = {"custom_id": said["purchase_units"][0]["custom_id"], "payments": {}}
                waiting = {
                    "id": self.order_id,
                    "status": "PAYER_ACTION_REQUIRED",
                    "intent": said["intent"],
                    "links": [page],
                }
                self.order = {**waiting, "purchase_units": [unit]}
                return dict(self.order)
            case "capture" | "authorize" as step if "/orders/" in path:
                if not self.agreed:
                    return "ORDER_NOT_APPROVED"
                kind = "captures" if step == "capture" else "authorizations"
                made = {"id": "M1", "status": "COMPLETED" if step == "capture" else "CREATED", "amount": _AMOUNT}
                self.order["status"] = "COMPLETED"
                return self._moved(step, kind, made, whole=True)
            case "capture":
                made = {"id": "M2", "status": "COMPLETED", "amount": said["amount"]}
                self._payments()["authorizations"][0]["status"] = "CAPTURED"
                return self._moved("capture", "captures", made)
            case "refund":
                made = {"id": "R1", "status": "COMPLETED", "amount": said["amount"], "custom_id": said["custom_id"]}
                return self._moved("refund", "refunds", made)
            case "void":
                held = self._payments()["authorizations"][0]
                held["status"] = "VOIDED"
                self.moved.append("void")
                return dict(held)
            case other:
                raise AssertionError(other)

    def _payments(self) -> dict[str, Any]:
        payments: dict[str, Any] = self.order["purchase_units"][0]["payments"]
        return payments

    def _moved(self, what: str, kind: str, made: dict[str, Any], *, whole: bool = False) -> dict[str, Any]:
        self.moved.append(what)
        self._payments()[kind] = [made]
        told: dict[str, Any] = json.loads(json.dumps(self.order if whole else made))
        return told
