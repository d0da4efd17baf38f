"""The SQL of an upgrade, as Alembic writes it for its offline mode; any driver can run it.

Apart from the histories, for loading Alembic takes longer than all else at a start that finds nothing to do.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from importlib.resources.abc import Traversable
from types import ModuleType

from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script
from alembic.script.revision import RevisionMap


def upgrade(files: Sequence[Traversable], current: str | None, *, schema: str, version_table: str) -> str:
    """What brings a database from the revision `current` to the last one; each file's parent is the one before it."""
    scripts: list[Script] = []
    for file in files:
        scripts.append(_script(file, scripts[-1].revision if scripts else None))
    revisions = RevisionMap(lambda: scripts)
    path = revisions.iterate_revisions("head", current or "base")
    ahead = [script for script in path if isinstance(script, Script)][::-1]

    def steps(_: tuple[str, ...], __: MigrationContext) -> Iterable[RevisionStep]:
        return [MigrationStep.upgrade_from_script(revisions, script) for script in ahead]

    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={
            "as_sql": True,
            "output_buffer": written,
            "starting_rev": current,
            "version_table": version_table,
            "version_table_schema": schema,
            "fn": steps,
        },
    )
    context.run_migrations(write=context.impl.static_output)
    return written.getvalue()


def _script(file: Traversable, parent: str | None) -> Script:
    name = file.name.removesuffix(".sql")

    def run(*, write: Callable[[str], None]) -> None:
        write(file.read_text(encoding="utf-8"))

    module = ModuleType(name, file.name)
    module.__dict__.update(revision=name, down_revision=parent, upgrade=run, downgrade=None)
    return Script(module, name, file.name)
