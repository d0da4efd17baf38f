"""The line that names a subscription's plan is kept with the subscription, for whoever moves it to another plan."""

from datetime import UTC, datetime
from uuid import UUID

from schemas.payments.resources import CreateSubscription, Resource, SubscriptionDetails
from schemas.payments.resources.results import SubscriptionCreated, SubscriptionQueried
from tests.conformance.resource_orders import RESOURCE_ID


def _told(kind: type[SubscriptionCreated] | type[SubscriptionQueried], item: str | None) -> SubscriptionCreated:
    details = SubscriptionDetails(state="active", item_reference=item)
    return kind(  # type: ignore[return-value]  # both results have the same fields
        resource_id=RESOURCE_ID,
        command_id=UUID("019abc00-0000-7000-8000-000000000001"),
        command_type=CreateSubscription.type,
        concluded_at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
        details=details,
    )


def test_the_line_is_kept_until_another_is_told() -> None:
    known = Resource(resource_id=RESOURCE_ID).after(_told(SubscriptionCreated, "si_1"))
    assert known.item_reference == "si_1"
    assert known.after(_told(SubscriptionQueried, None)).item_reference == "si_1"
    assert known.after(_told(SubscriptionQueried, "si_2")).item_reference == "si_2"
