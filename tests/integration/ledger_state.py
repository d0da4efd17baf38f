"""What a state machine of the ledger's protocol knows, and the small things that its steps are made of."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from agents.ledger import Sending
from agents.payments.conclude import Conclude
from agents.payments.decide import decide
from agents.payments.decisions import Decision, Promise, Refuse
from providers.outcome import Outcome
from schemas.payments import CreatePayment
from schemas.verdicts import Verdict
from tests.builders import NOON
from tests.integration.ledger_bridge import Bridge
from tests.integration.ledger_hands import FIRST, PROMISED_S, Books, Hand, Order, Place, performed_by, three_orders

Decide = Callable[..., Decision]

DEADLINE_S: Final = 10.0
ABSENCE_S: Final = 120.0
JUMPS_S: Final = 40.0
"""How far the database's clock may stand off in all; below the minute that `decide` allows for."""

nth = st.integers(0, 7)


def someone_at(place: Place) -> Callable[[Any], bool]:
    return lambda model: bool(model._at(place))


class ProtocolState(RuleBasedStateMachine):
    """One payment with three commands; keys have nothing to do with each other.

    Args:
        bridge: to the real ledger.
        repeatable: whether the provider deduplicates by our reference, and promises so.
        decides: `decide`, or a broken one.
        places: the integrations that a creation may go to, in the order of the rules.
    """

    def __init__(
        self, bridge: Bridge, *, repeatable: bool, decides: Decide = decide, places: tuple[str, ...] = (FIRST,)
    ) -> None:
        super().__init__()
        self.bridge, self.ledger, self.decides = bridge, bridge.ledger, decides
        self.repeatable = repeatable
        self.promise = Promise(PROMISED_S if repeatable else None, None)
        self.places = places
        self.books = {place: Books(deduplicates=repeatable) for place in places}
        self.elapsed_s = 0.0
        self.jumped_s = 0.0
        self.orders = three_orders()
        self.hands: list[Hand] = []
        self.published: list[tuple[UUID, UUID, bytes]] = []
        self.sends: dict[str, int] = {}
        self.marked: dict[str, set[UUID]] = {}
        bridge.reset_clock()

    def time_passes(self, seconds: float) -> None:
        # Bytes of a repetition that leave a worker after the provider's promise is over are beyond any protocol.
        zombies = [self._of(hand) for hand in self.hands if hand.place == "send"]
        seen_s = [self._books(sending).first_seen_s.get(sending.reference, self.elapsed_s) for sending in zombies]
        ends_s = [first_s + PROMISED_S for first_s in seen_s]
        if not self.repeatable or all(self.elapsed_s + seconds < end_s for end_s in ends_s):
            self.elapsed_s += seconds
            self.bridge.step_clock(seconds)

    def _at(self, place: Place) -> list[Hand]:
        return [hand for hand in self.hands if hand.place == place]

    def _pick(self, place: Place, number: int) -> Hand:
        there = self._at(place)
        return there[number % len(there)]

    def _parked_first(self) -> Order | None:
        """The order that waits first in the ledger."""
        parked = self.bridge.run(self.ledger.next_parked(self.orders[0].key))
        if parked is None:
            return None
        return next(order for order in self.orders if order.command_id == parked.command_id)

    def _of(self, hand: Hand) -> Sending:
        if hand.sending is None:
            raise AssertionError("this step comes after the decision")
        return hand.sending

    def _twice(self, lost: bool, act: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
        if lost:
            self.bridge.run(act())
        return self.bridge.run(act())

    def _sending(self, hand: Hand, attempt: int, place: str) -> Sending:
        return Sending(hand.held, attempt, place, hand.order.reference(attempt), "digest", repeatable=False)

    def _books(self, sending: Sending) -> Books:
        return self.books[sending.integration_id]

    def _effects(self, order: Order) -> int:
        """How often it was performed, by all providers together."""
        return sum(
            count for books in self.books.values() for reference, count in books.effects.items() if order.has(reference)
        )

    def _way(self, hand: Hand) -> str:
        """The first place that was not tried in vain; later commands go where the payment was created."""
        created_at = None if hand.payment is None else hand.payment.integration_id
        left = [place for place in self.places if place not in hand.over]
        return created_at or (left or self.places)[0]

    def _onward(self, hand: Hand) -> None:
        """To the next place, under a claim made anew; when there is none, later and from the first again."""
        over = (*hand.over, self._of(hand).integration_id)
        if isinstance(hand.order.command, CreatePayment) and len(over) < len(self.places):
            hand.over, hand.place = over, "claim"
        else:
            hand.over, hand.place = (), "release"

    def _conclude(self, hand: Hand) -> Conclude:
        if hand.payment is None:
            raise AssertionError("this step comes after the claim")
        at = NOON + timedelta(seconds=self.elapsed_s)
        order = hand.order
        return Conclude(order.command_id, order.command, hand.payment, amount=hand.amount, attempts=1, at=at)

    def _refuse(self, hand: Hand, refusal: Refuse) -> None:
        hand.result, hand.place = self._conclude(hand).refused(refusal), "conclude"

    def _decided(self, hand: Hand, verdict: Verdict) -> None:
        hand.result = self._conclude(hand).by_provider(Outcome(verdict=verdict), performed_by(hand))
        hand.place = "conclude"
