"""A sandbox's own pages: what stands is shown, and a person or a test orders something with one JSON object.

Unsigned, for the loopback only.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from aiohttp import web

from infra.sandbox.exact_json import to_json
from infra.sandbox.fault_orders import FaultPlan, FaultReader

ADMIN_PREFIX: Final = "/__sandbox__/"

K = TypeVar("K", bound=StrEnum)

Values = dict[str, Any]
Show = Callable[[], Awaitable[object]]
Order = Callable[[Values], Awaitable[object]]


class CannotBeDone(Exception):
    """An order that is understood, and that the books do not allow; `told` is the answer."""

    def __init__(self, told: Mapping[str, object]) -> None:
        super().__init__()
        self.told = told


class AdminPages(Generic[K]):
    """The faults, which every sandbox has, and by their names the pages and orders of one.

    An order raises ValueError, KeyError or TypeError for an object that it cannot read, and CannotBeDone.
    """

    def __init__(
        self, plan: FaultPlan[K], faults: FaultReader[K], *, shown: Mapping[str, Show], ordered: Mapping[str, Order]
    ) -> None:
        self._plan = plan
        self._faults = faults
        self._shown = {"faults": self._show_faults, **shown}
        self._ordered = {"faults": self._order_fault, **ordered}

    async def handle(self, request: web.BaseRequest, page: str, body: bytes) -> web.StreamResponse:
        """The page or order behind the prefix; 404 for one that is not there."""
        match request.method:
            case "GET" if page in self._shown:
                return _json(await self._shown[page]())
            case "DELETE" if page == "faults":
                self._plan.clear()
                return _json(await self._show_faults())
            case "POST" if page in self._ordered:
                return await self._carry_out(self._ordered[page], body)
        served = f"serves GET {', '.join(self._shown)}; POST {', '.join(self._ordered)}; DELETE faults"
        return _json({"error": served}, status=404)

    async def _carry_out(self, order: Order, body: bytes) -> web.StreamResponse:
        try:
            return _json(await order(_read(body)))
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        except (KeyError, TypeError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, status=400)
        except CannotBeDone as answer:
            return _json(answer.told, status=409)

    async def _show_faults(self) -> object:
        return {"faults": [asdict(order) | {"used": used} for order, used in self._plan.standing()]}

    async def _order_fault(self, values: Values) -> object:
        # One fault, unless a number is given: a forgotten count must not spoil all that follows.
        given = {"count": 1} | values
        self._plan.order(self._faults.read({name: str(value) for name, value in given.items() if value is not None}))
        return await self._show_faults()


def _read(body: bytes) -> Values:
    try:
        values = json.loads(body)
    except ValueError as error:
        raise ValueError(f"send one JSON object: {error}") from error
    if not isinstance(values, dict):
        raise ValueError("send one JSON object")  # noqa: TRY004 -- read wrongly, not typed wrongly
    return values


def _json(value: object, status: int = 200) -> web.StreamResponse:
    return web.Response(status=status, text=to_json(value), content_type="application/json")
