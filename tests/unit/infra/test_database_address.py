from pathlib import Path

import pytest
import trustme

from infra.database_address import TlsFiles, completed, hosts, ssl_mode

URL = "postgresql://kolaj:sesame@db.example:5432/kolaj"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("worker.example")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    return TlsFiles(str(folder / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem"))


def test_an_address_without_files_stays_as_it_is() -> None:
    assert completed(URL, TlsFiles()) == URL


def test_an_authority_to_trust_makes_the_server_prove_its_name(files: TlsFiles) -> None:
    assert ssl_mode(completed(URL, TlsFiles(files.ca))) == "verify-full"


def test_what_the_address_says_of_tls_stays(files: TlsFiles) -> None:
    assert ssl_mode(completed(f"{URL}?sslmode=verify-ca", TlsFiles(files.ca))) == "verify-ca"


def test_a_certificate_alone_makes_tls_a_must(files: TlsFiles) -> None:
    assert ssl_mode(completed(URL, TlsFiles(None, files.certificate, files.key))) == "require"


@pytest.mark.parametrize(
    ("url", "ca", "says"),
    [
        (f"{URL}?sslmode=prefer", "ca.pem", "sslmode=prefer would do without"),
        (f"{URL}?sslrootcert=/x.pem", "ca.pem", "sslrootcert stands in it and in a setting"),
        (URL, "nowhere.pem", "DATABASE_CA_FILE: .* cannot be used"),
        (URL, "key.pem", "DATABASE_CA_FILE: .* cannot be used"),
    ],
)
def test_an_authority_that_cannot_be_meant_is_refused(files: TlsFiles, url: str, ca: str, says: str) -> None:
    assert files.ca
    with pytest.raises(ValueError, match=says):
        completed(url, TlsFiles(str(Path(files.ca).with_name(ca))))


def test_a_certificate_without_its_key_is_refused(files: TlsFiles) -> None:
    with pytest.raises(ValueError, match="DATABASE_KEY_FILE: is not set"):
        completed(URL, TlsFiles(files.ca, files.certificate))


def test_a_key_of_another_certificate_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("other.example").private_key_pem.write_to_path(other)
    with pytest.raises(ValueError, match=r"DATABASE_KEY_FILE: .* is no key"):
        completed(URL, TlsFiles(files.ca, files.certificate, str(other)))


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (URL, ("db.example",)),
        ("postgresql://a:b@one:5432,two:5433/x", ("one", "two")),
        ("postgresql://a:b@[::1]:5432/x", ("::1",)),
        ("postgresql:///x?host=/run/postgresql", ("/run/postgresql",)),
        ("postgresql://%2Frun%2Fpostgresql/x", ("/run/postgresql",)),
        ("postgresql:///x", ()),
    ],
)
def test_every_host_is_named(url: str, named: tuple[str, ...]) -> None:
    assert hosts(url) == named
