"""The sandbox's own pages under `/__sandbox__/`.

Books and callbacks to read; the store's settings, the clock, a bank's word on a transfer and a returned one to order.
"""

from dataclasses import asdict, fields, replace
from typing import Any, Final

from infra.sandbox.admin_pages import AdminPages, Values
from infra.sandbox.clock import SandboxClock
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.calling import Caller
from infra.sandbox.paytr.faults import FAULTS, FaultKind, FaultPlan
from infra.sandbox.paytr.outbox import all_notices, tell_payment
from infra.sandbox.paytr.paying import PAID, finish
from infra.sandbox.paytr.records import payments_of
from infra.sandbox.paytr.refusing import FAILED_REASONS
from infra.sandbox.paytr.store import PERMISSIONS, Callbacks, Store
from infra.sandbox.paytr.transfers import give_back

_FIXED: Final = frozenset({"keys", "callbacks", "permissions"})


class Admin(AdminPages[FaultKind]):
    """Books and callbacks, and everything that can be ordered here."""

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
        super().__init__(
            plan,
            FAULTS,
            shown={"books": self._show_books, "callbacks": self._show_callbacks, "settings": self._show_settings},
            ordered={
                "settings": self._set,
                "clock": self._advance,
                "callbacks": self._call,
                "transfers": self._decide_transfer,
                "returned": self._return,
            },
        )
        self._books = books
        self._store = store
        self._clock = clock
        self._caller = caller
        self._misbehaving = misbehaving

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
