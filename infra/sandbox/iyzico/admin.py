"""The sandbox's own pages under `/__sandbox__/`: order faults and acts, read the books. Unsigned, on the loopback."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from aiohttp import web

from infra.sandbox.exact_json import to_json
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.faults import FaultPlan, fault_from
from infra.sandbox.iyzico.movements import all_movements
from infra.sandbox.iyzico.orders import Orders
from infra.sandbox.iyzico.records import BookedPayment, all_payments
from infra.sandbox.iyzico.totals import totals_of


class Admin:
    """GET books; GET, POST and DELETE faults; POST an act of the buyer's or of time."""

    def __init__(self, books: Books, plan: FaultPlan, orders: Orders) -> None:
        self._books = books
        self._plan = plan
        self._orders = orders
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
            case "POST", order if order in self._orders.names:
                return await self._carry_out(order, body)
            case _:
                served = f"serves GET books; GET, POST and DELETE faults; POST {', '.join(self._orders.names)}"
                return _json({"error": served}, status=404)

    async def _show_books(self) -> Mapping[str, object]:
        now_ms = self._books.now_ms()
        entries, movements = await self._books.run(
            lambda connection: (all_payments(connection, now_ms), all_movements(connection))
        )
        return {
            "totals": asdict(totals_of(entries)),
            "payments": [_entry(payment) for payment in entries],
            "movements": [asdict(movement) for movement in movements],
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

    async def _carry_out(self, order: str, body: bytes) -> web.StreamResponse:
        try:
            return _json(await self._orders.carry_out(order, _read(body)))
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        except Refused as refused:
            return _json({"error": refused.message("en"), "code": refused.code}, status=409)

    def _order(self, body: bytes) -> web.StreamResponse:
        try:
            values = _read(body)
        except ValueError as error:
            wanted = "kind, and path, count, every, probability, seconds if wanted"
            return _json({"error": f"{error}: {wanted}"}, status=400)
        # One fault, unless a number is given: a forgotten count must not spoil all that follows.
        given = {"count": 1} | values
        try:
            order = fault_from({name: str(value) for name, value in given.items() if value is not None})
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        self._plan.order(order)
        return _json(self._show_faults())


def _read(body: bytes) -> dict[str, object]:
    values = json.loads(body)
    if not isinstance(values, dict):
        raise ValueError("send one JSON object")  # noqa: TRY004 -- read wrongly, not typed wrongly
    return values


def _entry(payment: BookedPayment) -> Mapping[str, object]:
    return asdict(payment) | {
        "state": payment.state,
        "charged_minor": payment.charged_minor,
        "refunded_minor": payment.refunded_minor,
        "net_minor": payment.net_minor,
    }


def _json(value: Mapping[str, object], status: int = 200) -> web.StreamResponse:
    return web.Response(status=status, text=to_json(value), content_type="application/json")
