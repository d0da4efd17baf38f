"""The sandbox's own pages under `/__sandbox__/`.

Books, events and tokens to read; settings, the clock, a payer's yes, a decision, a dispute and a call to order.
"""

import sqlite3
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Final, Literal

from infra.sandbox.admin_pages import AdminPages, Values
from infra.sandbox.clock import SandboxClock
from infra.sandbox.misbehaving import Misbehaving
from infra.sandbox.paypal.books import Books
from infra.sandbox.paypal.calling import Caller
from infra.sandbox.paypal.disputes import change_dispute, open_dispute
from infra.sandbox.paypal.faults import FAULTS, FaultKind, FaultPlan
from infra.sandbox.paypal.moving import settle_authorization, settle_capture, settle_refund
from infra.sandbox.paypal.outbox import all_events
from infra.sandbox.paypal.performing import Performer
from infra.sandbox.paypal.records import Kind, find, save
from infra.sandbox.paypal.settling import of_clock
from infra.sandbox.paypal.store import PERMISSIONS, Callbacks, Store
from infra.sandbox.paypal.tokens import revoke_tokens, token_calls

_FIXED: Final = frozenset({"client_id", "client_secret", "certificate_name", "callbacks", "permissions"})
_SHOWN: Final[tuple[Kind, ...]] = ("order", "authorization", "capture", "refund", "subscription", "sale", "dispute")
_SETTLED: Final = {"capture": settle_capture, "authorization": settle_authorization, "refund": settle_refund}


class Admin(AdminPages[FaultKind]):
    """Everything that can be seen and ordered here."""

    def __init__(
        self,
        books: Books,
        performer: Performer,
        plan: FaultPlan,
        *,
        clock: SandboxClock,
        caller: Caller,
        misbehaving: Misbehaving,
    ) -> None:
        super().__init__(
            plan,
            FAULTS,
            shown={
                "books": self._show_books,
                "events": self._show_events,
                "tokens": self._show_tokens,
                "settings": self._show_settings,
            },
            ordered={
                "settings": self._set,
                "clock": self._advance,
                "approvals": self._approve,
                "decisions": self._decide,
                "disputes": self._dispute,
                "subscribers": self._set_subscriber,
                "events": self._call,
                "tokens": self._revoke,
            },
        )
        self._books = books
        self._performer = performer
        self._store = performer.store
        self._clock = clock
        self._caller = caller
        self._misbehaving = misbehaving

    async def _show_books(self) -> object:
        books = self._books
        return {
            "totals": asdict(books.totals()),
            **{f"{kind}s": [asdict(thing) for thing in books.entries(kind)] for kind in _SHOWN},
            "movements": [asdict(movement) for movement in books.movements()],
            "late_operations_waiting": self._misbehaving.late,
        }

    async def _show_events(self) -> object:
        return {"events": await self._books.run(all_events)}

    async def _show_tokens(self) -> object:
        return {"calls": await self._books.run(token_calls)}

    async def _show_settings(self) -> object:
        shown = {field.name: getattr(self._store, field.name) for field in fields(Store)}
        del shown["client_secret"]
        return shown | {"callbacks": asdict(self._store.callbacks), "permissions": sorted(self._store.permissions)}

    async def _set(self, values: Values) -> object:
        calling = {field.name: values[field.name] for field in fields(Callbacks) if field.name in values}
        known = {field.name for field in fields(Store)} - _FIXED | {"permissions"} | calling.keys()
        if unknown := values.keys() - known:
            raise ValueError(f"{', '.join(sorted(unknown))}: not a setting")
        permissions = frozenset(values.get("permissions", self._store.permissions))
        if permissions - PERMISSIONS:
            raise ValueError(f"permissions are {', '.join(sorted(PERMISSIONS))}")
        self._store.permissions = permissions
        self._store.callbacks = replace(self._store.callbacks, **calling)
        for name in values.keys() - calling.keys() - {"permissions"}:
            setattr(self._store, name, values[name])
        self._caller.wake()
        return await self._show_settings()

    async def _advance(self, values: Values) -> object:
        await self._caller.advance(float(values["advance_s"]))
        return {"now_ms": self._clock.now_ms()}

    async def _approve(self, values: Values) -> object:
        """The payer of an order, a subscription or a setup token agrees."""
        url = await self._performer.approve(str(values["id"]), str(values.get("funding", "balance")))
        self._caller.wake()
        return {"sent_to": url}

    async def _decide(self, values: Values) -> object:
        """A pending capture, hold or refund is decided now: as `outcome` says, else as was meant."""
        kind, thing_id = values.get("kind", "capture"), str(values["id"])
        if kind not in _SETTLED:
            raise ValueError(f"kind is one of {', '.join(_SETTLED)}")
        decided: Literal["capture", "authorization", "refund"] = kind

        def step(connection: sqlite3.Connection) -> str:
            thing = find(connection, decided, thing_id)
            if thing is None or thing.status != "PENDING":
                raise ValueError(f"no {decided} of this id is pending")
            thing.body["_settles_as"] = str(values.get("outcome", thing.body["_settles_as"]))
            save(connection, thing)
            call = of_clock(self._store, self._performer.place, self._books.now_ms())
            _SETTLED[decided](connection, call, thing)
            return thing.status

        status = await self._books.run(step)
        self._caller.wake()
        return {"status": status}

    async def _dispute(self, values: Values) -> object:
        """Opened about a `payment` (capture or order), or changed and decided (`dispute`, `status`, `outcome`)."""

        def step(connection: sqlite3.Connection) -> object:
            call = of_clock(self._store, self._performer.place, self._books.now_ms())
            if "dispute" in values:
                return asdict(change_dispute(connection, call, str(values["dispute"]), values))
            return asdict(open_dispute(connection, call, str(values["payment"]), values))

        done = await self._books.run(step)
        self._caller.wake()
        return done

    async def _set_subscriber(self, values: Values) -> object:
        """Whether the charges of a subscription fail from now on."""

        def step(connection: sqlite3.Connection) -> None:
            subscription = find(connection, "subscription", str(values["id"]))
            if subscription is None:
                raise ValueError("no subscription has this id")
            subscription.body["_fails"] = bool(values["fails"])
            save(connection, subscription)

        await self._books.run(step)
        return {"fails": bool(values["fails"])}

    async def _call(self, values: Values) -> object:
        """Call about a thing or an event now; with `change`, under the genuine headers with another body."""
        answered = await self._caller.call_about(str(values["about"]), change=values.get("change"))
        if not answered:
            raise ValueError("nothing was ever to be told about this")
        return {"answered": answered}

    async def _revoke(self, values: Values) -> object:
        token = values.get("token")
        return {"revoked": await self._books.run(partial(revoke_tokens, now_ms=self._books.now_ms(), token=token))}
