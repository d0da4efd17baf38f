"""A stand-in for Stripe with books of its own, over real HTTP."""

from infra.sandbox.stripe.account import SECRET_KEY, VERSION, WEBHOOK_SECRET, Account, Webhooks
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.cards import CARDS, Card
from infra.sandbox.stripe.faults import FaultKind, FaultOrder, FaultPlan, parse_fault
from infra.sandbox.stripe.records import BookedPayment, BookedRefund, Movement, Totals
from infra.sandbox.stripe.running import StripeSandbox, run_stripe_sandbox, running_stripe_sandbox

__all__ = [
    "CARDS",
    "SECRET_KEY",
    "VERSION",
    "WEBHOOK_SECRET",
    "Account",
    "BookedPayment",
    "BookedRefund",
    "Books",
    "Card",
    "FaultKind",
    "FaultOrder",
    "FaultPlan",
    "Movement",
    "StripeSandbox",
    "Totals",
    "Webhooks",
    "parse_fault",
    "run_stripe_sandbox",
    "running_stripe_sandbox",
]
