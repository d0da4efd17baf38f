"""Serving the application: sockets, uvicorn, and the way out."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from infra.gateway.connection import Crowd, GuardedProtocol, Patience
from infra.gateway_settings import host_and_port
from infra.settings import Settings
from schemas.errors import SettingsError

KEEP_ALIVE_S: Final = 75
"""How long a connection may be idle between two requests: longer than proxies keep theirs (60 s is usual), so that none
sends a request into a connection that is being closed."""
_OTHER_FILES: Final = 256
"""Descriptors beside those of connections."""


class Server(uvicorn.Server):
    """uvicorn's server under a process that has handlers of its own for signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: ASGIApp, settings: Settings) -> Server:
    """A server of the application; it serves the sockets that it is given until `should_exit` is set."""
    patience = Patience(settings.gateway_header_s, settings.gateway_body_s, settings.gateway_max_connections)
    protocol: Any = partial(GuardedProtocol, patience=patience, crowd=Crowd())
    _allow_files(settings.gateway_max_connections + _OTHER_FILES)
    return Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            # A stranger's broken request is no line in our log.
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.gateway_proxies),
            forwarded_allow_ips=list(settings.gateway_proxies),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(settings.gateway_drain_s) or 1,
        )
    )


def listen(bind: str, setting: str) -> socket.socket:
    """A socket that listens there.

    Raises:
        SettingsError: it cannot.
    """
    host, port = host_and_port(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as bad:
        raise SettingsError(f"{setting}: cannot listen at {bind} ({bad.strerror}); name another address") from bad


def url_of(listening: socket.socket) -> str:
    """Where a socket listens, as others write it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_files(wanted: int) -> None:
    """Raise the process's own limit of open files as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
