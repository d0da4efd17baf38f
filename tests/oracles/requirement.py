"""What becomes of tests whose oracle cannot be had: they are skipped with the reason, or fail where it has to be."""

import os
from typing import Final, NoReturn

import pytest

REQUIRED: Final = "KOLAJ_ORACLES"
"""Set to `required`, as continuous integration does, it makes a missing oracle a failure."""


def lacking(what: str) -> NoReturn:
    """Ends the test that asked for the oracle; `what` says what is missing and how to get it."""
    if os.environ.get(REQUIRED) == "required" or os.environ.get("CI"):
        pytest.fail(f"{what} The oracles are required here ({REQUIRED}=required, or CI is set).", pytrace=False)
    pytest.skip(what)
