import pytest

from infra.sandbox.iyzico.route import Route, Routes, find_route
from infra.sandbox.iyzico.routes import ROUTES


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
