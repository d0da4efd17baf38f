from uuid import UUID

import pytest
from typer import BadParameter

from infra.cli.privacy import _asked

SUBJECT = UUID("018f3a00-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    "asked", [(None, None, None), (None, "/shop", None), (None, None, "buyer-7"), (SUBJECT, "/shop", "buyer-7")]
)
def test_a_question_about_nobody_or_two_is_refused(asked: tuple[UUID | None, str | None, str | None]) -> None:
    with pytest.raises(BadParameter, match="give"):
        _asked(*asked)
