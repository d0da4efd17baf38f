"""TLS in front of a PostgreSQL that was built without it, as a connection pooler has: it ends TLS, and asks for
certificates."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trustme

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a client sends before anything else when it wants TLS (PostgreSQL's protocol, message formats)."""


@asynccontextmanager
async def tls_front(
    server_port: int, certificate: trustme.LeafCert, *, client_authority: trustme.CA | None = None
) -> AsyncIterator[int]:
    """The port of the front. It hangs up on who does not ask for TLS or, with an authority, shows no certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if client_authority is not None:
        client_authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(context)
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", server_port)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pour(reader, behind_writer))
                    both.create_task(_pour(behind_reader, writer))
            finally:
                behind_writer.close()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def written(folder: Path, authority: trustme.CA, certificate: trustme.LeafCert) -> tuple[str, str, str]:
    """Paths of PEM files: the authority's certificate, the leaf's, and its key."""
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    return str(folder / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem")


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()
