"""In production nothing travels to another machine in plain text, unless a setting says so in so many words."""

from typing import TYPE_CHECKING

from infra.database_address import ENCRYPTED, hosts, ssl_mode
from providers.loopback import is_loopback

if TYPE_CHECKING:
    from infra.access_settings import AccessSettings


def refuse_plaintext_kafka(settings: "AccessSettings") -> None:
    """Look at the way to the brokers.

    Raises:
        ValueError: production, another machine, and no TLS.
    """
    if settings.environment != "production" or "kafka" in settings.allow_plaintext:
        return
    if settings.security_protocol in {"SSL", "SASL_SSL"}:
        return
    far = [address for address in _brokers(settings.bootstrap) if not is_loopback(address)]
    if far:
        raise ValueError(
            f"KAFKA_SECURITY_PROTOCOL: {settings.security_protocol} sends commands in plain text to {far[0]}, and this "
            "is production; set it to SASL_SSL or SSL, or say KOLAJ_ALLOW_PLAINTEXT=kafka"
        )


def refuse_plaintext_database(settings: "AccessSettings", url: str) -> None:
    """Look at the way to PostgreSQL.

    Raises:
        ValueError: production, another machine, and an address that does not insist on TLS.
    """
    if settings.environment != "production" or "postgresql" in settings.allow_plaintext or not url:
        return
    mode = ssl_mode(url)
    if mode in ENCRYPTED:
        return
    named = hosts(url)
    far = [host for host in named if not is_loopback(host)]
    if far or not named:
        where = far[0] if far else "whatever host the environment names"
        raise ValueError(
            f"DATABASE_URL: sslmode={mode or 'prefer'} may go to {where} in plain text, and this is production; add "
            "?sslmode=verify-full and set DATABASE_CA_FILE, or say KOLAJ_ALLOW_PLAINTEXT=postgresql"
        )


def _brokers(bootstrap: str) -> list[str]:
    return [address.strip().rpartition(":")[0] for address in bootstrap.split(",") if address]
