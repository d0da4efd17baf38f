"""A stand-in for PayTR with books of its own, over real HTTP."""

from infra.sandbox.paytr.books import Books
from infra.sandbox.paytr.cards import CARDS, SECURE_CODE, WALLET_UTOKEN, Card
from infra.sandbox.paytr.faults import FaultKind, FaultOrder, FaultPlan, parse_fault
from infra.sandbox.paytr.records import BookedPayment, BookedRefund, BookedTransfer, Movement, Totals
from infra.sandbox.paytr.running import PaytrSandbox, run_paytr_sandbox, running_paytr_sandbox
from infra.sandbox.paytr.signing import DEFAULT_KEYS, Keys
from infra.sandbox.paytr.store import PERMISSIONS, Callbacks, Store

__all__ = [
    "CARDS",
    "DEFAULT_KEYS",
    "PERMISSIONS",
    "SECURE_CODE",
    "WALLET_UTOKEN",
    "BookedPayment",
    "BookedRefund",
    "BookedTransfer",
    "Books",
    "Callbacks",
    "Card",
    "FaultKind",
    "FaultOrder",
    "FaultPlan",
    "Keys",
    "Movement",
    "PaytrSandbox",
    "Store",
    "Totals",
    "parse_fault",
    "run_paytr_sandbox",
    "running_paytr_sandbox",
]
