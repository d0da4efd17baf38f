"""What others met at Stripe and PayPal, report by report, and what the documents of both say and many break.

Each is held by a test or a sample that is named here; those that are about every gateway, or had no other place, stand
below.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, get_args

import pytest

from providers.connector import Connector, Wire
from providers.payments.paypal import CONNECTOR as PAYPAL
from providers.payments.stripe import CONNECTOR as STRIPE
from providers.registry import connectors
from schemas.payments import CreatePayment, Reason
from schemas.verdicts import Verdict
from tests.conformance.amounts import leaves, walk
from tests.conformance.restating import outcome_of
from tests.conformance.samples import Sample, attempt_for, command_for, samples
from tests.conformance.spoiling import read
from tests.named_tests import ROOT, is_a_test

HERE: Final = "tests/conformance/test_reported_intl.py"
AMOUNTS: Final = "tests/conformance/test_amounts.py"
ANSWERED: Final = "tests/conformance/test_amounts_answered.py"
BUILDING: Final = "tests/conformance/test_building.py"
CALLS: Final = "tests/conformance/test_webhooks.py"
NOTICES: Final = "tests/acceptance/test_webhook_notices.py"
OF_STRIPE: Final = "tests/unit/providers/stripe"
OF_PAYPAL: Final = "tests/unit/providers/paypal"
S_REQUESTS: Final = f"{OF_STRIPE}/test_stripe_requests.py"
S_REPORTED: Final = f"{OF_STRIPE}/test_stripe_reported.py"
S_REPEATS: Final = f"{OF_STRIPE}/test_stripe_repeats.py"
S_EVENTS: Final = f"{OF_STRIPE}/test_stripe_events.py"
S_VECTORS: Final = f"{OF_STRIPE}/test_stripe_vectors.py"
P_REQUESTS: Final = f"{OF_PAYPAL}/test_paypal_requests.py"
P_ANSWERS: Final = f"{OF_PAYPAL}/test_paypal_answers.py"
P_ACCOUNT: Final = f"{OF_PAYPAL}/test_paypal_account.py"
P_EVENTS: Final = f"{OF_PAYPAL}/test_paypal_events.py"
P_VECTORS: Final = f"{OF_PAYPAL}/test_paypal_vectors.py"
P_LIFE: Final = f"{OF_PAYPAL}/test_paypal_life.py"
TOKENS: Final = "tests/unit/providers/test_bearing.py"
DOCUMENTS: Final = "tests/unit/infra/test_gateway_documents.py"
SAMPLES: Final = "providers/payments"
OWN_KEYS: Final = f"{HERE}::test_what_may_be_sent_again_carries_a_key_that_is_its_attempts_own"

REPORTS: Final[dict[str, tuple[str, ...]]] = {
    "stripe/stripe-node#341, #356; stripe/stripe-php#884": (
        f"{CALLS}::test_one_changed_byte_of_what_is_signed_is_refused",
        f"{S_EVENTS}::test_a_vector_of_their_libraries_ends_as_it_must",
        f"{SAMPLES}/stripe/samples/webhooks/refund-failed.json",
    ),
    "Medical-Software-Foundation/canvas#243; fjordllc/bootcamp#3928": (
        OWN_KEYS,
        "tests/unit/providers/test_same_send.py::test_the_reference_is_the_operations_identity",
        "tests/acceptance/test_pitfalls_outcomes.py::test_a_changed_cart_after_a_decline_is_another_request",
    ),
    "woocommerce/woocommerce-gateway-stripe#541": (
        f"{BUILDING}::test_building_twice_gives_the_same_bytes",
        "tests/unit/providers/test_same_send.py::test_another_amount_under_the_same_reference_is_another_request",
        f"{S_REPEATS}::test_other_words_under_the_same_key_are_asked_about_since_the_first_were_performed",
    ),
    "pretix/pretix#1189; medusajs/medusa#13301; getdokan/dokan#2994": (
        f"{NOTICES}::test_the_browser_s_return_and_the_call_at_once_book_once",
        f"{NOTICES}::test_a_call_that_comes_before_its_command_is_concluded_waits_in_its_lane",
        f"{NOTICES}::test_calls_in_any_order_and_number_change_nothing_of_what_is_known",
    ),
    "Pinelab-studio/pinelab-vendure-plugins#620; woocommerce/woocommerce-gateway-stripe#3326": (
        f"{CALLS}::test_a_repeat_carries_the_same_event",
        "tests/integration/test_projections_webhooks.py::test_an_event_that_came_twice_and_was_handled_once_is_one_row",
        f"{S_EVENTS}::test_during_a_rotation_either_secret_and_either_signature_hold",
    ),
    "Mirascope/lilypad#723; stripe/stripe-mock#1275; managoat/fountain#1018": (
        f"{HERE}::test_no_period_is_read_where_stripe_no_longer_says_it",
        f"{S_REQUESTS}::test_every_request_pins_the_version_and_every_post_carries_our_reference_as_its_key",
    ),
    "opencollective/opencollective-frontend#12346; neilberkman/paper_tiger#106": (
        f"{S_REQUESTS}::test_without_an_address_to_come_back_to_no_redirect_is_allowed",
    ),
    "stripe/stripe-node#637; stripe/stripe-ios#1198": (
        f"{S_REQUESTS}::test_three_d_secure_brings_the_address_and_asks_the_bank",
        f"{S_REPORTED}::test_the_script_of_stripe_is_no_page_to_send_a_payer_to",
    ),
    "theopenco/llmgateway#4168; woocommerce/woocommerce-gateway-stripe#5174; Automattic/woocommerce-payments#5445": (
        f"{S_REQUESTS}::test_a_renewal_is_off_session_and_neither_keeps_the_card_anew_nor_asks_for_3d",
        f"{S_REQUESTS}::test_a_card_is_kept_for_a_customer",
        f"{P_REQUESTS}::test_who_asked_for_a_payment_with_a_kept_card_is_said",
    ),
    "woocommerce/woocommerce-gateway-stripe#1378, #3651; Automattic/woocommerce-payments#739": (
        f"{S_REPORTED}::test_a_hold_that_lapsed_is_seen_as_cancelled",
        f"{S_EVENTS}::test_what_an_event_says_of_its_payment",
        f"{SAMPLES}/paypal/samples/query-hold-lapsed.json",
        f"{SAMPLES}/paypal/samples/capture-hold-lapsed.json",
    ),
    "woocommerce/woocommerce-gateway-stripe#883; activemerchant/active_merchant#2857": (
        f"{AMOUNTS}::test_what_is_sent_reads_back_as_the_same_amount_or_cannot_be_said",
        f"{ANSWERED}::test_what_goes_out_comes_back_as_the_same_amount",
        f"{S_VECTORS}::test_a_currency_goes_out_and_comes_back_in_stripes_unit",
    ),
    "mozilla/donate.mozilla.org#454": (
        f"{AMOUNTS}::test_what_is_sent_reads_back_as_the_same_amount_or_cannot_be_said",
        f"{S_REQUESTS}::test_every_amount_is_in_stripes_own_unit",
    ),
    "woocommerce/woocommerce-paypal-payments#202; nopSolutions/nopCommerce#6310; paypal/PayPal-PHP-SDK#176, #973": (
        f"{AMOUNTS}::test_what_is_sent_reads_back_as_the_same_amount_or_cannot_be_said",
        f"{P_VECTORS}::test_currencies_without_decimals_have_no_point_whatever_iso_4217_says",
    ),
    "MahoCommerce/maho#1110": (f"{P_ACCOUNT}::test_the_body_is_spliced_in_byte_for_byte",),
    "dubinc/dub#3835; paypal/PayPal-Python-SDK#100": (
        f"{P_VECTORS}::test_no_other_address_is_ever_asked_for_a_certificate",
        f"{P_EVENTS}::test_a_certificate_of_another_is_not_believed",
        f"{DOCUMENTS}::test_an_address_of_another_is_never_asked",
    ),
    "paypal/PayPal-Python-SDK#130": (
        f"{DOCUMENTS}::test_what_is_no_document_is_told_as_such_and_not_kept",
        f"{DOCUMENTS}::test_while_the_document_cannot_be_had_they_call_again",
        f"{DOCUMENTS}::test_a_document_is_fetched_once_for_all_and_anew_after_a_day",
    ),
    "nopSolutions/nopCommerce#7036": (
        f"{TOKENS}::test_calls_at_one_time_and_later_ones_share_one_token",
        f"{P_ACCOUNT}::test_a_token_is_good_for_as_long_as_they_say_and_a_day_at_most",
    ),
    "paypal/agent-toolkit#98; paypal/PayPal-Java-SDK#369; paypal/PayPal-Python-SDK#269": (
        OWN_KEYS,
        "tests/acceptance/test_pitfalls_outcomes.py::test_no_two_requests_share_a_key",
    ),
    "202ecommerce/paypal#10; solidusio/solidus_paypal_commerce_platform#154; "
    "woocommerce/woocommerce-paypal-payments#316": (
        f"{HERE}::test_only_what_is_completed_is_money",
        f"{P_VECTORS}::test_a_capture_that_was_answered_with_201_need_be_no_money",
        f"{SAMPLES}/paypal/samples/capture-echeck.json",
    ),
    "woocommerce/woocommerce-paypal-payments#759, #4569, #4633": (
        f"{HERE}::test_a_payer_who_can_still_pay_has_not_failed",
        f"{P_ANSWERS}::test_a_decline_ends_a_completed_order_and_leaves_an_open_one_to_another_try",
    ),
    "woocommerce/woocommerce-paypal-payments#371; woocommerce/woocommerce#63203": (
        f"{HERE}::test_a_known_invoice_is_asked_about_and_another_attempt_has_another_number",
    ),
    "paypal/paypal-checkout-components#1521": (
        f"{P_LIFE}::test_a_payment_is_taken_once_the_payer_agreed_and_given_back_by_its_capture",
        f"{SAMPLES}/paypal/samples/complete-3ds-order-not-approved.json",
        f"{SAMPLES}/paypal/samples/complete-3ds-done-before.json",
    ),
    "paypal/PayPal-PHP-Server-SDK#48": (
        f"{HERE}::test_an_issue_that_is_listed_nowhere_is_a_refusal_that_keeps_their_word",
    ),
    "paypal/PayPal-PHP-SDK#1201, #613; paypal/PayPal-Python-SDK#132": (
        f"{P_EVENTS}::test_what_a_subscription_pays_is_said_by_a_sale",
        f"{P_ANSWERS}::test_a_movements_kind_is_that_of_its_code",
    ),
    "NangoHQ/integration-templates#581": (
        f"{HERE}::test_paypal_is_asked_for_whole_answers_and_never_without_a_content_type",
        f"{SAMPLES}/paypal/samples/capture-minimal.json",
        f"{SAMPLES}/paypal/samples/refund-minimal.json",
    ),
    "tempoxyz/pympp#246": (f"{S_REPORTED}::test_a_replayed_answer_is_the_answer",),
    "stripe/stripe-mock#25; adrienverge/localstripe": (
        f"{S_REPEATS}::test_what_is_lost_and_not_listed_yet_is_sent_again_and_charged_once",
        f"{P_LIFE}::test_whichever_answer_is_lost_the_money_moves_once_and_the_truth_is_found",
    ),
}
RULES: Final[dict[str, tuple[str, ...]]] = {
    "Stripe takes forms, and no JSON": (f"{OF_STRIPE}/test_stripe_client.py::test_their_client_sends_what_ours_does",),
    "Stripe's search lags": (f"{HERE}::test_stripe_is_never_searched",),
    "Stripe captures later unless it is told otherwise": (f"{S_REQUESTS}::test_a_hold_is_asked_for_in_so_many_words",),
    "What the browser brings back proves nothing": (
        f"{S_REQUESTS}::test_a_completion_asks_and_reads_nothing_that_the_browser_brought",
        f"{P_REQUESTS}::test_a_completion_of_another_order_or_of_nothing_is_not_sent",
    ),
    "A key counts for a while and no longer, and a DELETE has none": (
        f"{S_REPORTED}::test_what_moves_something_may_be_sent_again_for_a_day_and_a_delete_never",
        f"{HERE}::test_paypals_request_ids_count_for_as_long_as_documented",
    ),
    "A stored 500 comes back unchanged": (f"{S_REPORTED}::test_a_stored_500_is_asked_about_whatever_stripe_advises",),
    "A 429 may be a busy object and no limit": (f"{S_REPORTED}::test_a_limit_and_a_busy_object_are_waited_for",),
    "In three decimals the last one is nothing": (
        f"{S_REQUESTS}::test_a_dinar_with_a_last_digit_is_refused_before_it_is_sent",
    ),
    "What is done already is no failure": (
        f"{S_REPORTED}::test_a_state_that_is_there_already_is_asked_about_and_any_other_is_refused",
        f"{SAMPLES}/paypal/samples/capture-done-before.json",
        f"{SAMPLES}/paypal/samples/cancel-done-before.json",
    ),
    "A signature's moment may lie in the future too, and v0 is none": (
        f"{CALLS}::test_a_moment_counts_within_its_tolerance_on_both_sides",
        f"{S_EVENTS}::test_a_vector_of_their_libraries_ends_as_it_must",
    ),
    "A test's event is no money": (f"{S_EVENTS}::test_a_test_is_taken_for_no_money_and_money_for_no_test",),
    "A token that is not taken is renewed once": (
        f"{TOKENS}::test_a_token_that_is_not_taken_is_asked_for_anew_and_the_same_request_goes_out_once_more",
        f"{TOKENS}::test_a_fresh_token_that_is_not_taken_either_is_the_accounts_trouble_and_for_the_connector_to_read",
    ),
    "The page of an order has one of two names": (
        f"{SAMPLES}/paypal/samples/create-on-page.json",
        f"{SAMPLES}/paypal/samples/create-on-wallet.json",
    ),
    "APPROVED moved no money": (
        f"{SAMPLES}/paypal/samples/query-approved.json",
        f"{SAMPLES}/paypal/samples/complete-3ds-only-approved.json",
        f"{P_EVENTS}::test_an_order_is_itself_the_payment_and_its_approval_is_no_money",
    ),
    "A capture leaves a hold open unless it is said to be the last": (
        f"{P_REQUESTS}::test_a_capture_is_the_last_of_its_hold_and_says_how_much",
    ),
    "What PayPal signs does not protect the body": (
        f"{P_VECTORS}::test_a_forged_body_of_the_same_checksum_passes_and_brings_no_amount_along",
        f"{CALLS}::test_a_call_brings_no_amount_along",
    ),
    "The books lag, and prove no failure": (f"{SAMPLES}/paypal/samples/transactions-none.json",),
}
"""What the documents of both say and many break, by a sentence of it."""


def test_every_report_and_rule_is_held_by_a_test_or_a_sample_that_exists() -> None:
    held = [named for holds in (*REPORTS.values(), *RULES.values()) for named in holds]
    assert [named for named in held if not is_a_test(named) and not (ROOT / named).is_file()] == []
    assert all(REPORTS.values())
    assert all(RULES.values())
    assert len(REPORTS) == 27


@pytest.mark.parametrize("connector", [pytest.param(c, id=c.name) for c in connectors().values()])
def test_what_may_be_sent_again_carries_a_key_that_is_its_attempts_own(connector: Connector) -> None:
    """No key is a client's, a buyer's or a day's: each command has its own, and each attempt at it."""
    for operation in connector.operations:
        if operation.repeatable_for_s is None:
            continue
        command, attempt = command_for(connector, operation), attempt_for(connector, operation)
        keys = []
        for reference in (attempt.reference, "k0laj0other"):
            request = operation.build(command, replace(attempt, reference=reference))
            keys.append([name for name, value in request.headers if value == reference])
        assert keys[0] == keys[1], operation.name
        assert len(keys[0]) == 1, operation.name


def test_paypals_request_ids_count_for_as_long_as_documented() -> None:
    hour, day = 3600, 24 * 3600
    documented = {
        6 * hour: {"create", "start_three_d_secure", "complete_three_d_secure"},
        45 * day: {"capture", "cancel", "refund"},
        3 * day: {"create_product", "create_plan", "create_subscription"},
        3 * hour: {"store_card"},
    }
    found = {one.name: one.repeatable_for_s for one in PAYPAL.operations if one.repeatable_for_s is not None}
    assert found.items() >= {name: seconds for seconds, names in documented.items() for name in names}.items()
    assert set(found.values()) == set(documented)


def test_no_period_is_read_where_stripe_no_longer_says_it() -> None:
    """Since March 2025 they stand in a subscription's lines, and what is read where they stood is silently nothing."""
    names, todo = set(), [operation.reply for operation in STRIPE.operations]
    while todo:
        fields = todo.pop().model_fields
        todo += [inner for name, field in fields.items() if name not in names for inner in _models_in(field.annotation)]
        names |= set(fields)
    assert {"latest_invoice", "period_start"} <= names
    assert names & {"current_period_end", "current_period_start"} == set()


def test_stripe_is_never_searched() -> None:
    for operation in STRIPE.operations:
        command, attempt = command_for(STRIPE, operation), attempt_for(STRIPE, operation)
        builds = [operation.build] if operation.inquiry is None else [operation.build, operation.inquiry.build]
        assert [one for build in builds if "search" in (one := build(command, attempt).path)] == []


def test_paypal_is_asked_for_whole_answers_and_never_without_a_content_type() -> None:
    posted = 0
    for operation in PAYPAL.operations:
        request = operation.build(command_for(PAYPAL, operation), attempt_for(PAYPAL, operation))
        if request.method == "POST":
            headers = dict(request.headers)
            told = (headers["Prefer"], headers["Content-Type"])
            assert told == ("return=representation", "application/json"), operation.name
            posted += 1
    assert posted > len(PAYPAL.operations) / 2


def test_only_what_is_completed_is_money() -> None:
    """Whatever a sample of PayPal's comes to: where money is said to be there, a capture or a refund was completed."""
    taken = {"COMPLETED", "REFUNDED", "PARTIALLY_REFUNDED"}
    told = 0
    for sample in _of(PAYPAL):
        outcome = outcome_of(sample)
        if outcome is None or outcome.state is None or outcome.state.value != "captured":
            continue
        statuses = set()
        for path, value in walk(read(sample.answer.body)):
            if path[-1] == "status" and (len(path) == 1 or "captures" in path or "refunds" in path):
                statuses.add(value)
        assert statuses & taken, sample.name
        told += 1
    assert told


@pytest.mark.parametrize("issue", ["PAYER_ACTION_REQUIRED", "INSTRUMENT_DECLINED", "ORDER_NOT_APPROVED"])
def test_a_payer_who_can_still_pay_has_not_failed(issue: str) -> None:
    """The order stands as it did: the payer is sent to the same page again, and no new one is begun beside it."""
    sample = next(one for one in _of(PAYPAL) if one.name == "complete-3ds-order-not-approved")
    refused = outcome_of(_answered(sample, 422, issue))
    assert refused is not None
    assert (refused.verdict, refused.their_code) == (Verdict.REFUSED, issue)
    assert refused.failure is not None
    assert refused.failure.value == "state"


def test_a_known_invoice_is_asked_about_and_another_attempt_has_another_number() -> None:
    """It may be an earlier send of ours that made it known; and no new number is thought up to get past it."""
    sample = next(one for one in _of(PAYPAL) if one.name == "create-invoice-known")
    assert b"DUPLICATE_INVOICE_ID" in sample.answer.body
    assert sample.verdict() == "unknown"
    create = PAYPAL.operation_for(CreatePayment)
    assert create is not None
    attempts = [attempt_for(PAYPAL, create, number) for number in (1, 1, 2)]
    numbers = [
        leaves(create.build(command_for(PAYPAL, create), one))["purchase_units", 0, "invoice_id"] for one in attempts
    ]
    assert numbers == [attempts[0].reference, attempts[0].reference, attempts[2].reference]
    assert numbers[0] != numbers[2]


def test_an_issue_that_is_listed_nowhere_is_a_refusal_that_keeps_their_word() -> None:
    asked = {sample.operation.name: sample for sample in _of(PAYPAL) if not sample.inquiry}
    moving = {name: sample for name, sample in asked.items() if sample.operation.moves_money}
    assert len(moving) > 6
    for name, sample in moving.items():
        refused = outcome_of(_answered(sample, 422, "NEVER_HEARD_OF"))
        assert refused is not None, name
        said = (refused.verdict, refused.reason, refused.their_code)
        assert said == (Verdict.REFUSED, Reason.OTHER, "NEVER_HEARD_OF"), name


def _of(connector: Connector) -> list[Sample]:
    return [sample for sample in samples() if sample.provider == connector.name]


def _answered(sample: Sample, status: int, issue: str) -> Sample:
    body = b'{"name":"UNPROCESSABLE_ENTITY","debug_id":"d1","details":[{"issue":"%s"}]}' % issue.encode()
    return replace(sample, answer=replace(sample.answer, status=status, body=body))


def _models_in(annotation: Any) -> Iterator[type[Wire]]:
    """The models that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, Wire):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
