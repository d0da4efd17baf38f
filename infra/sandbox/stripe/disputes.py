"""Disputes: the card's bank takes the money back, and perhaps gives it again.

Source: docs.stripe.com: API reference, Disputes; How disputes work; Testing, "Disputes" (evidence that wins or loses).
"""

from typing import Any, Final

from infra.sandbox.stripe import charges
from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.cards import CARDS
from infra.sandbox.stripe.events import tell
from infra.sandbox.stripe.money import move
from infra.sandbox.stripe.refusing import Refused
from infra.sandbox.stripe.shelf import Document, new_id

KIND: Final = "dispute"
_FEE: Final = 1500
_ANSWER_S: Final = 14 * charges.DAY_S
_INQUIRY: Final = "inquiry"
REASONS: Final = frozenset(
    {"credit_not_processed", "duplicate", "fraudulent", "general", "product_not_received", "product_unacceptable"}
    | {"subscription_canceled", "unrecognized"}
)
OUTCOMES: Final = frozenset({"under_review", "won", "lost", "warning_under_review", "warning_closed", "prevented"})
_OPEN: Final = frozenset({"needs_response", "under_review", "warning_needs_response", "warning_under_review"})
_TEXTS: Final = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal"
    " customer_communication customer_email_address customer_name customer_purchase_ip customer_signature"
    " duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt"
    " refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation"
    " shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number"
    " uncategorized_file uncategorized_text"
)
_WORDS: Final = {"winning_evidence": "won", "losing_evidence": "lost"}


def retrieve(call: Call) -> Document:
    return call.shelf.get(KIND, call.identifier, "dispute")


def list_disputes(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("charge", "payment_intent")}
    return listed(call, KIND, read_page(call, "created"), **about)


def update(call: Call) -> Document:
    """Evidence, which is submitted once; the words of Stripe's tests decide at once."""
    dispute = retrieve(call)
    given = call.fields.inner("evidence")
    given.only((*_TEXTS.split(), "enhanced_evidence"))
    evidence = dispute["evidence"] | {name: given.optional(name) for name in _TEXTS.split() if name in given}
    dispute = dispute | {"evidence": evidence, "metadata": call.fields.metadata(dispute["metadata"])}
    details = dispute["evidence_details"] | {"has_evidence": any(evidence[name] for name in _TEXTS.split())}
    if call.fields.flag("submit", default=True) and "evidence" in call.fields:
        if dispute["status"] not in {"needs_response", "warning_needs_response"}:
            raise Refused("This dispute is closed, or its evidence was submitted.", param="submit")
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        dispute = call.shelf.save(dispute | {"evidence_details": details})
        waiting = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
        return decide(call, dispute["id"], _WORDS.get(str(evidence["uncategorized_text"]), waiting))
    dispute = call.shelf.save(dispute | {"evidence_details": details})
    tell(call, "charge.dispute.updated", dispute)
    return dispute


def close(call: Call) -> Document:
    """The account gives in, for ever."""
    dispute = retrieve(call)
    if dispute["status"] not in {"needs_response", "warning_needs_response"}:
        raise Refused("This dispute is already closed.")
    return decide(call, dispute["id"], "lost")


def open_for_card(call: Call, charge_id: str) -> None:
    """As the test card that was charged wants it."""
    charge = call.shelf.known("charge", charge_id)
    reason = CARDS[charge["_card"]].dispute
    if reason is not None and not charge["disputed"]:
        opened(call, charge_id, reason)


def opened(call: Call, charge_id: str, reason: str, amount: int | None = None) -> Document:
    """An inquiry takes no money yet; any other dispute takes it at once, and a fee with it.

    Raises:
        ValueError: nothing was taken, or it is disputed already.
    """
    shelf = call.shelf
    charge = shelf.known("charge", charge_id)
    if not charge["captured"] or charge["disputed"]:
        raise ValueError("the charge took nothing, or is disputed already")
    inquiry = reason == _INQUIRY
    dispute = shelf.add(
        {
            "id": new_id("du_1"),
            "object": KIND,
            "amount": amount or charge["amount_captured"],
            "balance_transactions": [],
            "charge": charge_id,
            "created": shelf.now_s,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(_TEXTS.split()) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": shelf.now_s + _ANSWER_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": _card_details(charge, inquiry=inquiry),
            "reason": "general" if inquiry else reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        }
    )
    shelf.save(charge | {"disputed": True, "_refundable": inquiry})
    tell(call, "charge.dispute.created", dispute)
    if not inquiry:
        dispute = _moved(call, dispute, -dispute["amount"], "dispute", fee=_FEE)
        tell(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(call: Call, identifier: str, outcome: str) -> Document:
    """What became of it; money that was taken comes back when it is won.

    Raises:
        ValueError: it has been decided, or the outcome is none.
    """
    dispute = call.shelf.known(KIND, identifier)
    if outcome not in OUTCOMES or dispute["status"] not in _OPEN:
        raise ValueError(f"outcome is one of {', '.join(sorted(OUTCOMES))}, of a dispute that is open")
    was = {"status": dispute["status"]}
    dispute = call.shelf.save(dispute | {"status": outcome, "is_charge_refundable": outcome == "warning_closed"})
    if outcome in _OPEN:
        tell(call, "charge.dispute.updated", dispute, was)
        return dispute
    if outcome == "won" and dispute["balance_transactions"]:
        dispute = _moved(call, dispute, dispute["amount"], "dispute_reversal")
        tell(call, "charge.dispute.funds_reinstated", dispute)
    charge = call.shelf.known("charge", dispute["charge"])
    call.shelf.save(charge | {"_refundable": outcome in {"won", "warning_closed"}})
    tell(call, "charge.dispute.closed", dispute, was)
    return dispute


def _moved(call: Call, dispute: Document, amount: int, category: str, *, fee: int = 0) -> Document:
    moved = move(
        call.shelf,
        "adjustment",
        amount,
        dispute["currency"],
        dispute["id"],
        category=category,
        fee=fee,
        at_once=True,
    )
    return call.shelf.save(dispute | {"balance_transactions": [*dispute["balance_transactions"], moved]})


def _card_details(charge: Document, *, inquiry: bool) -> dict[str, Any]:
    card = CARDS[charge["_card"]]
    kind = "inquiry" if inquiry else "chargeback"
    told = {"brand": card.brand, "case_type": kind, "network": card.brand, "network_reason_code": "10.4"}
    return {"card": told, "type": "card"}
