"""Where outgoing webhooks may go: the form of an endpoint's URL, and the addresses behind its name. Pure.

A URL is looked at before anything parses it, and everything is refused that two parsers might read in two ways: what is
checked here is to the letter what is connected to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from agents.deliveries.addresses import is_loopback, is_public

LONGEST: Final = 2_000
_HTTPS: Final = 443
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?][!-~]*)?"
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME: Final = 253
_OUR_OWN: Final = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa")
"""Last labels of names that are nobody's on the internet."""
_FOLD: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class RefusedDestination(Exception):
    """Nothing is sent there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is allowed beside the rules that always hold.

    Attributes:
        ports: that an endpoint may be at.
        loopback: whether this machine may be sent to, at any port and without TLS: for tests and for trying things out.
    """

    ports: frozenset[int] = frozenset({443, 8443})
    loopback: bool = False

    def check_addresses(self, addresses: Iterable[str]) -> None:
        """Every address of the answer must be public: one that is not might be the one that is connected to.

        Raises:
            RefusedDestination: one of them is not, or there is none.
        """
        found = list(addresses)
        if not found:
            raise RefusedDestination("the host has no address")
        for address in found:
            if not is_public(address) and not (self.loopback and is_loopback(address)):
                raise RefusedDestination("the host's address is not a public one; webhooks go to the internet alone")

    def check(self, url: str) -> tuple[str, int]:
        """Look at the URL alone; its host's addresses are looked at when they are known.

        Returns:
            Host and port.

        Raises:
            RefusedDestination: it is not one to send to.
        """
        found = _URL.fullmatch(url) if len(url) <= LONGEST else None
        if found is None or "#" in url or "\\" in url:
            raise RefusedDestination(
                "must be like https://host/path: ASCII, at most 2,000 characters, no user name, no fragment; write the "
                "host in its xn-- form where it has other letters"
            )
        host = found["host"].translate(_FOLD).strip("[]")
        here = self.loopback and (host == "localhost" or is_loopback(host))
        port = int(found["port"]) if found["port"] else (_HTTPS if found["scheme"] == "https" else 80)
        if here:
            if not 0 < port < 65536:  # noqa: PLR2004 - ports are 16 bits
                raise RefusedDestination("the port must be from 1 to 65535")
            return host, port
        if found["scheme"] != "https":
            raise RefusedDestination("must be https://; what is sent is nobody else's to read")
        if port not in self.ports:
            raise RefusedDestination(f"the port must be one of {', '.join(map(str, sorted(self.ports)))}")
        if ":" in host:
            self.check_addresses([_plain(host)])
        else:
            self._check_name(host)
        return host, port

    def _check_name(self, host: str) -> None:
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            self.check_addresses([_plain(host)])
            return
        if len(host) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
            raise RefusedDestination("the host must be a whole name such as hooks.example.com, with no dot at its end")
        if len(labels) == 1 or labels[-1] in _OUR_OWN:
            raise RefusedDestination("the host must be a name of the internet; short and internal ones are refused")


def _plain(host: str) -> str:
    """The address, spelled as addresses are.

    Raises:
        RefusedDestination: it is spelled otherwise (decimal, octal, hexadecimal, cut short), or is none.
    """
    try:
        return str(IPv6Address(host) if ":" in host else IPv4Address(host))
    except AddressValueError:
        raise RefusedDestination("an address must be written in its plain form, such as 198.51.100.7") from None
