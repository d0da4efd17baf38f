"""The sandbox's own pages under `/__sandbox__/`.

Books and webhooks to read; settings, the clock, refunds, disputes and payouts to order.
"""

from dataclasses import asdict, fields, replace
from functools import partial
from typing import Any, Final

from infra.sandbox.admin_pages import AdminPages, Values
from infra.sandbox.clock import SandboxClock
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.stripe import disputes, payouts, refunds
from infra.sandbox.stripe.account import Account, Webhooks
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.call import Call
from infra.sandbox.stripe.calling import Caller
from infra.sandbox.stripe.faults import FAULTS, FaultKind, FaultPlan
from infra.sandbox.stripe.outbox import all_deliveries
from infra.sandbox.stripe.rendering import bare
from infra.sandbox.stripe.shelf import Document, Shelf

_FIXED: Final = frozenset({"keys", "webhooks"})


class Admin(AdminPages[FaultKind]):
    """Books and webhooks, and everything that can be ordered here."""

    def __init__(
        self,
        books: Books,
        account: Account,
        plan: FaultPlan,
        *,
        clock: SandboxClock,
        caller: Caller,
        misbehaving: Misbehaving,
    ) -> None:
        super().__init__(
            plan,
            FAULTS,
            shown={"books": self._show_books, "webhooks": self._show_webhooks, "settings": self._show_settings},
            ordered={
                "settings": self._set,
                "clock": self._advance,
                "webhooks": self._call,
                "refunds": self._decide_refund,
                "disputes": self._dispute,
                "payouts": self._pay_out,
            },
        )
        self._books = books
        self._account = account
        self._clock = clock
        self._caller = caller
        self._misbehaving = misbehaving

    async def _show_books(self) -> object:
        books = self._books
        return {
            "totals": asdict(books.totals()),
            "payments": [asdict(payment) for payment in books.entries()],
            "refunds": [asdict(refund) for refund in books.refunds()],
            "movements": [asdict(movement) for movement in books.movements()],
            "late_operations_waiting": self._misbehaving.late,
        }

    async def _show_webhooks(self) -> object:
        return {"webhooks": await self._books.run(all_deliveries)}

    async def _show_settings(self) -> object:
        account = self._account
        shown = {field.name: getattr(account, field.name) for field in fields(Account)}
        how = asdict(account.webhooks) | {"secrets": len(account.webhooks.secrets)}
        return shown | {"keys": sorted(account.keys.values()), "webhooks": how | {"events": sorted(how["events"])}}

    async def _set(self, values: Values) -> object:
        known = {field.name for field in fields(Account)} | {field.name for field in fields(Webhooks)}
        if unknown := values.keys() - known | values.keys() & _FIXED:
            raise ValueError(f"{', '.join(sorted(unknown))}: not a setting")
        calling: dict[str, Any] = {f.name: values[f.name] for f in fields(Webhooks) if f.name in values}
        if "secrets" in calling:
            calling["secrets"] = tuple(calling["secrets"])
        if "events" in calling:
            calling["events"] = frozenset(calling["events"])
        self._account.webhooks = replace(self._account.webhooks, **calling)
        for name in values.keys() - calling.keys():
            setattr(self._account, name, values[name])
        self._caller.wake()
        return await self._show_settings()

    async def _advance(self, values: Values) -> object:
        await self._caller.advance(float(values["advance_s"]))
        return {"now_ms": self._clock.now_ms()}

    async def _call(self, values: Values) -> object:
        """Tell the last event about an object, or the event of this id, now."""
        forged = bool(values.get("forged"))
        return {"answered": await self._caller.call_about(str(values["about"]), forged=forged)}

    async def _decide_refund(self, values: Values) -> object:
        """What the bank says to a refund: `succeeded`, `failed` or `canceled`."""
        outcome = str(values["outcome"])
        if outcome not in {"succeeded", "failed", "canceled"}:
            raise ValueError("outcome is succeeded, failed or canceled")
        return await self._ordered_in_books(str(values["refund"]), partial(_decided, outcome=outcome))

    async def _dispute(self, values: Values) -> object:
        """Open one about a payment (`reason`, `amount`), or decide one (`outcome`)."""
        return await self._ordered_in_books(str(values["about"]), partial(_disputed, values=values))

    async def _pay_out(self, values: Values) -> object:
        """All that is available; or let one payout come back."""
        if "failed" in values:
            return await self._ordered_in_books(str(values["failed"]), payouts.come_back)
        account, now_ms = next(iter(self._account.keys.values())), self._books.now_ms()
        step = partial(_paid_out, account=account, settings=self._account, now_ms=now_ms)
        done = await self._books.run(step)
        self._caller.wake()
        return {"payouts": done}

    async def _ordered_in_books(self, about: str, order: Any) -> Document:
        """Carry out an order about an object, in its account's books."""

        def step(connection: Any) -> Document:
            row = connection.execute("SELECT account FROM document WHERE id = ?", (about,)).fetchone()
            if row is None:
                raise ValueError(f"{about} is not in the books")
            found: Document = order(Call(Shelf(connection, row[0], self._books.now_ms()), self._account), about)
            return found

        done = await self._books.run(step)
        self._caller.wake()
        return done


def _decided(call: Call, about: str, outcome: str) -> Document:
    return {"status": refunds.settle(call, about, outcome)["status"]}


def _disputed(call: Call, about: str, values: Values) -> Document:
    if "outcome" in values:
        return bare(disputes.decide(call, about, str(values["outcome"])))
    payment = call.shelf.find(about, "payment_intent")
    charge = about if payment is None else payment["latest_charge"]
    reason, amount = str(values.get("reason", "fraudulent")), values.get("amount")
    if reason not in {*disputes.REASONS, "inquiry"} or not isinstance(amount, int | None):
        raise ValueError(f"reason is inquiry, {', '.join(sorted(disputes.REASONS))}; amount is a whole number")
    if charge is None:
        raise ValueError("nothing was taken")
    return bare(disputes.opened(call, charge, reason, amount))


def _paid_out(connection: Any, account: str, settings: Account, now_ms: int) -> list[Document]:
    return payouts.all_paid_out(Call(Shelf(connection, account, now_ms), settings))
