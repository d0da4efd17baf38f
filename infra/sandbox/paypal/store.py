"""The one merchant that the sandbox serves: its keys, what is enabled for it, and how it is called."""

from dataclasses import dataclass, field
from typing import Final, Literal

_HOUR_S: Final = 3_600
_DAY_S: Final = 24 * _HOUR_S

PERMISSIONS: Final = frozenset({"cards", "vault", "reports", "authorizations"})


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How the merchant is called.

    Attributes:
        url: of the webhook; without one nothing is sent.
        first_s: seconds from the event to the first call.
        spread_s: each first call comes by chance up to this much later, so that their order is not that of the events.
        again_s: until the next call while the answer is not 2xx.
        tries: how often it is called at most, as long as it does not take it.
        repeats: how often an event comes again though it was taken, each after `again_s`.
        forge_every: each n-th call is preceded by one with another body of the same CRC-32; 0 for none.
        restamped: each repeat has a transmission id and time of its own, and is signed anew.
    """

    url: str | None = None
    first_s: float = 1
    spread_s: float = 0
    again_s: float = 60
    tries: int = 25
    repeats: int = 0
    forge_every: int = 0
    restamped: bool = False


@dataclass(slots=True)
class Store:
    """Everything about the merchant that can be set, before or while it is served.

    Attributes:
        webhook_id: the id that each call is signed with.
        certificate_name: common name of the certificate; PayPal's live one has no `sandbox` in it.
        permissions: what the account may do.
        token_s: how long a token counts.
        same_token: asking again gives the same token with less time left.
        order_s: until an order that nobody completed is not found any more.
        echeck_s: until a capture that waits for an e-check is decided.
        honour_s: a hold can be renewed after this, not before.
        valid_s: a hold lapses after this.
        report_lag_s: until a movement shows in the transactions.
        unique_invoices: an invoice number is paid once.
        failures_repeated: a request that was refused is refused again under its id, though it could succeed by now.
        other_body: what another body under a known request id is answered, but for the vault.
        renewed_hold: a renewed hold has an id of its own, and the old one is voided; or it keeps its id.
        refund_names_order: a refund's event names the order beside the capture, which the published schema does not.
    """

    client_id: str = "paypal-sandbox-client"
    client_secret: str = "paypal-sandbox-secret"  # noqa: S105 -- of a simulator, printed at its start
    webhook_id: str = "3TR748995U920805P"
    merchant_id: str = "SANDB2XMERCHN"
    merchant_email: str = "merchant@sandbox.example"
    certificate_name: str = "messageverificationcerts.sandbox.paypal.com"
    callbacks: Callbacks = field(default_factory=Callbacks)
    permissions: frozenset[str] = PERMISSIONS
    token_s: float = 9 * _HOUR_S
    same_token: bool = False
    order_s: float = 3 * _DAY_S
    echeck_s: float = 3 * _DAY_S
    honour_s: float = 3 * _DAY_S
    valid_s: float = 29 * _DAY_S
    report_lag_s: float = 3 * _HOUR_S
    unique_invoices: bool = True
    failures_repeated: bool = True
    other_body: Literal["first", "refused"] = "first"
    renewed_hold: Literal["new", "same"] = "new"
    refund_names_order: bool = False
