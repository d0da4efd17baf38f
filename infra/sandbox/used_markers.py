"""Names that ordered a fault: each does so once, also over restarts."""

import sqlite3


def use_marker(connection: sqlite3.Connection, name: str) -> bool:
    """True the first time. The books' schema has a table `used_marker` of one column."""
    return connection.execute("INSERT OR IGNORE INTO used_marker VALUES (?)", (name,)).rowcount == 1
