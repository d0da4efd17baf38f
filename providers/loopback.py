"""Which addresses are this machine's own: what travels there leaves no machine."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host's name, address or socket folder is this machine itself; a name is not looked up."""
    if host == "localhost" or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
