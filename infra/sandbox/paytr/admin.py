"""The sandbox's own pages under `/__sandbox__/`. Unsigned, for the loopback only.

Books and callbacks to read; faults, the store's settings, the clock, a bank's word on a transfer and a returned one to
order.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, Final

from aiohttp import web

from infra.sandbox.clock import SandboxClock
from infra.sandbox.exact_json import to_json
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.calling import Caller
from infra.sandbox.paytr.faults import FaultPlan, fault_from
from infra.sandbox.paytr.outbox import all_notices, tell_payment
from infra.sandbox.paytr.paying import PAID, finish
from infra.sandbox.paytr.records import payments_of
from infra.sandbox.paytr.refusing import FAILED_REASONS
from infra.sandbox.paytr.store import PERMISSIONS, Callbacks, Store
from infra.sandbox.paytr.transfers import give_back

_SERVED: Final = "GET books, callbacks, faults, settings; POST faults, settings, callbacks, clock, transfers, returned"
_FIXED: Final = frozenset({"keys", "callbacks", "permissions"})

Values = dict[str, Any]


class Admin:
    """Orders from a person or a test; each is one JSON object."""

    def __init__(
        self,
        books: Books,
        store: Store,
        plan: FaultPlan,
        *,
        clock: SandboxClock,
        caller: Caller,
        misbehaving: Misbehaving,
    ) -> None:
        self._books = books
        self._store = store
        self._plan = plan
        self._clock = clock
        self._caller = caller
        self._misbehaving = misbehaving

    async def handle(self, request: web.BaseRequest, page: str, body: bytes) -> web.StreamResponse:
        shown: Mapping[tuple[str, str], Callable[[], Awaitable[object]]] = {
            ("GET", "books"): self._show_books,
            ("GET", "callbacks"): self._show_callbacks,
            ("GET", "faults"): self._show_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "settings"): self._show_settings,
        }
        ordered: Mapping[str, Callable[[Values], Awaitable[object]]] = {
            "faults": self._order_fault,
            "settings": self._set,
            "clock": self._advance,
            "callbacks": self._call,
            "transfers": self._decide_transfer,
            "returned": self._return,
        }
        if show := shown.get((request.method, page)):
            return _json(await show())
        order = ordered.get(page)
        if request.method != "POST" or order is None:
            return _json({"error": f"serves {_SERVED}, and DELETE faults"}, status=404)
        try:
            values = json.loads(body)
            if not isinstance(values, dict):
                return _json({"error": "send one JSON object"}, status=400)
            return _json(await order(values))
        except (ValueError, KeyError, TypeError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, status=400)

    async def _show_books(self) -> object:
        books = self._books
        return {
            "totals": asdict(books.totals()),
            "payments": [asdict(payment) for payment in books.entries()],
            "refunds": [asdict(refund) for refund in books.refunds()],
            "transfers": [asdict(transfer) for transfer in books.transfers()],
            "movements": [asdict(movement) for movement in books.movements()],
            "late_operations_waiting": self._misbehaving.late,
        }

    async def _show_callbacks(self) -> object:
        return {"callbacks": await self._books.run(all_notices)}

    async def _show_faults(self) -> object:
        return {"faults": [asdict(order) | {"used": used} for order, used in self._plan.standing()]}

    async def _clear_faults(self) -> object:
        self._plan.clear()
        return await self._show_faults()

    async def _order_fault(self, values: Values) -> object:
        # One fault, unless a number is given: a forgotten count must not spoil all that follows.
        given = {"count": 1} | values
        self._plan.order(fault_from({name: str(value) for name, value in given.items() if value is not None}))
        return await self._show_faults()

    async def _show_settings(self) -> object:
        shown = {field.name: getattr(self._store, field.name) for field in fields(Store)}
        return shown | {
            "keys": self._store.keys.merchant_id,
            "callbacks": asdict(self._store.callbacks),
            "permissions": sorted(self._store.permissions),
        }

    async def _set(self, values: Values) -> object:
        known = {field.name for field in fields(Store)} | {field.name for field in fields(Callbacks)}
        if unknown := values.keys() - known | values.keys() & {"keys", "callbacks"}:
            raise ValueError(f"{', '.join(sorted(unknown))}: not a setting")
        permissions = frozenset(values.get("permissions", self._store.permissions))
        if permissions - PERMISSIONS:
            raise ValueError(f"permissions are {', '.join(sorted(PERMISSIONS))}")
        calling = {field.name: values[field.name] for field in fields(Callbacks) if field.name in values}
        self._store.permissions = permissions
        self._store.callbacks = replace(self._store.callbacks, **calling)
        for name in values.keys() - calling.keys() - _FIXED:
            setattr(self._store, name, values[name])
        self._caller.wake()
        return await self._show_settings()

    async def _advance(self, values: Values) -> object:
        await self._caller.advance(float(values["advance_s"]))
        return {"now_ms": self._clock.now_ms()}

    async def _call(self, values: Values) -> object:
        answered = await self._caller.call_about(str(values["merchant_oid"]), forged=bool(values.get("forged")))
        if answered is None:
            raise ValueError("nothing was ever to be told about this order")
        return {"answered": answered}

    async def _decide_transfer(self, values: Values) -> object:
        """The bank's word on a transfer: `approved`, `info`, or `failed` with a `code`."""
        said, code = str(values["outcome"]), str(values.get("code", "4"))
        if said not in {"approved", "info", "failed"} or code not in FAILED_REASONS:
            raise ValueError("outcome is approved, info or failed; code is one of a failure")
        now_ms = self._books.now_ms()

        def step(connection: Any) -> str:
            waiting = [p for p in payments_of(connection, str(values["merchant_oid"])) if p.kind == "eft"]
            if not waiting:
                raise ValueError("no bank transfer has this order number")
            if said == "info":
                tell_payment(connection, self._store, waiting[-1], now_ms, status="info")
                return waiting[-1].state
            outcome = PAID if said == "approved" else code
            return finish(connection, self._store, waiting[-1], outcome, now_ms).state

        state = await self._books.run(step)
        self._caller.wake()
        return {"state": state}

    async def _return(self, values: Values) -> object:
        """A seller's bank gives a share back."""
        now_ms = self._books.now_ms()
        moved = await self._books.run(lambda connection: give_back(connection, str(values["trans_id"]), now_ms))
        if moved is None:
            raise ValueError("no transfer of this number was sent yet")
        return asdict(moved)


def _json(value: object, status: int = 200) -> web.StreamResponse:
    return web.Response(status=status, text=to_json(value), content_type="application/json")
