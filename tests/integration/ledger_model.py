"""The protocol around the ledger as a state machine: the real ledger, `decide`, `Conclude` and payment on one side,
providers with books of their own on the other, and between any two steps whatever may happen there.

A `Hand` is one delivery in one worker's hands. It takes the steps that the agent takes, one at a time: claim and
decide, mark, check the lease, let the bytes leave, ask, conclude, publish, park, acknowledge. A parked command is taken
up by a hand of its own, as often as somebody wakes its key. A hand that is not moved on while another takes over is a
zombie; one that is dropped is a crash. With two providers a creation goes on to the next one when it certainly was not
performed, and the order in which they are tried may change at any time. Two clocks: `elapsed_s` is true time, which
every worker and the provider count by; the database's clock may be stepped away from it.
"""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from agents.payments.decide import decide
from schemas.ids import result_id
from tests.integration.ledger_bridge import LEASE_S, Bridge
from tests.integration.ledger_hands import FIRST, HAPPENINGS, PROMISED_S, SECOND, Hand, Happening, Order
from tests.integration.ledger_state import JUMPS_S, Decide, nth, someone_at
from tests.integration.ledger_steps import AgentSteps


class Protocol(AgentSteps):
    """What may happen at any time, and what must hold after every step."""

    @rule(number=nth)
    @precondition(lambda self: len(self.hands) < 6)
    def deliver(self, number: int) -> None:
        """A record that was not acknowledged is handed to some worker, whoever else may have it.

        Lanes hand in a record only when those before it of its key are concluded or parked.
        """
        waiting = [
            order
            for order in self.orders
            if not order.acknowledged and all(earlier.concluded or earlier.acknowledged for earlier in order.earlier)
        ]
        if waiting:
            self.hands.append(Hand(waiting[number % len(waiting)]))

    @rule()
    @precondition(lambda self: len(self.hands) < 6)
    def wake(self) -> None:
        """A wake record of the key is read, whether or not its time has come, and whoever else may have read one."""
        first = self._parked_first()
        if first is not None:
            self.hands.append(Hand(first, woken=True))

    @rule(number=nth)
    @precondition(lambda self: bool(self.hands))
    def crash(self, number: int) -> None:
        self.hands.pop(number % len(self.hands))

    @rule(
        seconds=st.sampled_from([5.0, 20.0, 40.0, 200.0, PROMISED_S]), jump_s=st.sampled_from([0.0, 0.0, 40.0, -40.0])
    )
    def the_clocks_go_on(self, seconds: float, jump_s: float) -> None:
        """Time passes, or, with `jump_s`, the database's clock alone is stepped."""
        if not jump_s:
            self.time_passes(seconds)
        elif abs(self.jumped_s + jump_s) <= JUMPS_S:
            self.jumped_s += jump_s
            self.bridge.step_clock(jump_s)

    @rule()
    @precondition(lambda self: any(books.on_the_way for books in self.books.values()))
    def what_was_late_appears(self) -> None:
        books = next(books for books in self.books.values() if books.on_the_way)
        reference = min(books.on_the_way)
        books.on_the_way.remove(reference)
        books.perform(reference, self.elapsed_s)

    @rule(number=nth, steps=st.integers(2, 9), happening=st.sampled_from(HAPPENINGS))
    @precondition(lambda self: bool(self.hands))
    def one_hand_gets_on(self, number: int, steps: int, happening: Happening) -> None:
        """Several steps in a row, so that more stories come to their end."""
        hand = self.hands[number % len(self.hands)]
        for _ in range(steps):
            if hand in self.hands:
                self._step(hand, happening)
                self._check()

    @invariant()
    def money_moves_once(self) -> None:
        for order in self.orders:
            effects = self._effects(order)
            assert effects <= 1, f"{order.command.type} was performed {effects} times"
            sends = {reference: count for reference, count in self.sends.items() if order.has(reference)}
            # A repetition is the same attempt; anything else that may be performed leaves once.
            count = len(sends) if self.repeatable else sum(sends.values())
            assert count <= 1, f"{order.command.type} was sent {count} times"

    @invariant()
    def every_copy_of_a_result_is_the_same(self) -> None:
        results: dict[UUID, tuple[UUID, bytes]] = {}
        for command_id, event_id, value in self.published:
            assert event_id == result_id(command_id)
            assert results.setdefault(command_id, (event_id, value)) == (event_id, value), "two results of one command"

    @invariant()
    def one_command_of_a_key_at_a_time_may_be_under_way(self) -> None:
        for commands in self.marked.values():
            assert len(commands) <= 1, "two commands of one key are under way"

    def teardown(self) -> None:
        """Let zombies have their say, then finish everything, and compare with the provider's books."""
        try:
            while self._at("send"):
                self.the_bytes_leave(0, "performs")
            self._check()
            self.hands.clear()
            if self.repeatable:  # a repetition is answered only once the first one is through
                self._let_appear()
            for order in self.orders:
                self._finish(order)
            self._let_appear()
            self._check()
            for order in self.orders:
                self._compare(order)
        finally:
            self.hands.clear()

    def _let_appear(self) -> None:
        while any(books.on_the_way for books in self.books.values()):
            self.what_was_late_appears()

    def _finish(self, order: Order) -> None:
        """Until it is concluded and published: by redelivery, by waking, or by one after the other."""
        for _ in range(4):
            if not order.acknowledged:
                self._take_to_its_end(Hand(order))
            first = self._parked_first()
            if first is not order:
                return
            self._take_to_its_end(Hand(order, woken=True))

    def _take_to_its_end(self, hand: Hand) -> None:
        self.hands, order = [hand], hand.order
        for _ in range(200):
            if not self.hands:
                return
            waited = hand.place in {"claim", "release"}
            self._step(hand, "performs")
            if waited and hand.place == "claim":
                self.time_passes(LEASE_S + JUMPS_S if hand.claim and hand.claim.wait_s else 20.0)
        raise AssertionError(f"{order.command.type} never ends: it stands at {hand.place}")

    def _step(self, hand: Hand, happening: Happening) -> None:
        """One step of this hand, as smooth as it can be."""
        number = self._at(hand.place).index(hand)
        match hand.place:
            case "claim":
                self.claim(number)
            case "mark":
                self.mark(number, lost=False, intent_written=True)
            case "check":
                self.check_the_lease(number)
            case "send":
                self.the_bytes_leave(number, happening)
            case "unmark":
                self.take_the_mark_back(number, lost=False, give_up=False)
            case "inquire":
                self.inquire(number, answered=True)
            case "conclude":
                self.conclude(number, lost=False)
            case "publish":
                self.publish(number)
            case "unpark":
                self.unpark(number)
            case "acknowledge":
                self.acknowledge(number)
            case "release":
                self.release(number)
            case "join":
                self.join_those_that_are_parked(number, lost=False)

    def _check(self) -> None:
        self.money_moves_once()
        self.every_copy_of_a_result_is_the_same()
        self.one_command_of_a_key_at_a_time_may_be_under_way()

    def _compare(self, order: Order) -> None:
        values = {value for command_id, _, value in self.published if command_id == order.command_id}
        assert len(values) == 1, "a command without its one result"
        text = values.pop().decode()
        effects = self._effects(order)
        if '"verdict":"accepted"' in text:
            assert effects == 1, "accepted, and the provider knows nothing of it"
        elif '"verdict":"refused"' in text:
            assert effects == 0, "refused, and the provider performed it"
        else:
            assert '"verdict":"unknown"' in text


class RoutedProtocol(Protocol):
    """With two providers, of which a creation tries the second when the first certainly did not perform it."""

    def __init__(self, bridge: Bridge, *, repeatable: bool, decides: Decide = decide) -> None:
        super().__init__(bridge, repeatable=repeatable, decides=decides, places=(FIRST, SECOND))

    @rule()
    def the_rules_change(self) -> None:
        self.places = self.places[::-1]

    @rule(number=nth)
    @precondition(someone_at("mark"))
    def pass_over(self, number: int) -> None:
        """The breaker is open, or a limit is reached: nothing is marked, and the next one is tried."""
        hand = self._pick("mark", number)
        if not hand.again:
            self._onward(hand)
