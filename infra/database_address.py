"""Where PostgreSQL is and how the way to it is protected, as one address that the driver understands.

asyncpg takes TLS from the address, as `psql` does (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`). What stands in
settings of its own is written into the address once, so that every connection of every process has it.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})
"""Values of `sslmode` that never fall back to plain text."""

VERIFIED: Final = frozenset({"verify-ca", "verify-full"})
"""Values of `sslmode` that know the server by its certificate."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files for the way to PostgreSQL.

    Attributes:
        ca: authorities to trust.
        certificate, key: who we are; both or neither.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __bool__(self) -> bool:
        return self != TlsFiles()


def completed(url: str, files: TlsFiles) -> str:
    """The address with the files in it. With authorities to trust, the server has to prove its name.

    Raises:
        ValueError: the files and the address contradict each other, or a file cannot be used; the message names the
            setting.
    """
    if not files or not url:
        return url
    _check(files)
    given = parse_qs(urlsplit(url).query)
    wanted = {"sslrootcert": files.ca, "sslcert": files.certificate, "sslkey": files.key}
    twice = [name for name, path in wanted.items() if path and name in given]
    if twice:
        raise ValueError(f"DATABASE_URL: {', '.join(twice)} stands in it and in a setting of its own; leave one out")
    mode = ssl_mode(url)
    if mode is not None and mode not in ENCRYPTED:
        raise ValueError(f"DATABASE_URL: sslmode={mode} would do without the files of DATABASE_CA_FILE; take it out")
    query = {name: path for name, path in wanted.items() if path}
    if mode is None:
        query["sslmode"] = "verify-full" if files.ca else "require"
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def hosts(url: str) -> tuple[str, ...]:
    """Every host of the address: names, numbers, or folders of a socket. Empty when it names none."""
    parts = urlsplit(url)
    asked = [_name(part) for part in parts.netloc.rpartition("@")[2].split(",")]
    asked += [name for value in parse_qs(parts.query).get("host", ()) for name in value.split(",")]
    return tuple(unquote(name) for name in asked if name)


def ssl_mode(url: str) -> str | None:
    """What the address says of TLS; `None` when it says nothing, which means: if the server offers it."""
    found = parse_qs(urlsplit(url).query).get("sslmode")
    return found[-1] if found else None


def _name(place: str) -> str:
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0]


def _check(files: TlsFiles) -> None:
    if bool(files.certificate) != bool(files.key):
        missing = "DATABASE_KEY_FILE" if files.certificate else "DATABASE_CERT_FILE"
        raise ValueError(f"{missing}: is not set; a certificate and its key go together")
    context = ssl.create_default_context()
    if files.ca:
        try:
            context.load_verify_locations(cafile=files.ca)
        except (OSError, ssl.SSLError) as bad:
            raise ValueError(f"DATABASE_CA_FILE: {files.ca} cannot be used ({bad}); name a PEM file") from bad
    if files.certificate and files.key:
        if not Path(files.certificate).is_file():
            raise ValueError(f"DATABASE_CERT_FILE: {files.certificate} is not a file; name a PEM file")
        try:
            # Without a password for it OpenSSL would ask the terminal.
            context.load_cert_chain(files.certificate, files.key, password=lambda: "")
        except (OSError, ssl.SSLError) as bad:
            raise ValueError(
                f"DATABASE_KEY_FILE: {files.key} is no key, unencrypted and in PEM, of the certificate in "
                f"{files.certificate} ({bad})"
            ) from bad
