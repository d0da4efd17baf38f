"""Readiness of a process that serves no HTTP: a file that is there while it is ready, for a probe such as `test -f`."""

import logging
from pathlib import Path

from schemas.errors import SettingsError

log = logging.getLogger(__name__)


class ReadyFile:
    """The file of one process; without a path nothing is written.

    While the process is well the file is touched every second, so that a probe can also tell a suspended process by
    the file's age.

    Raises:
        SettingsError: it cannot be written there.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is None:
            return
        try:
            path.touch()
            path.unlink()  # also the one that a killed process left behind
        except OSError as bad:
            raise SettingsError(f"--ready-file: {path} cannot be written ({bad.strerror}); name another") from bad

    def say(self, *, ready: bool) -> None:
        """Write or remove the file. A disk that fails is no reason to end the process: its probe will tell."""
        if self._path is None:
            return
        try:
            if ready:
                self._path.touch()
            else:
                self._path.unlink(missing_ok=True)
        except OSError as bad:
            log.warning("ready file not written", extra={"path": str(self._path), "why": bad.strerror})
