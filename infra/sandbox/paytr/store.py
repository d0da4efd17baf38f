"""The one store that the sandbox serves: its keys, what support has enabled for it, and how it is called back."""

from dataclasses import dataclass, field
from typing import Final, Literal

from infra.sandbox.paytr.signing import DEFAULT_KEYS, Keys

PERMISSIONS: Final = frozenset(
    {"direct", "non_3d", "sync_mode", "recurring", "store_card", "eft", "bkm", "link", "platform"}
)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How the store is called.

    Attributes:
        url: of notices about payments; without one they count as acknowledged.
        transfers_url: of notices about transfers; `url` unless given.
        first_s: seconds from the event to the first call.
        spread_s: each call comes by chance up to this much later, so that their order is not that of the events.
        again_s: until the next call while the answer is not exactly `OK`; there is no last one.
        repeats: how often a notice comes again though it was acknowledged, each after `again_s`.
        forge_every: each n-th call goes out with a wrong hash first; 0 for none.
        before_return: the first call is made at once, and answered before whoever paid hears how it went: the buyer's
            browser is sent back, or the store's server gets its answer.
    """

    url: str | None = None
    transfers_url: str | None = None
    first_s: float = 1
    spread_s: float = 0
    again_s: float = 60
    repeats: int = 0
    forge_every: int = 0
    before_return: bool = False


@dataclass(slots=True)
class Store:
    """Everything about the store that can be set, before or while it is served.

    Attributes:
        active: an inactive store is refused everything (001).
        test_store: every payment is a test, whatever its request says.
        repeated_oid: what happens to an order number that was used before; PayTR does not say.
        comma_decimals: amounts of status and reports as the documents show them (`10,8`), not with a dot.
        bare_instalment_keys: instalment rates under `2`, not `taksit_2`.
        numbered_rows: rows of reports as members `0`, `1`, … and not in a list `data`.
        escaped_trans_ids: the list of a transfers' callback with backslashes before its quotes, as PHP may write it.
        iframe_failed_total: a failed iFrame payment is told with the order's amount, not 0.
        transfers_next_day: a seller's share can be sent from the day after the payment only.
        json_type: the content type of JSON answers.
        balance_minor: what refunds can be taken from; none for no limit.
        transfer_s: seconds until a transfer is carried out.
        resend_s: seconds until returned money is sent again.
        eft_s: seconds from the buyer's notice of a transfer to the bank's word on it.
    """

    keys: Keys = DEFAULT_KEYS
    callbacks: Callbacks = field(default_factory=Callbacks)
    permissions: frozenset[str] = PERMISSIONS
    active: bool = True
    test_store: bool = False
    repeated_oid: Literal["refused", "charged"] = "refused"
    comma_decimals: bool = False
    bare_instalment_keys: bool = False
    numbered_rows: bool = False
    escaped_trans_ids: bool = False
    iframe_failed_total: bool = True
    transfers_next_day: bool = False
    json_type: str = "application/json"
    balance_minor: int | None = None
    transfer_s: float = 5
    resend_s: float = 300
    eft_s: float = 5
