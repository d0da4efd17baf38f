"""The protocol around the ledger as a state machine: the real ledger, `decide`, `Conclude` and payment on one side,
providers with books of their own on the other, and between any two steps whatever may happen there.

A `Hand` is one delivery in one worker's hands. It takes the steps that the agent takes, one at a time: claim and
decide, mark, check the lease, let the bytes leave, ask, conclude, publish, park, acknowledge. A parked command is taken
up by a hand of its own, as often as somebody wakes its key. A hand that is not moved on while another takes over is a
zombie; one that is dropped is a crash. With two providers a creation goes on to the next one when it certainly was not
performed, and the order in which they are tried may change at any time. Two clocks: `elapsed_s` is true time, which
every worker and the provider count by; the database's clock may be stepped away from it.
"""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.ledger import Ask, Conclusion, Sending, StoredResult
from agents.payments.conclude import Conclude
from agents.payments.decide import (
    Answer,
    Call,
    Decision,
    Inquire,
    Lying,
    Promise,
    Queue,
    Refuse,
    Wait,
    attempt_number,
    decide,
)
from providers.outcome import Outcome
from schemas.ids import result_id
from schemas.payments import CreatePayment, Payment, Reason
from schemas.verdicts import FailureClass, Verdict
from tests.builders import NOON
from tests.integration.ledger_bridge import LEASE_S, MARGIN_S, Bridge
from tests.integration.ledger_hands import (
    FIRST,
    HAPPENINGS,
    PROMISED_S,
    SECOND,
    Books,
    Hand,
    Happening,
    Order,
    Place,
    a_parking,
    performed_by,
    three_orders,
)

Decide = Callable[..., Decision]

DEADLINE_S: Final = 10.0
ABSENCE_S: Final = 120.0
JUMPS_S: Final = 40.0
"""How far the database's clock may stand off in all; below the minute that `decide` allows for."""

nth = st.integers(0, 7)


def _someone_at(place: Place) -> Callable[[Any], bool]:
    return lambda model: bool(model._at(place))


class Protocol(RuleBasedStateMachine):
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

    # What may happen at any time.

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

    def time_passes(self, seconds: float) -> None:
        # Bytes of a repetition that leave a worker after the provider's promise is over are beyond any protocol.
        zombies = [self._of(hand) for hand in self.hands if hand.place == "send"]
        seen_s = [self._books(sending).first_seen_s.get(sending.reference, self.elapsed_s) for sending in zombies]
        ends_s = [first_s + PROMISED_S for first_s in seen_s]
        if not self.repeatable or all(self.elapsed_s + seconds < end_s for end_s in ends_s):
            self.elapsed_s += seconds
            self.bridge.step_clock(seconds)

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

    # The agent's steps.

    @rule(number=nth)
    @precondition(_someone_at("claim"))
    def claim(self, number: int) -> None:
        hand = self._pick("claim", number)
        order = hand.order
        claimed_s = self.elapsed_s
        ask = Ask(order.key, order.command_id, order.command.type, order.command_id.bytes, hand.token, hand.woken)
        claim = self.bridge.run(self.ledger.claim(ask))
        payment = Payment(payment_id=order.command.payment_id)
        if claim.key_state is not None:
            payment = Payment.model_validate_json(claim.key_state)
        hand.claim, hand.claimed_s, hand.payment = claim, claimed_s, payment
        now = NOON + timedelta(seconds=self.elapsed_s)
        decision = self.decides(claim, payment, order.command, self.promise, now=now)
        match decision:
            case Answer(result):
                hand.stored, hand.place = result, "publish"
            case Refuse():
                self._refuse(hand, decision)
            case Call(amount=amount):
                place = self._way(hand)
                hand.amount, hand.again, hand.place = amount, False, "mark"
                hand.sending = self._sending(hand, attempt_number(claim.attempts, place), place)
            case Inquire(attempt=known, amount=amount, resend=resend, earlier=earlier):
                assert not earlier, "two attempts of one command may have been sent"
                hand.amount, hand.may_resend, hand.place = amount, resend, "inquire"
                hand.sending = self._sending(hand, known.number, known.integration_id)
            case Wait():
                hand.place = "claim"
            case Lying():
                hand.place = "acknowledge"
            case Queue():
                hand.place = "join"
            case _:
                raise AssertionError(f"no command here can end in {decision}")

    @rule(number=nth, lost=st.booleans(), intent_written=st.sampled_from([True, True, True, False]))
    @precondition(_someone_at("mark"))
    def mark(self, number: int, lost: bool, intent_written: bool) -> None:
        """The mark and the intent, side by side; `lost`: the database's answer was, and the mark is made again."""
        hand = self._pick("mark", number)
        sending = self._of(hand)
        marked = self._twice(lost, lambda: self.ledger.mark_sending(sending))
        if marked:
            self.marked.setdefault(hand.order.key, set()).add(hand.order.command_id)
        if marked and intent_written:
            hand.place = "check"
        elif marked:
            hand.place = "unmark"
        else:
            if not hand.again:  # an earlier try may have been stored
                self.bridge.run(self.ledger.mark_not_sent(sending))
            hand.place = "release"

    @rule(number=nth)
    @precondition(_someone_at("check"))
    def check_the_lease(self, number: int) -> None:
        hand = self._pick("check", number)
        left_s = hand.claimed_s + LEASE_S - MARGIN_S - self.elapsed_s
        if left_s >= DEADLINE_S:
            hand.place = "send"
        else:
            hand.place = "release" if hand.again else "unmark"

    @rule(number=nth, happening=st.sampled_from(HAPPENINGS))
    @precondition(_someone_at("send"))
    def the_bytes_leave(self, number: int, happening: Happening) -> None:
        hand = self._pick("send", number)
        sending = self._of(hand)
        reference, books = sending.reference, self._books(sending)
        hand.place = "release"
        if happening != "throttles":  # then it was certainly not performed, and may be made again
            self.sends[reference] = self.sends.get(reference, 0) + 1
        if happening == "never arrives":
            return
        if books.known(reference, self.elapsed_s):
            verdict = books.verdict(reference)
            if verdict is not None and happening != "performs, no answer":
                self._decided(hand, verdict)
            return
        match happening:
            case "performs" | "performs, no answer":
                books.perform(reference, self.elapsed_s)
                if happening == "performs":
                    self._decided(hand, Verdict.ACCEPTED)
            case "performs late":
                books.first_seen_s.setdefault(reference, self.elapsed_s)
                books.on_the_way.add(reference)
            case "declines":
                books.first_seen_s.setdefault(reference, self.elapsed_s)
                books.declined.add(reference)
                self._decided(hand, Verdict.REFUSED)
            case "throttles":
                hand.place = "release" if hand.again else "unmark"

    @rule(number=nth, lost=st.booleans(), give_up=st.booleans())
    @precondition(_someone_at("unmark"))
    def take_the_mark_back(self, number: int, lost: bool, give_up: bool) -> None:
        """Nothing was performed: try later, or, past all patience, end it."""
        hand = self._pick("unmark", number)
        sending = self._of(hand)
        taken_back = self._twice(lost, lambda: self.ledger.mark_not_sent(sending))
        hand.place = "release"
        if taken_back:
            self.marked.get(hand.order.key, set()).discard(hand.order.command_id)
            self._onward(hand)
        if give_up:
            self._refuse(hand, Refuse(Reason.GAVE_UP, FailureClass.TRANSIENT, "nothing was performed"))

    @rule(number=nth, answered=st.sampled_from([True, True, False]))
    @precondition(_someone_at("inquire"))
    def inquire(self, number: int, answered: bool) -> None:
        hand = self._pick("inquire", number)
        sending = self._of(hand)
        verdict = self._books(sending).verdict(sending.reference) if answered else None
        hand.place = "release"
        if verdict is not None:
            self._decided(hand, verdict)
        elif answered and hand.may_resend:
            hand.again, hand.place = True, "mark"
            hand.sending = replace(sending, repeatable=True)
        elif answered and (hand.held.sent_age_s or 0.0) >= ABSENCE_S:
            result = self._conclude(hand).unknown(
                "nobody knows", performed=performed_by(hand), references=(sending.reference,), first_sent_at=None
            )
            hand.result, hand.place = result, "conclude"

    @rule(number=nth, lost=st.booleans())
    @precondition(_someone_at("conclude"))
    def conclude(self, number: int, lost: bool) -> None:
        hand = self._pick("conclude", number)
        if hand.result is None or hand.payment is None:
            raise AssertionError("a conclusion has a result")
        headers = (("ce_id", str(result_id(hand.order.command_id)).encode()),)
        stored = StoredResult(hand.result.model_dump_json().encode(), headers)
        state = hand.payment.after(hand.result).model_dump_json(exclude_defaults=True).encode()
        conclusion = Conclusion(hand.held, state, stored)
        if self._twice(lost, lambda: self.ledger.conclude(conclusion)):
            assert all(earlier.concluded for earlier in hand.order.earlier), "it overtook an earlier command of its key"
            self.marked.get(hand.order.key, set()).discard(hand.order.command_id)
            hand.stored, hand.place = stored, "publish"
            hand.order.concluded = True
        else:
            hand.place = "claim"  # a late outcome, and the next look finds what the other one concluded

    @rule(number=nth)
    @precondition(_someone_at("publish"))
    def publish(self, number: int) -> None:
        hand = self._pick("publish", number)
        if hand.stored is None:
            raise AssertionError("only a stored result is published")
        event_id = UUID(dict(hand.stored.headers)["ce_id"].decode())
        self.published.append((hand.order.command_id, event_id, hand.stored.value))
        hand.place = "unpark" if hand.woken else "acknowledge"

    @rule(number=nth)
    @precondition(_someone_at("unpark"))
    def unpark(self, number: int) -> None:
        """The result is in the log: now the command may leave its place."""
        hand = self._pick("unpark", number)
        self.bridge.run(self.ledger.unpark(hand.order.key, hand.order.command_id))
        hand.place = "acknowledge"

    @rule(number=nth)
    @precondition(_someone_at("acknowledge"))
    def acknowledge(self, number: int) -> None:
        """The offset of the record; a wake record's is of no account, since its key may be woken at any time."""
        hand = self._pick("acknowledge", number)
        if not hand.woken:
            hand.order.acknowledged = True
        self.hands.remove(hand)

    @rule(number=nth)
    @precondition(_someone_at("release"))
    def release(self, number: int) -> None:
        hand = self._pick("release", number)
        self.bridge.run(self.ledger.release(hand.held))
        hand.over, hand.place = (), "claim"

    @rule(number=nth, lost=st.booleans())
    @precondition(_someone_at("release"))
    def park(self, number: int, lost: bool) -> None:
        """Lay the command down; who has lost the key cannot."""
        hand = self._pick("release", number)
        laid = self._twice(lost, lambda: self.ledger.park(a_parking(hand)))
        hand.place = "acknowledge" if laid else "claim"

    @rule(number=nth, lost=st.booleans())
    @precondition(_someone_at("join"))
    def join_those_that_are_parked(self, number: int, lost: bool) -> None:
        hand = self._pick("join", number)
        laid = self._twice(lost, lambda: self.ledger.park(a_parking(hand)))
        hand.place = "acknowledge" if laid else "claim"

    # What must hold after every step.

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

    # Small things.

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


class RoutedProtocol(Protocol):
    """With two providers, of which a creation tries the second when the first certainly did not perform it."""

    def __init__(self, bridge: Bridge, *, repeatable: bool, decides: Decide = decide) -> None:
        super().__init__(bridge, repeatable=repeatable, decides=decides, places=(FIRST, SECOND))

    @rule()
    def the_rules_change(self) -> None:
        self.places = self.places[::-1]

    @rule(number=nth)
    @precondition(_someone_at("mark"))
    def pass_over(self, number: int) -> None:
        """The breaker is open, or a limit is reached: nothing is marked, and the next one is tried."""
        hand = self._pick("mark", number)
        if not hand.again:
            self._onward(hand)
