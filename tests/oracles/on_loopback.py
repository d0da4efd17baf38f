"""`on_loopback.py FOLDER MODULE ARGUMENTS` runs a module as `python -m` does, which then listens on the loopback alone.

For servers that listen on every interface and cannot be told otherwise. Files that they would write under fixed names
in /tmp go into FOLDER.
"""

import builtins
import os
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

plain_open = builtins.open


class Loopback(socket.socket):
    def __init__(self, family: int = socket.AF_INET, *how: Any, **named: Any) -> None:
        # An address of the one family has four parts, of the other two: the port is the second of both.
        super().__init__(socket.AF_INET if family == socket.AF_INET6 else family, *how, **named)

    def bind(self, address: Any) -> None:
        super().bind(("127.0.0.1", address[1]) if isinstance(address, tuple) else address)


def open_here(file: Any, *how: Any, **named: Any) -> Any:
    fixed = isinstance(file, str) and Path(file).parent == Path("/tmp")  # noqa: S108 - it is what is kept from there
    return plain_open(Path(file).name if fixed else file, *how, **named)


if __name__ == "__main__":
    socket.socket = Loopback  # type: ignore[misc]  # in this process, which is the server's own
    builtins.open = open_here
    os.chdir(sys.argv[1])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
