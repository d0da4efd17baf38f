"""The sandbox's own pages under `/__sandbox__/`: read the books, order an act of the buyer's or of time."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from infra.sandbox.admin_pages import AdminPages, CannotBeDone, Values
from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.errors import Refused
from infra.sandbox.iyzico.faults import FAULTS, FaultKind, FaultPlan
from infra.sandbox.iyzico.movements import all_movements
from infra.sandbox.iyzico.orders import Orders
from infra.sandbox.iyzico.records import BookedPayment, all_payments
from infra.sandbox.iyzico.totals import totals_of
from infra.sandbox.misbehaving import Misbehaving


class Admin(AdminPages[FaultKind]):
    """Books, faults, and the acts of `Orders`."""

    def __init__(self, books: Books, plan: FaultPlan, orders: Orders, misbehaving: Misbehaving) -> None:
        super().__init__(
            plan,
            FAULTS,
            shown={"books": self._show_books},
            ordered={name: partial(self._act, name) for name in orders.names},
        )
        self._books = books
        self._orders = orders
        self._misbehaving = misbehaving

    async def _show_books(self) -> object:
        now_ms = self._books.now_ms()
        entries, movements = await self._books.run(
            lambda connection: (all_payments(connection, now_ms), all_movements(connection))
        )
        return {
            "totals": asdict(totals_of(entries)),
            "payments": [_entry(payment) for payment in entries],
            "movements": [asdict(movement) for movement in movements],
            "late_operations_waiting": self._misbehaving.late,
        }

    async def _act(self, name: str, values: Values) -> object:
        try:
            return await self._orders.carry_out(name, values)
        except Refused as refused:
            raise CannotBeDone({"error": refused.message("en"), "code": refused.code}) from refused


def _entry(payment: BookedPayment) -> Mapping[str, object]:
    return asdict(payment) | {
        "state": payment.state,
        "charged_minor": payment.charged_minor,
        "refunded_minor": payment.refunded_minor,
        "net_minor": payment.net_minor,
    }
