import pytest

from infra.sandbox.iyzico.html import choice, field, form, leading_form, page, paragraph
from infra.sandbox.iyzico.route import Route, Routes, find_route
from infra.sandbox.iyzico.routes import ROUTES
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


@pytest.mark.parametrize(
    ("method", "path", "served", "names"),
    [
        ("GET", "/things", "/things", {}),
        ("GET", "/things/a-1", "/things/{thing}", {"thing": "a-1"}),
        ("PATCH", "/things/a-1/status/ACTIVE", "/things/{thing}/status/{status}", {"thing": "a-1", "status": "ACTIVE"}),
        ("GET", "/things/new", "/things/new", {}),
    ],
)
def test_a_path_is_found_written_out_before_it_is_matched(
    method: str, path: str, served: str, names: dict[str, str]
) -> None:
    route = Route(lambda _connection, _call: {})
    paths = [("GET", "/things/{thing}"), ("GET", "/things"), ("GET", "/things/new")]
    routes: Routes = dict.fromkeys([*paths, ("PATCH", "/things/{thing}/status/{status}")], route)
    found = find_route(routes, method, path)
    assert found is not None
    assert (found.path, found.names) == (served, names)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/subscription/subscriptions/"), ("PUT", "/payment/auth"), ("GET", "/v2/subscription/products/a/b")],
)
def test_a_path_that_is_not_served_is_not_found(method: str, path: str) -> None:
    assert find_route(ROUTES, method, path) is None
