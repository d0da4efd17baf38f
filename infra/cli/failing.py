"""From errors to exit codes. What the hub raises on purpose is told in one sentence, without a traceback."""

import sys
from enum import IntEnum

from schemas.errors import HubError, SettingsError, StoreError


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    SETTINGS = 4


class Failed(HubError):
    """A command found something wrong, or cannot do what it was asked; the message says what to do."""


def exit_code(error: HubError) -> ExitCode:
    match error:
        case SettingsError():
            return ExitCode.SETTINGS
        case StoreError():
            return ExitCode.UNREACHABLE
        case _:
            return ExitCode.FAILED


def root_error(error: BaseException) -> HubError | None:
    """The error to tell, also out of a task group's; `None` for a bug, whose traceback is needed."""
    match error:
        case HubError():
            return error
        case BaseExceptionGroup():
            found = [root_error(inner) for inner in error.exceptions]
            # One unknown error among known ones is a bug all the same.
            return found[0] if all(found) else None
        case _:
            return None


def report(error: HubError) -> int:
    """Tell the error on stderr; returns the exit code."""
    print(f"kolaj: {error}", file=sys.stderr)
    return int(exit_code(error))
