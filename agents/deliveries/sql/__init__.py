"""The sender's statements, one a file; each says at its top what it promises."""

from importlib.resources import files


def statement(name: str) -> str:
    """The text of `agents/deliveries/sql/<name>.sql`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
