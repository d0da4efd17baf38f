"""The few calls of HashiCorp Vault's HTTP API that credentials need: KV version 2 and transit. OpenBao speaks it too.

Source: developer.hashicorp.com/vault/api-docs, secret/kv/kv-v2 and secret/transit.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from agents.vault.secret import Secret
from schemas.errors import SettingsError, StoreError

_CAS_FAILED: Final = "check-and-set"
_NO_ROUTE: Final = "no handler for route"


class CasFailed(StoreError):
    """A document was changed between reading and writing it."""


class NotOpened(StoreError):
    """Vault's transit engine refuses to open something: it was changed, or belongs to another place."""


@dataclass(frozen=True, slots=True)
class Document:
    """A secret of the KV engine, and the version to write after."""

    version: int
    value: Mapping[str, Any]


class VaultApi:
    """Calls with one token.

    Args:
        client: knows the address and authorities, and gives up in time.
        token: asked for at each call, so that an agent beside the process may renew it.
        namespace: of Vault Enterprise and OpenBao; empty for none.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        token: Callable[[], str],
        *,
        kv_mount: str = "secret",
        transit_mount: str = "transit",
        transit_key: str = "kolaj",
        namespace: str = "",
    ) -> None:
        self._client = client
        self._token = token
        self._kv = kv_mount
        self._transit = transit_mount
        self._key = transit_key
        self._namespace = namespace

    async def read(self, path: str) -> Document:
        """A document; an empty one of version 0 when there is none."""
        answer = await self._call("GET", f"{self._kv}/data/{path}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            found = _json(answer)["data"]
            return Document(found["metadata"]["version"], found["data"] or {})
        # A deleted one answers 404 too, and says which version to write after.
        left = (_json(answer).get("data") or {}).get("metadata") or {}
        return Document(left.get("version", 0), {})

    async def write(self, path: str, value: Mapping[str, Any], *, after: int) -> None:
        """Write a document whose version is still `after`.

        Raises:
            CasFailed: it is not.
        """
        await self._call("POST", f"{self._kv}/data/{path}", {"data": value, "options": {"cas": after}})

    async def names(self, folder: str) -> tuple[str, ...]:
        """What lies in a folder."""
        answer = await self._call("LIST", f"{self._kv}/metadata/{folder}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ()
        return tuple(sorted(name for name in _json(answer)["data"]["keys"] if not name.endswith("/")))

    async def encrypt(self, values: Sequence[tuple[Secret, bytes]]) -> list[str]:
        """Each value sealed for its context."""
        items = [{"plaintext": _b64(value.reveal_bytes()), "context": _b64(context)} for value, context in values]
        return [item["ciphertext"] for item in await self._batch("encrypt", items)]

    async def decrypt(self, values: Sequence[tuple[str, bytes]]) -> list[Secret]:
        """Each value opened in its context.

        Raises:
            NotOpened: one was changed, or sealed for another context.
        """
        opened = await self._batch("decrypt", _sealed(values))
        return [Secret(bytearray(base64.b64decode(item["plaintext"]))) for item in opened]

    async def rewrap(self, values: Sequence[tuple[str, bytes]]) -> list[str]:
        """Each value sealed anew under the transit key's newest version; it never leaves Vault in clear."""
        return [item["ciphertext"] for item in await self._batch("rewrap", _sealed(values))]

    async def newest_key(self) -> int:
        """The newest version of the transit key.

        Raises:
            SettingsError: there is no such key, or it does not derive keys from contexts.
        """
        answer = await self._call("GET", f"{self._transit}/keys/{self._key}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise SettingsError(
                f"KOLAJ_VAULT_TRANSIT_KEY: Vault's {self._transit} has no key {self._key}; make it with "
                f"`vault write -f {self._transit}/keys/{self._key} derived=true`"
            )
        key = _json(answer)["data"]
        if not key.get("derived"):
            raise SettingsError(
                f"KOLAJ_VAULT_TRANSIT_KEY: the key {self._key} was made without derived=true, so that a value copied "
                "to another place would open; make another key"
            )
        return int(key["latest_version"])

    async def _batch(self, act: str, items: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
        if not items:
            return []
        answer = await self._call("POST", f"{self._transit}/{act}/{self._key}", {"batch_input": items}, batch=True)
        body = _json(answer)
        results: list[Mapping[str, str]] = (body.get("data") or {}).get("batch_results") or []
        if len(results) != len(items):
            raise StoreError(f"Vault's transit engine refuses to {act}: {_why(answer)}")
        if any(item.get("error") for item in results):
            raise NotOpened(f"Vault's transit engine refuses to {act} a value: it was changed or copied from elsewhere")
        return results

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, batch: bool = False
    ) -> httpx.Response:
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        try:
            answer = await self._client.request(method, f"/v1/{path}", json=body, headers=headers)
        except httpx.HTTPError as failed:
            raise StoreError(f"Vault cannot be reached: {type(failed).__name__}; check VAULT_ADDR") from failed
        status = answer.status_code
        if status == httpx.codes.FORBIDDEN:
            raise SettingsError(
                f"Vault refuses its token for {path} (403): it ran out, or its policy lacks {method}; see VAULT_TOKEN"
            )
        if status == httpx.codes.SERVICE_UNAVAILABLE:
            raise StoreError("Vault is sealed or has no active node (503); unseal it")
        if status == httpx.codes.NOT_FOUND and _NO_ROUTE in answer.text:
            raise SettingsError(
                f"Vault has no secrets engine at {path.partition('/')[0]}; check KOLAJ_VAULT_* and enable it"
            )
        if status == httpx.codes.BAD_REQUEST and _CAS_FAILED in answer.text:
            raise CasFailed(f"{path} was changed in Vault meanwhile; run it again")
        if status >= httpx.codes.BAD_REQUEST and status != httpx.codes.NOT_FOUND and not batch:
            raise StoreError(f"Vault answers {status} for {path}: {_why(answer)}")
        return answer


def _sealed(values: Sequence[tuple[str, bytes]]) -> list[Mapping[str, str]]:
    return [{"ciphertext": sealed, "context": _b64(context)} for sealed, context in values]


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise StoreError(
            f"Vault's answer ({answer.status_code}) is no JSON object; check that VAULT_ADDR is Vault's own"
        )
    return body


def _why(answer: httpx.Response) -> str:
    """What Vault says is wrong; it does not repeat what it was sent."""
    errors = _json(answer).get("errors") or ["no reason given"]
    return "; ".join(str(error).strip() for error in errors)[:300]
