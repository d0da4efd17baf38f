"""The sandbox's own pages under `/__sandbox__/`: order faults, read the books. Unsigned, for the loopback only."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from aiohttp import web

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.faults import FaultPlan, fault_from
from infra.sandbox.iyzico.records import BookedPayment, all_payments, totals_of


class Admin:
    """GET books; GET, POST and DELETE faults."""

    def __init__(self, books: Books, plan: FaultPlan) -> None:
        self._books = books
        self._plan = plan
        self.count_late: Callable[[], int] = lambda: 0

    async def handle(self, request: web.BaseRequest, page: str, body: bytes) -> web.StreamResponse:
        match request.method, page:
            case "GET", "books":
                return _json(await self._show_books())
            case "GET", "faults":
                return _json(self._show_faults())
            case "POST", "faults":
                return self._order(body)
            case "DELETE", "faults":
                self._plan.clear()
                return _json(self._show_faults())
            case _:
                return _json({"error": "serves GET books, and GET, POST and DELETE faults"}, status=404)

    async def _show_books(self) -> Mapping[str, object]:
        now_ms = self._books.now_ms()
        entries = await self._books.run(lambda connection: all_payments(connection, now_ms))
        return {
            "totals": asdict(totals_of(entries)),
            "payments": [_entry(payment) for payment in entries],
            "late_operations_waiting": self.count_late(),
        }

    def _show_faults(self) -> Mapping[str, object]:
        return {
            "faults": [
                {
                    "kind": str(order.kind),
                    "path": order.path,
                    "count": order.count,
                    "every": order.every,
                    "probability": order.probability,
                    "seconds": order.seconds,
                    "used": used,
                }
                for order, used in self._plan.standing()
            ]
        }

    def _order(self, body: bytes) -> web.StreamResponse:
        try:
            values = json.loads(body)
        except ValueError as error:
            return _json({"error": f"the body is not JSON: {error}"}, status=400)
        if not isinstance(values, dict):
            wanted = "kind, and path, count, every, probability, seconds if wanted"
            return _json({"error": f"send one JSON object with {wanted}"}, status=400)
        # One fault, unless a number is given: a forgotten count must not spoil all that follows.
        given = {"count": 1} | values
        try:
            order = fault_from({name: str(value) for name, value in given.items() if value is not None})
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        self._plan.order(order)
        return _json(self._show_faults())


def _entry(payment: BookedPayment) -> Mapping[str, object]:
    return asdict(payment) | {
        "state": payment.state,
        "charged_minor": payment.charged_minor,
        "refunded_minor": payment.refunded_minor,
        "net_minor": payment.net_minor,
    }


def _json(value: Mapping[str, object], status: int = 200) -> web.StreamResponse:
    return web.Response(status=status, text=to_json(value), content_type="application/json")
