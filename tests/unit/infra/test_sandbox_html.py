import pytest

from infra.sandbox.html import choice, field, form, leading_form, page, paragraph
from tests.sandbox_buyer import Shown

HOSTILE = "\"><script>alert(1)</script>&'"


def test_a_leading_form_posts_by_itself_and_at_the_press_of_its_button() -> None:
    text = leading_form("https://shop.example/?a=1&b=2", {"conversationId": "ığdır & co", "mdStatus": "1"}, "Go on")
    shown = Shown.of("https://bank.example/", text)
    assert shown.filled("Go on") == (
        "https://shop.example/?a=1&b=2",
        {"conversationId": "ığdır & co", "mdStatus": "1"},
    )
    assert "submit()" in text


@pytest.mark.parametrize(
    "text",
    [
        page(HOSTILE),
        paragraph(HOSTILE),
        paragraph(HOSTILE, alert=True),
        form(HOSTILE, identity=HOSTILE),
        field(HOSTILE, HOSTILE, HOSTILE),
        choice("count", HOSTILE, [(HOSTILE, HOSTILE)]),
        leading_form(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE),
    ],
)
def test_every_text_from_outside_is_escaped(text: str) -> None:
    assert "<script>alert" not in text
