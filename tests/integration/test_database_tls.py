"""TLS on the way to PostgreSQL, with a certificate of our own. The wheel's server has none, so that a front ends it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import trustme

from agents.pool import open_pool as agents_pool
from infra.database_address import TlsFiles, completed
from infra.migrate import migrate, pending
from projections.pool import open_pool as projections_pool
from schemas.errors import StoreError
from tests.tls_front import tls_front, written


@dataclass(frozen=True)
class Secured:
    """An address behind TLS, and the files that let us in."""

    url: str
    files: TlsFiles


@pytest_asyncio.fixture(scope="module")
async def secured(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    parts = urlsplit(database_url)
    authority = trustme.CA()
    files = TlsFiles(*written(tmp_path_factory.mktemp("tls"), authority, authority.issue_cert(common_name="worker")))
    async with tls_front(parts.port or 0, authority.issue_cert("127.0.0.1"), client_authority=authority) as port:
        yield Secured(database_url.replace(f":{parts.port}/", f":{port}/"), files)


async def test_migrations_and_both_pools_go_over_verified_tls(secured: Secured) -> None:
    url = completed(secured.url, secured.files)
    await migrate(url)
    for open_pool in (agents_pool, projections_pool):
        pool = await open_pool(url, size=1)
        await pool.close()
    assert await pending(url) == []


async def test_a_server_that_hangs_up_on_plain_text_is_a_store_error(secured: Secured) -> None:
    with pytest.raises(StoreError, match=r"hung up: it may want TLS \(sslmode in DATABASE_URL"):
        await agents_pool(f"{secured.url}?sslmode=disable", size=1)


async def test_without_our_certificate_we_are_refused_with_what_to_do(secured: Secured) -> None:
    with pytest.raises(StoreError, match="DATABASE_CERT_FILE"):
        await agents_pool(completed(secured.url, TlsFiles(secured.files.ca)), size=1)


async def test_a_server_that_another_authority_signed_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    url = completed(secured.url, TlsFiles(str(tmp_path / "other.pem"), secured.files.certificate, secured.files.key))
    with pytest.raises(StoreError, match=r"not to be trusted .*DATABASE_CA_FILE"):
        await migrate(url)


async def test_a_server_under_another_name_is_not_trusted(secured: Secured) -> None:
    url = completed(secured.url.replace("127.0.0.1", "localhost"), secured.files)
    with pytest.raises(StoreError, match=r"not to be trusted .*DATABASE_CA_FILE"):
        await projections_pool(url, size=1)


async def test_a_server_without_tls_is_refused_where_tls_is_a_must(database_url: str) -> None:
    with pytest.raises(StoreError, match=r"do not agree on TLS .*sslmode in DATABASE_URL"):
        await agents_pool(f"{database_url}?sslmode=require", size=1)


async def test_a_wrong_password_names_the_setting(secured: Secured) -> None:
    password = urlsplit(secured.url).password or ""
    url = completed(secured.url.replace(password, "open-up"), secured.files)
    with pytest.raises(StoreError, match="refused the user or password in VAULT_DATABASE_URL") as refused:
        await agents_pool(url, size=1, setting="VAULT_DATABASE_URL")
    assert "open-up" not in str(refused.value)
