"""Where shoppers may be sent on to: exact origins, and no address that a browser would read otherwise than we do."""

from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.returns.destination import trouble_with, with_state
from infra.return_settings import origin_of
from infra.settings import read_settings
from schemas.errors import SettingsError

ALLOWED = ("https://shop.example", "https://shop.example:8443", "http://127.0.0.1:8000", "http://[::1]:8000")
PAYMENT = UUID("019abc00-0000-7000-8000-000000000002")


@pytest.mark.parametrize(
    "to",
    [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:443/done",
        "https://shop.example/done?basket=7&name=%C3%A7",
        "https://shop.example/@evil.example/a//b;c=1?x=http://evil.example#part/2",
        "https://shop.example:8443/done",
        "http://127.0.0.1:8000/done",
        "http://[::1]:8000/done",
    ],
)
def test_an_address_at_an_allowed_origin_is_taken(to: str) -> None:
    assert trouble_with(to, ALLOWED) is None


@pytest.mark.parametrize(
    "to",
    [
        "",
        "/done",
        "//shop.example/done",
        "shop.example/done",
        "http://shop.example/done",
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://shop.example@evil.example/",
        "https://shop.example:pass@evil.example/",
        "https://user@shop.example/",
        "https://@shop.example/",
        "https://evil.example\\@shop.example/",
        "https://evil.example\\.shop.example/",
        "https:\\\\shop.example/",
        "https:/shop.example/",
        "https:///shop.example/",
        "https:shop.example",
        "https://shop.example:/",
        "https://shop.example:0443x/",
        "https://shop.example:99999/",
        "https://shop.example:8444/",
        "https://shop.example./",
        "https://SHOP.example/",
        "HTTPS://shop.example/",
        "https://shop%2eexample/",
        "https://\u017fhop.example/",
        "https://shop.example\t.evil.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/\n",
        " https://shop.example/",
        "https://shop.example/a b",
        "https://shop.example/\x00",
        "https://shop.example/ödeme",
        'https://shop.example/"onmouseover="',
        "https://shop.example/<script>",
        "javascript:alert(1)//https://shop.example/",
        "data:text/html,https://shop.example/",
        "ftp://shop.example/",
        "https://shop.example?state=captured",
        "https://shop.example/done?payment_id=1",
        "https://shop.example/done?%73tate=captured",
        "https://shop.example/" + "a" * 2_000,
    ],
)
def test_any_other_address_is_not(to: str) -> None:
    assert trouble_with(to, ALLOWED) is not None


@given(st.text(alphabet="htps:/\\@.shopexamvil?#%[]0123456789 \t\r\n", max_size=60))
def test_whatever_is_taken_is_at_an_allowed_origin_however_it_is_read(to: str) -> None:
    for text in (to, f"https://shop.example{to}", f"https://{to}shop.example/"):
        if trouble_with(text, ALLOWED) is None:
            parts = urlsplit(text)
            assert (parts.scheme, parts.hostname, parts.username) in {
                ("https", "shop.example", None),
                ("http", "127.0.0.1", None),
                ("http", "::1", None),
            }


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("https://shop.example", "https://shop.example?{}"),
        ("https://shop.example/done", "https://shop.example/done?{}"),
        ("https://shop.example/done?", "https://shop.example/done?{}"),
        ("https://shop.example/done?a=1&b=%20&a=2", "https://shop.example/done?a=1&b=%20&a=2&{}"),
        ("https://shop.example/done?a=b?c", "https://shop.example/done?a=b?c&{}"),
        ("https://shop.example/done#part?x", "https://shop.example/done?{}#part?x"),
        ("https://shop.example/done?a=1#part", "https://shop.example/done?a=1&{}#part"),
    ],
)
def test_the_state_joins_what_stands_in_the_query(to: str, expected: str) -> None:
    made = with_state(to, PAYMENT, "captured")
    assert made == expected.format(f"payment_id={PAYMENT}&state=captured")
    assert parse_qsl(urlsplit(made).query)[-2:] == [("payment_id", str(PAYMENT)), ("state", "captured")]


def read(**changed: str) -> object:
    environment = {
        "KAFKA_BOOTSTRAP": "k:9092",
        "DATABASE_URL": "postgresql://u:p@h/d",
        "KOLAJ_ALLOW_PLAINTEXT": "kafka,postgresql",
    }
    return read_settings(environment={**environment, **changed})


@pytest.mark.parametrize(
    ("environment", "variable", "value"),
    [
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "https://shop.example/"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "https://*.shop.example"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "https://shop.example:443"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "https://Shop.example"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "https://user@shop.example"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "http://shop.example"),
        ("sandbox", "KOLAJ_RETURN_ORIGINS", "null"),
        ("production", "KOLAJ_RETURN_ORIGINS", "http://127.0.0.1:8000"),
        ("production", "KOLAJ_PUBLIC_URL", "http://localhost:8080"),
        ("sandbox", "KOLAJ_PUBLIC_URL", "https://hub.example/base"),
        ("sandbox", "KOLAJ_PUBLIC_URL", "hub.example"),
    ],
)
def test_a_setting_that_would_let_others_in_is_refused_at_the_start(
    environment: str, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        read(**{variable: value, "KOLAJ_ENVIRONMENT": environment})


def test_origins_are_read_as_a_list() -> None:
    settings = read(
        KOLAJ_RETURN_ORIGINS="https://shop.example, http://localhost:8000 ,", KOLAJ_PUBLIC_URL="https://h.example"
    )
    assert getattr(settings, "return_origins", None) == ("https://shop.example", "http://localhost:8000")
    assert origin_of("https://shop.example:443/x") == "https://shop.example"
