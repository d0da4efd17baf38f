import pytest

from infra.settings import Settings, read_settings
from schemas.errors import SettingsError


def read(**variables: str) -> Settings:
    return read_settings(kafka=False, database=False, environment=variables)


@pytest.mark.parametrize("bind", ["", "8080", "host:", "host:x", "host:65536", ":80"])
@pytest.mark.parametrize("name", ["KOLAJ_GATEWAY_BIND", "KOLAJ_GATEWAY_METRICS_BIND"])
def test_an_address_that_is_none_is_named(name: str, bind: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}: must be host:port"):
        read(**{name: bind})


def test_an_address_may_be_of_ipv6() -> None:
    settings = read(KOLAJ_GATEWAY_BIND="[::1]:0")
    assert (settings.gateway_host, settings.gateway_port) == ("::1", 0)


def test_proxies_are_addresses_and_networks() -> None:
    assert read(KOLAJ_GATEWAY_PROXIES="10.0.0.7, 10.1.0.0/16").gateway_proxies == ("10.0.0.7", "10.1.0.0/16")
    for wrong in ("*", "proxy.example", "10.1.0.1/16"):
        with pytest.raises(SettingsError, match="must be addresses or networks"):
            read(KOLAJ_GATEWAY_PROXIES=wrong)


def test_a_body_that_no_record_could_carry_cannot_be_allowed() -> None:
    with pytest.raises(SettingsError, match="KOLAJ_GATEWAY_MAX_BODY_BYTES"):
        read(KOLAJ_GATEWAY_MAX_BODY_BYTES="600000")
