"""Which addresses of the network are everybody's: only there does the hub send what others asked for. Pure.

Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6, read 2026-11; RFC 6052, RFC 3056 and RFC 4380
for the forms of IPv6 that carry an IPv4 address inside.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches this machine
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's translation
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: clouds serve an instance's credentials there
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All else is loopback, link-local, private, multicast, mapped IPv4, NAT64's 64:ff9b::/96 or nobody's yet."""
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols' own, Teredo's tunnels among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside, which a relay unpacks
        "3fff::/20",
    )
)
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
"""The middle of an address whose last 32 bits are an IPv4 address within a site."""
_LOOPBACK_4: Final = IPv4Network("127.0.0.0/8")
_LOOPBACK_6: Final = IPv6Address("::1")


def is_public(text: str) -> bool:
    """Whether this address is one of the internet's, as far as addresses can tell."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return _is_public_6(address)


def is_loopback(text: str) -> bool:
    """Whether this address is this machine's, in its plain form."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address in _LOOPBACK_4 if isinstance(address, IPv4Address) else address == _LOOPBACK_6


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _GLOBAL_6:
        return False
    if any(address in network for network in _NOT_PUBLIC_6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
