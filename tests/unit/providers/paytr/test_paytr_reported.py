"""What others met at PayTR, report by report, and what its documents say and many break: where each is held."""

from typing import Final

from tests.named_tests import ROOT, is_a_test

PITFALLS: Final = "tests/unit/providers/paytr/test_paytr_pitfalls.py"
CALLBACKS: Final = "tests/unit/providers/paytr/test_paytr_callbacks.py"
VECTORS: Final = "tests/unit/providers/paytr/test_paytr_vectors.py"
SAMPLES: Final = "providers/payments/paytr/samples"
UNITS: Final = (
    "tests/conformance/test_amounts.py::test_every_amount_goes_out_in_the_unit_that_its_endpoint_is_declared_to_want"
)
REPORTS: Final[dict[str, tuple[str, ...]]] = {
    "paytr/paytr-postman#2": (f"{PITFALLS}::test_every_signed_field_is_sent_also_where_it_is_a_default",),
    "paytr/paytr-postman#4": (
        "tests/unit/providers/paytr/test_paytr_errors.py::test_texts_are_read_for_the_name_of_the_signature_alone",
        f"{SAMPLES}/query-store-inactive.json",
    ),
    "paytr/perfexcrm-payment#1": (
        f"{PITFALLS}::test_a_buyer_whom_they_cannot_be_told_is_refused_before_anything_is_sent",
    ),
    "mewebstudio/paytr#14": (f"{SAMPLES}/create-frame-refused.json", f"{SAMPLES}/create-frame-without-token.json"),
    "mewebstudio/paytr#3": (f"{PITFALLS}::test_each_field_of_a_page_says_its_own",),
    "kaufrickpro/spb-ai-v1#91": (
        f"{CALLBACKS}::test_repeats_are_one_event_and_another_word_is_another_one",
        f"{CALLBACKS}::test_a_changed_callback_is_refused_where_the_hash_covers_the_change",
    ),
    "productdevbook/kasapay#73": (
        f"{SAMPLES}/reads/instalments.json",
        f"{SAMPLES}/reads/instalments-rate-of-no-count.json",
    ),
    "productdevbook/kasapay#148": (f"{VECTORS}::test_every_paths_token_is_made_of_the_fields_that_their_client_signs",),
    "productdevbook/kasapay#187": (f"{SAMPLES}/refund-inquiry-without-amount.json",),
    "a late notice of an earlier attempt": (
        "tests/acceptance/test_pitfalls_outcomes.py::test_another_attempts_late_end_leaves_the_paid_one_alone",
        f"{PITFALLS}::test_an_order_number_has_letters_and_digits_alone_and_each_attempt_its_own",
    ),
    "an order number with a dash": (
        f"{PITFALLS}::test_an_order_number_has_letters_and_digits_alone_and_each_attempt_its_own",
    ),
    "a proxy's address for the buyer's": (
        f"{PITFALLS}::test_a_buyer_whom_they_cannot_be_told_is_refused_before_anything_is_sent",
    ),
    "something around OK": (
        f"{CALLBACKS}::test_the_independent_client_acknowledges_with_the_very_bytes_that_we_do",
        "tests/conformance/test_webhooks.py::test_a_call_is_read_as_expected",
    ),
    "amounts times a hundred in binary fractions": (
        f"{PITFALLS}::test_no_amount_passes_through_binary_fractions",
        f"{PITFALLS}::test_the_amounts_that_floats_get_wrong_are_read_right",
    ),
    "kuruş where lira are wanted": (
        f"{PITFALLS}::test_amounts_are_kurus_for_a_page_and_decimals_for_a_card",
        UNITS,
    ),
}
"""By the public report where there is one; a frame that cannot scroll (mewebstudio/paytr#1) is the shop's own."""


def test_every_report_is_held_by_a_test_or_a_sample_that_exists() -> None:
    held = [named for holds in REPORTS.values() for named in holds]
    assert [named for named in held if not is_a_test(named) and not (ROOT / named).is_file()] == []
    assert all(REPORTS.values())
