"""The HTTP edge's statements, one a file; each says at its top what it promises."""

from importlib.resources import files


def statement(name: str) -> str:
    """The text of `infra/gateway/sql/<name>.sql`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
