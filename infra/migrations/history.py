"""Two histories of numbered SQL files, each run by Alembic with a version table of its own.

A file `NNNN_what.sql` is a revision whose name is its own and whose parent is the file before it. Files are never
changed once they were run anywhere; a change is a further file.
"""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import Final

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script
from alembic.script.revision import RevisionMap

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

    def revisions(self) -> RevisionMap:
        """The files in order.

        Raises:
            ValueError: a number is missing or stands twice.
        """
        scripts: list[Script] = []
        for number, file in enumerate(self._files(self.folder, _FILE), start=1):
            if not file.name.startswith(f"{number:04d}_"):
                raise ValueError(f"{self.package}/{self.folder}/{file.name}: number {number:04d} was expected")
            scripts.append(_script(file, scripts[-1].revision if scripts else None))
        return RevisionMap(lambda: scripts)

    def ahead(self, current: str | None) -> list[Script]:
        """The revisions after `current` (None: all), in the order in which they run."""
        path = self.revisions().iterate_revisions("head", current or "base") if self.revisions().heads else ()
        return [script for script in path if isinstance(script, Script)][::-1]

    def script(self, current: str | None) -> str:
        """The SQL that brings a database from `current` to the last revision, the version table's rows included.

        Alembic writes it as for its offline mode, so that the driver that every other process uses can run it, too.
        """
        revisions = self.revisions()
        written = io.StringIO()

        def steps(_: tuple[str, ...], __: MigrationContext) -> Iterable[RevisionStep]:
            return [MigrationStep.upgrade_from_script(revisions, script) for script in self.ahead(current)]

        context = MigrationContext.configure(
            dialect_name="postgresql",
            opts={
                "as_sql": True,
                "output_buffer": written,
                "starting_rev": current,
                "version_table": self.version_table,
                "version_table_schema": self.schema,
                "fn": steps,
            },
        )
        context.run_migrations(write=context.impl.static_output)
        for view in self._files(self.views, _VIEW) if self.views else ():
            written.write(view.read_text(encoding="utf-8"))
        return written.getvalue()

    def _files(self, path: str, names: re.Pattern[str]) -> list[Traversable]:
        folder = files(self.package).joinpath(*path.split("/"))
        found = [file for file in folder.iterdir() if names.fullmatch(file.name)] if folder.is_dir() else []
        return sorted(found, key=lambda file: file.name)


def _script(file: Traversable, parent: str | None) -> Script:
    name = file.name.removesuffix(".sql")

    def upgrade(*, write: Callable[[str], None]) -> None:
        write(file.read_text(encoding="utf-8"))

    module = ModuleType(name, file.name)
    module.__dict__.update(revision=name, down_revision=parent, upgrade=upgrade, downgrade=None)
    return Script(module, name, file.name)


HISTORIES: Final = (
    History("ledger", "agents", "sql/migrations", "ledger", "migrations"),
    History("projections", "projections", "sql/migrations", "public", "projection_migrations", views="sql/views"),
)
