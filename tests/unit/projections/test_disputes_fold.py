"""Facts about disputes, to rows."""

from typing import Any

import pytest

from projections.disputes.fold import DisputeRow, fold, newest
from schemas.payments import DisputeFact
from tests import builders as a
from tests.unit.projections.reading import entry_of


def rows_of(fact: DisputeFact) -> tuple[DisputeRow, Any]:
    rows = fold(entry_of(fact))
    assert rows is not None
    return rows


@pytest.mark.parametrize(
    ("fact", "change", "over"),
    [
        (a.a_dispute_opened(), "opened", False),
        (a.a_dispute_changed(), "changed", False),
        (a.a_dispute_closed(), "closed", True),
    ],
    ids=["opened", "changed", "closed"],
)
def test_a_fact_is_a_row_of_the_dispute_and_one_of_its_history(fact: DisputeFact, change: str, over: bool) -> None:
    row, history = rows_of(fact)
    assert (row.integration_id, row.dispute_reference, row.payment_id) == ("stripe-main", "du_1", fact.payment_id)
    assert (row.amount_minor, row.withdrawn_minor, row.withdrawn_currency, row.is_over) == (1250, 1250, "TRY", over)
    assert (history.change, history.event_id, history.sequence) == (change, row.event_id, fact.sequence)
    assert history.command_id == fact.caused_by


def test_whatever_is_no_fact_about_a_dispute_is_no_row() -> None:
    for other in (a.a_payment_noticed(dispute=a.a_dispute()), a.a_payment_created(), a.a_late_outcome()):
        assert fold(entry_of(other)) is None


def test_of_several_facts_in_one_batch_the_newest_stands_in_whatever_order_they_lie() -> None:
    one, two = rows_of(a.a_dispute_opened())[0], rows_of(a.a_dispute_closed())[0]
    elsewhere = one._replace(integration_id="paypal-main")
    assert newest([two, one, elsewhere]) == newest([elsewhere, one, two]) == [elsewhere, two]
