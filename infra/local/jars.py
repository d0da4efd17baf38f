"""The broker's jars: named and digested in a lock file, downloaded once, verified at every start.

`kafka.lock.json` names each jar on the class path by Maven coordinates and SHA-256. At run time nothing is resolved:
what the cache lacks is downloaded by coordinates, and only a file with the locked digest ever enters the cache.
`python -m infra.local.jars VERSION` resolves the dependencies of that version of Kafka and writes the lock anew.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from jgo.maven import MavenContext

from infra.local.errors import LocalStackError

LOCK_FILE = Path(__file__).with_name("kafka.lock.json")
BROKER = "org.apache.kafka:kafka_2.13"
LOGGING = "org.apache.logging.log4j"
DOWNLOAD_TIMEOUT_S = 120
DOWNLOADS_AT_ONCE = 8


@dataclass(frozen=True)
class Jar:
    """One file on the class path, as the lock file holds it. `sha256` is in lower-case hex."""

    group_id: str
    artifact_id: str
    version: str
    file_name: str
    sha256: str

    @property
    def coordinates(self) -> str:
        return f"{self.group_id}:{self.artifact_id}:{self.version}"


def cache_dir() -> Path:
    """`KOLAJ_CACHE_DIR`, or the user's cache directory; it may be deleted at any time while no stack runs."""
    chosen = os.environ.get("KOLAJ_CACHE_DIR")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_cache_path("kolaj")


def read_lock(lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    return tuple(Jar(**entry) for entry in json.loads(lock_file.read_text(encoding="utf-8"))["jars"])


def class_path(lock_file: Path = LOCK_FILE, cache: Path | None = None) -> str:
    """Every locked jar, downloaded where missing and verified, as one `-cp` argument. Blocks; seconds on first use.

    Raises:
        LocalStackError: A digest differs from the lock, or a jar can be neither found nor downloaded.
    """
    jars = read_lock(lock_file)
    folder = (cache or cache_dir()) / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        missing = [jar for jar in jars if not (folder / jar.file_name).exists()]
        if missing:
            _download(missing, folder)
        for jar in jars:
            _verify(jar, folder / jar.file_name)
    return os.pathsep.join(str(folder / jar.file_name) for jar in jars)


def _verify(jar: Jar, path: Path) -> None:
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != jar.sha256:
        raise LocalStackError(
            f"{path} is not the file that {LOCK_FILE.name} names for {jar.coordinates}: SHA-256 should be {jar.sha256} "
            f"but is {actual}. Nothing was started. Delete the file to have it downloaded again; if it differs again, "
            "do not use it and find out why."
        )


def _download(jars: list[Jar], folder: Path) -> None:
    """Files pass through a folder of their own, so that a torn or wrong download never lies in the cache."""
    staging = Path(tempfile.mkdtemp(prefix="incoming-", dir=folder))
    context = MavenContext(repo_cache=staging, timeout=DOWNLOAD_TIMEOUT_S)

    def fetch(jar: Jar) -> None:
        try:
            path = context.create_dependency(jar.coordinates).artifact.resolve()
        except (OSError, RuntimeError) as error:
            raise LocalStackError(
                f"{jar.coordinates} could not be downloaded ({error}). The broker's jars are needed once; check the "
                f"network, or copy a filled cache to {folder.parent} or to the folder that KOLAJ_CACHE_DIR names."
            ) from error
        _verify(jar, path)
        path.replace(folder / jar.file_name)

    try:
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            list(pool.map(fetch, jars))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Stacks that start side by side share the cache; the kernel frees this lock when its holder dies."""
    with (folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_lock(version: str, lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Resolves Kafka's broker and its run-time dependencies and writes the lock; over the network, in a minute."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), timeout=DOWNLOAD_TIMEOUT_S)
        # The broker stands alone as the root: a second root's managed versions would override the broker's own
        # (seen with jgo 3.2, where the logging bridge brought kafka-clients 3.9 beside a 4.x broker).
        roots, transitive = context.resolver.resolve([context.create_dependency(f"{BROKER}:{version}")])
        artifacts = [dependency.artifact for dependency in (*roots, *transitive)]
        # Kafka logs through slf4j 1.7; its own distribution adds this bridge, the published dependencies do not.
        log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
        artifacts.append(context.create_dependency(f"{LOGGING}:log4j-slf4j-impl:{log4j}").artifact)
        jars = tuple(
            Jar(
                group_id=artifact.groupId,
                artifact_id=artifact.artifactId,
                version=artifact.version,
                file_name=artifact.filename,
                sha256=hashlib.sha256(artifact.resolve().read_bytes()).hexdigest(),
            )
            for artifact in artifacts
        )
    text = json.dumps({"broker": f"{BROKER}:{version}", "jars": [asdict(jar) for jar in jars]}, indent=2)
    lock_file.write_text(text + "\n", encoding="utf-8")
    return jars


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 (the program's name and the version)
        raise SystemExit("usage: python -m infra.local.jars VERSION")
    sys.stdout.write(f"{len(write_lock(sys.argv[1]))} jars locked in {LOCK_FILE}\n")
