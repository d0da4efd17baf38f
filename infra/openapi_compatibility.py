"""Whether a new OpenAPI document keeps what an older one of the same `/vN` promises to callers.

Operations, optional parameters, optional fields, error statuses and media types may join. Whatever a caller may rely on
stays: paths, names, parameters, what a body may say, what a success looks like.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.compatibility import Kind, incompatibilities

Document = Mapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def broken_operations(old: Document, new: Document) -> list[str]:
    """What the new document breaks, each with its operation; empty when nothing is broken."""
    return list(_Comparison(old, new).all())


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def all(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            if path not in self._new["paths"]:
                yield f"{path}: the path is gone"
                continue
            for method in (method for method in _METHODS if method in item):
                where = f"{method} {path}"
                described = self._new["paths"][path].get(method)
                if described is None:
                    yield f"{where}: the operation is gone"
                else:
                    yield from (f"{where}: {fault}" for fault in self._operation(item[method], described))

    def _operation(self, old: Document, new: Document) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"its name was {old.get('operationId')} and is {new.get('operationId')}"
        yield from self._parameters(old, new)
        yield from self._request(old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(old["responses"], new["responses"])
        yield from self._security(old.get("security"), new.get("security"))

    def _parameters(self, old: Document, new: Document) -> Iterator[str]:
        before, after = _parameters(old), _parameters(new)
        for name, parameter in before.items():
            if name not in after:
                yield f"{' '.join(name)}: the parameter is gone"
                continue
            if after[name].get("required") and not parameter.get("required"):
                yield f"{' '.join(name)}: it could be absent and must be there"
            yield from self._schema(parameter, after[name], "command", " ".join(name))
        for name, parameter in after.items():
            if name not in before and parameter.get("required"):
                yield f"{' '.join(name)}: a new parameter must be optional"

    def _request(self, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is None:
            if old is not None:
                yield "the request has no body any more"
            return
        if new.get("required") and not (old or {}).get("required"):
            yield "the request's body could be absent and must be there"
        if old is not None:
            yield from self._media(old["content"], new["content"], "command", "request")

    def _answers(self, old: Document, new: Document) -> Iterator[str]:
        for status, answer in old.items():
            if status not in new:
                # Errors that no longer happen are missed by nobody.
                if _succeeds(status):
                    yield f"{status}: the answer is gone"
                continue
            yield from self._media(answer.get("content", {}), new[status].get("content", {}), "event", status)
            for name in answer.get("headers", {}):
                if name not in new[status].get("headers", {}):
                    yield f"{status}: the header {name} is gone"
        for status in new:
            if status not in old and _succeeds(status):
                yield f"{status}: callers do not know this success"

    def _media(self, old: Document, new: Document, kind: Kind, where: str) -> Iterator[str]:
        for media, content in old.items():
            if media not in new:
                yield f"{where}: {media} is gone"
            else:
                yield from self._schema(content, new[media], kind, where)

    def _schema(self, old: Document, new: Document, kind: Kind, where: str) -> Iterator[str]:
        before, after = _whole(old.get("schema", {}), self._old), _whole(new.get("schema", {}), self._new)
        yield from (f"{where}: {fault}" for fault in incompatibilities(before, after, kind))

    def _security(self, old: list[Any] | None, new: list[Any] | None) -> Iterator[str]:
        """Each alternative that was enough has to be enough still; none at all was the widest."""
        if new and not old:
            yield "it was open and asks for credentials"
        for needed in old or ():
            if new and not any(_at_most(alternative, needed) for alternative in new):
                yield f"these credentials are not enough any more: {_credentials(needed)}"


def _parameters(operation: Document) -> dict[tuple[str, str], Document]:
    return {(one["in"], one["name"]): one for one in operation.get("parameters", ())}


def _succeeds(status: str) -> bool:
    return status[:1] in {"2", "3"}


def _whole(schema: Document, document: Document) -> dict[str, Any]:
    """A schema together with what its references name."""
    return {**schema, "$defs": document.get("components", {}).get("schemas", {})}


def _at_most(alternative: Document, needed: Document) -> bool:
    """Whether whoever had `needed` has all of `alternative`."""
    return all(scheme in needed and set(scopes) <= set(needed[scheme]) for scheme, scopes in alternative.items())


def _credentials(needed: Document) -> str:
    return ", ".join(f"{scheme} with {' '.join(scopes) or 'no scope'}" for scheme, scopes in needed.items())
