import pytest

from infra.settings import Settings, read_settings
from schemas.errors import SettingsError

ISSUER = {
    "KOLAJ_OAUTH_ISSUER": "https://login.example",
    "KOLAJ_OAUTH_AUDIENCE": "kolaj-hub",
    "KOLAJ_OAUTH_JWKS_URL": "https://login.example/keys",
}


def given(**variables: str) -> Settings:
    return read_settings(kafka=False, database=False, environment=variables)


def test_without_an_issuer_there_is_none() -> None:
    settings = given(KOLAJ_OAUTH_ISSUER="")
    assert (settings.oauth_issuer, settings.oauth_jwks_url) == (None, None)
    assert settings.gateway_rate == "100/second"


@pytest.mark.parametrize("missing", ISSUER)
def test_an_issuer_needs_its_audience_and_its_keys(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing}: is not set"):
        given(**{name: value for name, value in ISSUER.items() if name != missing})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/keys", "http://localhost/keys", "http://[::1]:9/keys"])
def test_keys_may_come_in_plain_text_from_this_machine(url: str) -> None:
    assert given(**{**ISSUER, "KOLAJ_OAUTH_JWKS_URL": url}).oauth_jwks_url == url


@pytest.mark.parametrize(
    "url",
    ["http://login.example/keys", "http://127.0.0.1.evil.example/keys", "ftp://login.example", "keys", "https://"],
)
def test_keys_come_over_tls_from_any_other(url: str) -> None:
    with pytest.raises(SettingsError, match="KOLAJ_OAUTH_JWKS_URL: must be like https://"):
        given(**{**ISSUER, "KOLAJ_OAUTH_JWKS_URL": url})


def test_a_file_of_authorities_must_be_there() -> None:
    with pytest.raises(SettingsError, match="KOLAJ_OAUTH_CA_FILE"):
        given(**ISSUER, KOLAJ_OAUTH_CA_FILE="/no/such/file")


@pytest.mark.parametrize("rate", ["100/second", "20 per minute", "1000/2 hour", "1/day"])
def test_a_rate_may_be_written_in_words(rate: str) -> None:
    assert given(KOLAJ_GATEWAY_RATE=rate).gateway_rate == rate


@pytest.mark.parametrize(
    "rate",
    ["", "100", "fast", "0/second", "-1/second", "1/fortnight", "5/2 day", "1/second;5/minute", "1000000/second"],
)
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(SettingsError, match="KOLAJ_GATEWAY_RATE: must be like 100/second"):
        given(KOLAJ_GATEWAY_RATE=rate)
