"""A stand-in for iyzico with books of its own, over real HTTP and HTTPS."""

from infra.sandbox.iyzico.books import Books
from infra.sandbox.iyzico.cards import CARDS, WALLET_TOKENS, WALLET_USER_KEY, Card
from infra.sandbox.iyzico.faults import FaultKind, FaultOrder, FaultPlan, parse_fault
from infra.sandbox.iyzico.movements import BookedMovement
from infra.sandbox.iyzico.notifying import Notifying
from infra.sandbox.iyzico.records import BookedLine, BookedPayment, BookedReversal
from infra.sandbox.iyzico.running import Sandbox, run_iyzico_sandbox, running_sandbox
from infra.sandbox.iyzico.signing import DEFAULT_KEYS, Keys
from infra.sandbox.iyzico.totals import Totals

__all__ = [
    "CARDS",
    "DEFAULT_KEYS",
    "WALLET_TOKENS",
    "WALLET_USER_KEY",
    "BookedLine",
    "BookedMovement",
    "BookedPayment",
    "BookedReversal",
    "Books",
    "Card",
    "FaultKind",
    "FaultOrder",
    "FaultPlan",
    "Keys",
    "Notifying",
    "Sandbox",
    "Totals",
    "parse_fault",
    "run_iyzico_sandbox",
    "running_sandbox",
]
