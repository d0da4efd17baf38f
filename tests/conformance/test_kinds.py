"""Amounts, refunds, baskets and letters as others got them wrong: where each kind is held for every gateway."""

import importlib
from typing import Final

import pytest

from providers.registry import connectors
from tests.named_tests import is_a_test

SENT: Final = "tests/conformance/test_amounts.py"
ANSWERED: Final = "tests/conformance/test_amounts_answered.py"
CALLS: Final = "tests/conformance/test_webhooks.py"
ELSEWHERE: Final = "tests/conformance/test_elsewhere.py"
DECIDED: Final = "tests/unit/agents/test_pitfalls_money.py"
SPLIT: Final = "tests/unit/schemas/test_basket_split.py"
SENT_BACK: Final = f"{SENT}::test_what_is_sent_reads_back_as_the_same_amount_or_cannot_be_said"
A_PART: Final = f"{SENT}::test_a_part_is_asked_for_as_that_part_and_the_whole_is_named_nowhere"
ANOTHER_AMOUNT: Final = f"{ANSWERED}::test_an_answer_that_names_another_amount_than_was_asked_is_no_success"
ANOTHER_CURRENCY: Final = f"{ANSWERED}::test_an_answer_in_another_currency_than_was_asked_for_is_no_success"
ANOTHER_FORM: Final = f"{ANSWERED}::test_an_amount_in_another_form_is_never_another_amount"
LINES: Final = f"{SENT}::test_the_lines_that_are_sent_add_up_to_the_price_that_is_sent"
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "H1": (SENT_BACK,),
    "H3": (SENT_BACK, f"{ANSWERED}::test_what_goes_out_comes_back_as_the_same_amount"),
    "H5": (SENT_BACK,),
    "H7": (ANOTHER_CURRENCY, f"{DECIDED}::test_h7_a_full_refund_leaves_nothing_and_never_less"),
    "H9": (f"{SENT}::test_every_amount_goes_out_in_the_unit_that_its_endpoint_is_declared_to_want",),
    "H11": (
        f"{SENT}::test_the_currency_is_the_payments_own_wherever_one_is_named",
        ANOTHER_CURRENCY,
        f"{DECIDED}::test_h11_an_amount_in_another_currency_than_the_payments_is_refused_here",
    ),
    "H13": (f"{ANSWERED}::test_zeros_change_no_amount_and_a_part_of_a_minor_unit_is_none",),
    "I1": (
        A_PART,
        ANOTHER_AMOUNT,
        f"{SENT}::test_what_captures_or_gives_back_says_how_much",
        f"{DECIDED}::test_i1_a_refund_above_what_is_left_is_refused_here",
    ),
    "I3": (
        f"{CALLS}::test_a_call_brings_no_amount_along",
        f"{CALLS}::test_a_repeat_carries_the_same_event",
        f"{DECIDED}::test_i3_the_echo_of_our_own_refund_books_nothing",
    ),
    "I5": (
        f"{SENT}::test_a_cancel_after_a_partial_refund_gives_back_what_is_left",
        f"{DECIDED}::test_i5_a_cancel_after_partial_refunds_gives_back_the_rest",
    ),
    "I7": (f"{DECIDED}::test_i7_a_payment_is_captured_once_so_that_its_one_capture_carries_every_refund",),
    "I9": (A_PART, f"{DECIDED}::test_i9_a_capture_takes_what_is_asked_and_never_more_than_is_held"),
    "J1": (LINES, f"{SPLIT}::test_j1_thirds_are_rounded_so_that_they_make_the_rounded_total"),
    "J3": (
        LINES,
        f"{SPLIT}::test_j3_a_gift_card_is_spread_over_the_lines",
        f"{SPLIT}::test_j3_a_gift_card_that_pays_for_all_leaves_no_payment",
    ),
    "J5": (
        f"{SENT}::test_the_order_of_the_lines_changes_no_amount",
        f"{SPLIT}::test_j5_rounding_by_line_makes_one_total_in_any_order",
    ),
    "K1": (f"{ELSEWHERE}::test_another_process_builds_and_reads_the_same", ANOTHER_FORM),
    "K3": (ANOTHER_FORM,),
    "K5": (
        f"{CALLS}::test_a_headers_name_is_known_in_any_case",
        f"{CALLS}::test_a_letter_of_another_alphabet_makes_another_header",
        f"{ELSEWHERE}::test_another_process_builds_and_reads_the_same",
    ),
}
EACH_BY_ITSELF: Final = sorted(
    {named for holds in KINDS.values() for named in holds if named.startswith((f"{SENT}::", f"{ANSWERED}::"))}
)


def test_every_kind_is_held_by_a_test_that_exists() -> None:
    assert [named for holds in KINDS.values() for named in holds if not is_a_test(named)] == []
    assert all(KINDS.values())


@pytest.mark.parametrize("named", EACH_BY_ITSELF, ids=lambda named: named.partition("::")[2])
def test_amounts_are_tried_at_every_gateway_there_is(named: str) -> None:
    """By the tests' own parameters, so that a gateway that comes later is tried too, or this test fails."""
    path, _, name = named.partition("::")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    tried = {
        str(case.id).partition("/")[0]
        for mark in getattr(module, name).pytestmark
        for case in (mark.args[1] if mark.name == "parametrize" else ())
        if hasattr(case, "id")
    }
    assert tried >= set(connectors())
