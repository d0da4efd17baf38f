"""Three histories of numbered SQL files, each run by Alembic with a version table of its own.

A file `NNNN_what.sql` is a revision whose name is its own and whose parent is the file before it. Files are never
changed once they were run anywhere; a change is a further file.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

_FILE: Final = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql")
_VIEW: Final = re.compile(r"[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class History:
    """One history.

    Attributes:
        name: what people call it.
        package, folder: where its files lie.
        schema: where its version table stands, and its tables.
        version_table: one row with the last revision that was run.
        views: a folder of views (`create or replace`), made anew after every upgrade.
    """

    name: str
    package: str
    folder: str
    schema: str
    version_table: str
    views: str | None = None

    def revisions(self) -> list[str]:
        """Their names in order.

        Raises:
            ValueError: a number is missing or stands twice.
        """
        names = [file.name.removesuffix(".sql") for file in self._files(self.folder, _FILE)]
        for number, name in enumerate(names, start=1):
            if not name.startswith(f"{number:04d}_"):
                raise ValueError(f"{self.package}/{self.folder}/{name}.sql: number {number:04d} was expected")
        return names

    def ahead(self, current: str | None) -> list[str]:
        """The revisions after `current` (None: all), in the order in which they run."""
        names = self.revisions()
        return names if current is None else names[names.index(current) + 1 :]

    def script(self, current: str | None) -> str:
        """The SQL that brings a database from `current` to the last revision, the version table's rows included."""
        written = ""
        if self.ahead(current):
            from infra.migrations.upgrade import upgrade  # noqa: PLC0415 - a start with nothing to do needs no Alembic

            files = self._files(self.folder, _FILE)
            written = upgrade(files, current, schema=self.schema, version_table=self.version_table)
        views = self._files(self.views, _VIEW) if self.views else ()
        return written + "".join(view.read_text(encoding="utf-8") for view in views)

    def _files(self, path: str, names: re.Pattern[str]) -> list[Traversable]:
        folder = files(self.package).joinpath(*path.split("/"))
        found = [file for file in folder.iterdir() if names.fullmatch(file.name)] if folder.is_dir() else []
        return sorted(found, key=lambda file: file.name)


HISTORIES: Final = (
    History("ledger", "agents", "sql/migrations", "ledger", "migrations"),
    History("gateway", "infra.gateway", "sql/migrations", "gateway", "migrations"),
    History("projections", "projections", "sql/migrations", "public", "projection_migrations", views="sql/views"),
)
