from uuid import UUID

import pytest
from typer import BadParameter

from infra.cli.privacy import _asked
from infra.privacy.holdings import _is_about
from infra.privacy.person import Person
from schemas.payments.resources import CreateSubscription, GetBalance, ResourceOrder, StoreCard
from streams.records import RawRecord
from tests.builders import SHOP, a_record
from tests.resource_builders import a_resource_command

SUBJECT = UUID("018f3a00-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    "asked", [(None, None, None), (None, "/shop", None), (None, None, "buyer-7"), (SUBJECT, "/shop", "buyer-7")]
)
def test_a_question_about_nobody_or_two_is_refused(asked: tuple[UUID | None, str | None, str | None]) -> None:
    with pytest.raises(BadParameter, match="give"):
        _asked(*asked)


@pytest.mark.parametrize(("kind", "about"), [(StoreCard, True), (CreateSubscription, True), (GetBalance, False)])
def test_a_command_that_stores_a_card_or_subscribes_names_its_buyer(kind: type[ResourceOrder], about: bool) -> None:
    person = Person(None, None, SHOP, "buyer-7")
    record = a_record("t", a_resource_command(kind))
    assert _is_about(RawRecord("t", 0, 0, 0, record.key, record.value, record.headers), person) is about
