"""Who takes part in the model of the ledger: commands, the hands that they are in, and providers with their books."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from agents.ledger import Claim, Parking, Sending, StoredResult
from schemas.ids import new_id
from schemas.money import Money
from schemas.payments import Payment, PaymentCommand, Performed, Result
from schemas.verdicts import Verdict
from tests.builders import NOON, a_cancel_payment, a_create_payment, a_refund_payment, lira

PROMISED_S: Final = 3600.0

FIRST: Final = "iyzico-main"
SECOND: Final = "iyzico-other"


@dataclass
class Books:
    """What a provider did, by our reference; with `deduplicates` a known one is answered, not performed again."""

    deduplicates: bool
    effects: dict[str, int] = field(default_factory=dict)
    declined: set[str] = field(default_factory=set)
    on_the_way: set[str] = field(default_factory=set)
    first_seen_s: dict[str, float] = field(default_factory=dict)

    def known(self, reference: str, at_s: float) -> bool:
        """Whether a request is taken for a repetition."""
        return self.deduplicates and at_s - self.first_seen_s.get(reference, -PROMISED_S) < PROMISED_S

    def perform(self, reference: str, at_s: float) -> None:
        self.first_seen_s.setdefault(reference, at_s)
        self.effects[reference] = self.effects.get(reference, 0) + 1

    def verdict(self, reference: str) -> Verdict | None:
        """What an inquiry finds; what is on its way is not seen yet."""
        if reference in self.on_the_way:
            return None
        if self.effects.get(reference):
            return Verdict.ACCEPTED
        return Verdict.REFUSED if reference in self.declined else None


@dataclass
class Order:
    """A command as it lies in the log."""

    key: str
    command_id: UUID
    command: PaymentCommand
    earlier: "tuple[Order, ...]" = ()
    concluded: bool = False
    acknowledged: bool = False

    def reference(self, number: int) -> str:
        """What the attempt is called."""
        return f"{self.command_id.hex}-{number}"

    def has(self, reference: str) -> bool:
        return reference.startswith(self.command_id.hex)


Place = Literal[
    "claim",
    "mark",
    "check",
    "send",
    "unmark",
    "inquire",
    "conclude",
    "publish",
    "unpark",
    "acknowledge",
    "release",
    "join",
]
"""`release` is where a hand stands that has to try later: it lets go of the key, or parks the command. `join`: the
command is to be laid behind others of its key."""


@dataclass(eq=False)
class Hand:
    """One delivery in one worker's hands, and where it stands."""

    order: Order
    place: Place = "claim"
    woken: bool = False
    token: UUID = field(default_factory=new_id)
    claim: Claim | None = None
    claimed_s: float = 0.0
    payment: Payment | None = None
    amount: Money | None = None
    sending: Sending | None = None
    again: bool = False
    may_resend: bool = False
    over: tuple[str, ...] = ()
    """Where it certainly was not performed while it was in this hand."""
    result: Result | None = None
    stored: StoredResult | None = None

    @property
    def held(self) -> Claim:
        if self.claim is None:
            raise AssertionError("this step comes after the claim")
        return self.claim


Happening = Literal["performs", "performs, no answer", "performs late", "declines", "throttles", "never arrives"]
HAPPENINGS: Final[tuple[Happening, ...]] = (
    "performs",
    "performs, no answer",
    "performs late",
    "declines",
    "throttles",
    "never arrives",
)


def three_orders() -> list[Order]:
    create = a_create_payment(lira("12.50"))
    refund = a_refund_payment(create.payment_id, lira("5.00"))
    cancel = a_cancel_payment(create.payment_id, expires_at=NOON + timedelta(seconds=300))
    orders: list[Order] = []
    for command in (create, refund, cancel):
        orders.append(Order(f"payments/{create.payment_id}", new_id(), command, earlier=tuple(orders)))
    return orders


def a_parking(hand: Hand) -> Parking:
    return Parking(hand.held, FIRST, "commands", 0, 0, b"sealed", "later", 10.0)


def performed_by(hand: Hand) -> Performed:
    if hand.sending is None:
        raise AssertionError("what was performed was sent")
    place, reference = hand.sending.integration_id, hand.sending.reference
    return Performed(integration_id=place, provider="iyzico", our_reference=reference)
