"""The SQL of the projections: one statement a file under `projections/sql`, each says at its top what it promises."""

from functools import cache
from importlib.resources import files
from typing import Final

SHADOW: Final = "__shadow"
"""What stands after a table's name while it is rebuilt beside the live one."""


@cache
def statement(name: str, shadow: str = "") -> str:
    """The text of `projections/sql/<name>.sql`; `{shadow}` in it becomes `shadow` (empty for the live tables)."""
    text = files("projections").joinpath("sql", *f"{name}.sql".split("/")).read_text(encoding="utf-8")
    return text.replace("{shadow}", shadow)
