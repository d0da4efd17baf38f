"""How to reach Kafka: one value for every client, and errors that name the address and what to do."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.errors import SettingsError, StoreError
from streams.refusal import not_allowed, why_not_in

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

CONNECT_TIMEOUT_S: Final = 15.0
REQUEST_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class KafkaAccess:
    """Where the brokers are, and how to be let in.

    Attributes:
        bootstrap: `host:port`, several separated by commas.
        ca_file: PEM file of the authorities to trust for `SSL` and `SASL_SSL`; `None` for the system's.
        cert_file, key_file: PEM files that say who we are, where brokers ask for a certificate.
    """

    bootstrap: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Arguments for any client of aiokafka.

        Raises:
            SettingsError: a file of TLS cannot be used.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": [address.strip() for address in self.bootstrap.split(",")],
            "security_protocol": self.security_protocol,
            "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1000),
        }
        if self.security_protocol in {"SSL", "SASL_SSL"}:
            options["ssl_context"] = self.ssl_context
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """Trusts the authorities of `ca_file`, and shows the certificate of `cert_file`.

        Raises:
            SettingsError: a file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as bad:
            raise SettingsError(
                f"KAFKA_CA_FILE: {self.ca_file} cannot be used as a file of authorities ({bad}); name a PEM file"
            ) from bad
        if self.cert_file and self.key_file:
            if not Path(self.cert_file).is_file():
                raise SettingsError(f"KAFKA_CERT_FILE: {self.cert_file} is not a file; name a PEM file")
            try:
                # Without a password for an encrypted key OpenSSL would ask the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, password=lambda: self.key_password or "")
            except (OSError, ssl.SSLError) as bad:
                raise SettingsError(
                    f"KAFKA_KEY_FILE: {self.key_file} cannot be used as the key of the certificate in {self.cert_file} "
                    f"({bad}); both are PEM files, and KAFKA_KEY_PASSWORD opens a key that is encrypted"
                ) from bad
        return context


class Client(Protocol):
    """What aiokafka's producers and consumers have in common."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


T = TypeVar("T")
C = TypeVar("C", bound=Client)


@asynccontextmanager
async def connected(access: KafkaAccess, make: Callable[[], C]) -> AsyncIterator[C]:
    """A started client, stopped in the end.

    Raises:
        StoreError: no broker answered in time.
    """
    client = make()
    try:
        await reach(access, client.start)
        yield client
    finally:
        await stop(client.stop)


async def reach(access: KafkaAccess, start: Callable[[], Awaitable[T]]) -> T:
    """What the first call to a broker answers.

    Raises:
        StoreError: no broker answered in time; the message names the address and what to do.
    """
    # aiokafka loses the connection that it is opening when it is cancelled (0.14.0, seen 2026-11): a caller that is
    # cancelled lets it come to its end first, so that stopping the client closes all there is.
    answering = asyncio.ensure_future(start())
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.shield(answering)
    except (KafkaError, OSError, TimeoutError, ValueError) as bad:
        raise await unreachable(access, bad) from bad
    finally:
        if not answering.done():
            await asyncio.wait({answering}, timeout=STOP_TIMEOUT_S)
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)


async def stop(stopping: Callable[[], Awaitable[None]]) -> None:
    """Stop a client. One that finds no broker to say goodbye to is left after `STOP_TIMEOUT_S`."""
    # In a task of its own: a consumer cancels its fetches, and lets that come out as if we had been cancelled (aiokafka
    # 0.14.0, seen 2026-11).
    ending = asyncio.ensure_future(stopping())
    try:
        await asyncio.wait({ending}, timeout=STOP_TIMEOUT_S)
    finally:
        ending.cancel()
    if ending.done() and not ending.cancelled():
        failure = ending.exception()
        if failure is not None and not isinstance(failure, KafkaError | OSError | TimeoutError):
            raise failure


async def unreachable(access: KafkaAccess, cause: BaseException) -> StoreError:
    """The error to raise when a first call failed: with what the broker says when it is asked once more."""
    denied = not_allowed(cause)
    if denied is not None:
        return StoreError(denied)
    if isinstance(cause, KafkaConnectionError):
        options = access.options()
        why_not = await why_not_in(options["bootstrap_servers"], options)
        if why_not is not None:
            return StoreError(f"Kafka at {access.bootstrap} does not let us in: {why_not}")
    advice = "start it (`kolaj up` starts a local one) or set KAFKA_BOOTSTRAP to its address"
    if access.security_protocol != "PLAINTEXT":
        advice = "check KAFKA_BOOTSTRAP, and that KAFKA_SECURITY_PROTOCOL, user name and password are the broker's"
    # aiokafka's own error repeats the address in its inner form, and says no more than that.
    why = f" ({cause})" if str(cause) and not isinstance(cause, KafkaConnectionError) else ""
    return StoreError(f"Kafka at {access.bootstrap} does not answer{why}: {advice}")


def missing_topic(topic: str) -> SettingsError:
    return SettingsError(
        f"topic {topic} does not exist, or this account may not see it: `kolaj topics` creates it, `kolaj acls` writes "
        "the lines that give rights; or check KOLAJ_TOPIC_PREFIX"
    )
