"""The account's balance and its movements, as they are told.

Source: docs.stripe.com: API reference, Balance; Balance transactions.
"""

from collections import defaultdict

from infra.sandbox.stripe.call import Call, listed, read_page
from infra.sandbox.stripe.shelf import Document, Shelf

_KIND = "balance_transaction"


def retrieve(call: Call) -> Document:
    """What can be paid out, and what comes in the next days, by currency."""
    parts: dict[str, list[Document]] = {}
    for status in ("available", "pending"):
        sums = sums_of(call.shelf, status)
        parts[status] = [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in sorted((sums or {"try": 0}).items())
        ]
    return {"object": "balance", **parts, "livemode": False}


def sums_of(shelf: Shelf, status: str) -> dict[str, int]:
    """The sums of what is available, or of what is pending, by currency."""
    sums: defaultdict[str, int] = defaultdict(int)
    for line in shelf.every(_KIND):
        sums[line["currency"]] += line["net"] if line["status"] == status else 0
    return dict(sums)


def retrieve_line(call: Call) -> Document:
    return call.shelf.get(_KIND, call.identifier, "id")


def list_lines(call: Call) -> Document:
    about = {name: call.fields.optional(name) for name in ("currency", "source", "type")}
    return listed(call, _KIND, read_page(call, "created"), **about)
