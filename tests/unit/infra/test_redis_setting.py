import pytest

from infra.caller_settings import shared_store
from infra.logs import Scrubber
from infra.settings import read_settings
from schemas.errors import SettingsError


def test_without_it_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("REDIS_URL", raising=False)
        else:
            monkeypatch.setenv("REDIS_URL", value)
        assert read_settings(kafka=False, database=False).redis_url is None


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "rediss://:pw@host/1", "unix:///run/redis.sock"])
async def test_an_address_that_can_be_right_is_taken_and_nobody_has_to_answer_there(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    async with shared_store(read_settings(kafka=False, database=False)) as store:
        assert store is not None
        assert not store.away


@pytest.mark.parametrize("url", ["http://:sesame@host", "redis://", "host:6379", "redis://:sesame@host:port"])
def test_an_address_that_cannot_be_right_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match="REDIS_URL: must be like redis://") as refused:
        read_settings(kafka=False, database=False)
    assert "sesame" not in str(refused.value)


def test_its_password_is_scrubbed_from_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:open%20sesame@127.0.0.1:6379/0")
    settings = read_settings(kafka=False, database=False)
    assert "sesame" not in f"{settings!r} {settings.model_dump_json()}"
    assert Scrubber.of(settings).scrub("AUTH open sesame") == "AUTH ***"
