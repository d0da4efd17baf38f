"""When one of iyzico's pages is over, told without a clock of ours."""

import re
from collections.abc import Iterable
from typing import Final

from schemas.ids import created_at
from schemas.payments.open_outcomes import OpenCommand

PAGE_LIFE_S: Final = 30 * 60.0
"""As long the token of a page is good (`tokenExpireTime`)."""
_OVER_MS: Final = 2 * 60 * 60 * 1000
"""After this time, in milliseconds since it was ordered, a page takes no money any more. It is open for half an hour;
the rest is for an order that had to wait before it was sent."""
_MOMENT: Final = re.compile(r"[0-9]{1,15}")


def is_over(system_time: str | None, open_commands: Iterable[OpenCommand], ordered_by: str) -> bool:
    """Whether nobody can pay on the page any more, by iyzico's clock and the moment in the order's id.

    Args:
        system_time: of their answer, in milliseconds since 1970.
        open_commands: what is open of the thing that the page is for.
        ordered_by: the type of the command that orders such a page.
    """
    ordered = next((known for known in open_commands if known.command_type == ordered_by), None)
    if ordered is None:
        return True  # the hub has settled it
    ordered_at = created_at(ordered.command_id)
    if ordered_at is None or system_time is None or not _MOMENT.fullmatch(system_time):
        return False
    return int(system_time) - int(ordered_at.timestamp() * 1000) > _OVER_MS
