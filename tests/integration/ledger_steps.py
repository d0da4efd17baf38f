"""The steps that the agent takes with one delivery, one at a time."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agents.ledger import Ask, Conclusion, StoredResult
from agents.payments.decide import attempt_number
from agents.payments.decisions import Answer, Call, Inquire, Lying, Queue, Refuse, Wait
from schemas.ids import result_id
from schemas.payments import Payment, Reason
from schemas.verdicts import FailureClass, Verdict
from tests.builders import NOON
from tests.integration.ledger_bridge import LEASE_S, MARGIN_S
from tests.integration.ledger_hands import HAPPENINGS, Happening, a_parking, performed_by
from tests.integration.ledger_state import ABSENCE_S, DEADLINE_S, ProtocolState, nth, someone_at


class AgentSteps(ProtocolState):
    """Each is a rule for one of the hands that stand where it is due."""

    @rule(number=nth)
    @precondition(someone_at("claim"))
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
    @precondition(someone_at("mark"))
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
    @precondition(someone_at("check"))
    def check_the_lease(self, number: int) -> None:
        hand = self._pick("check", number)
        left_s = hand.claimed_s + LEASE_S - MARGIN_S - self.elapsed_s
        if left_s >= DEADLINE_S:
            hand.place = "send"
        else:
            hand.place = "release" if hand.again else "unmark"

    @rule(number=nth, happening=st.sampled_from(HAPPENINGS))
    @precondition(someone_at("send"))
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
    @precondition(someone_at("unmark"))
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
    @precondition(someone_at("inquire"))
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
    @precondition(someone_at("conclude"))
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
    @precondition(someone_at("publish"))
    def publish(self, number: int) -> None:
        hand = self._pick("publish", number)
        if hand.stored is None:
            raise AssertionError("only a stored result is published")
        event_id = UUID(dict(hand.stored.headers)["ce_id"].decode())
        self.published.append((hand.order.command_id, event_id, hand.stored.value))
        hand.place = "unpark" if hand.woken else "acknowledge"

    @rule(number=nth)
    @precondition(someone_at("unpark"))
    def unpark(self, number: int) -> None:
        """The result is in the log: now the command may leave its place."""
        hand = self._pick("unpark", number)
        self.bridge.run(self.ledger.unpark(hand.order.key, hand.order.command_id))
        hand.place = "acknowledge"

    @rule(number=nth)
    @precondition(someone_at("acknowledge"))
    def acknowledge(self, number: int) -> None:
        """The offset of the record; a wake record's is of no account, since its key may be woken at any time."""
        hand = self._pick("acknowledge", number)
        if not hand.woken:
            hand.order.acknowledged = True
        self.hands.remove(hand)

    @rule(number=nth)
    @precondition(someone_at("release"))
    def release(self, number: int) -> None:
        hand = self._pick("release", number)
        self.bridge.run(self.ledger.release(hand.held))
        hand.over, hand.place = (), "claim"

    @rule(number=nth, lost=st.booleans())
    @precondition(someone_at("release"))
    def park(self, number: int, lost: bool) -> None:
        """Lay the command down; who has lost the key cannot."""
        hand = self._pick("release", number)
        laid = self._twice(lost, lambda: self.ledger.park(a_parking(hand)))
        hand.place = "acknowledge" if laid else "claim"

    @rule(number=nth, lost=st.booleans())
    @precondition(someone_at("join"))
    def join_those_that_are_parked(self, number: int, lost: bool) -> None:
        hand = self._pick("join", number)
        laid = self._twice(lost, lambda: self.ledger.park(a_parking(hand)))
        hand.place = "acknowledge" if laid else "claim"
