"""A stand-in for PayPal with books of its own, over real HTTP."""

from infra.sandbox.paypal.books import Books
from infra.sandbox.paypal.faults import FaultKind, FaultOrder, FaultPlan, parse_fault
from infra.sandbox.paypal.instruments import BANK_CODE, CARDS, FUNDINGS, REJECTING_HOLDERS, Card
from infra.sandbox.paypal.records import Movement, Resource, Totals
from infra.sandbox.paypal.running import PaypalSandbox, run_paypal_sandbox, running_paypal_sandbox
from infra.sandbox.paypal.server import Told
from infra.sandbox.paypal.store import PERMISSIONS, Callbacks, Store
from infra.sandbox.paypal.vaulting import WALLET_CUSTOMER

__all__ = [
    "BANK_CODE",
    "CARDS",
    "FUNDINGS",
    "PERMISSIONS",
    "REJECTING_HOLDERS",
    "WALLET_CUSTOMER",
    "Books",
    "Callbacks",
    "Card",
    "FaultKind",
    "FaultOrder",
    "FaultPlan",
    "Movement",
    "PaypalSandbox",
    "Resource",
    "Store",
    "Told",
    "Totals",
    "parse_fault",
    "run_paypal_sandbox",
    "running_paypal_sandbox",
]
