"""When to try again what certainly was not performed, and when to give it up. Pure."""

import logging
from typing import Final

from agents.payments.decisions import Refuse
from agents.payments.work import Later, Patience, Unperformed, Work
from schemas.errors import Throttled
from schemas.payments import Reason
from schemas.verdicts import FailureClass

log = logging.getLogger(__name__)

_NO_TRY: Final = frozenset({"breaker_open", "throttled"})
"""Reasons that say nothing about this command: it waited for others."""
_LONGEST_THROTTLED_S: Final = 60.0


def put_off(work: Work, came_to_nothing: Unperformed, patience: Patience) -> Later | Refuse:
    """Later, unless the command was tried for too long or too often."""
    failed, attempt = came_to_nothing.failed, came_to_nothing.attempt
    age_s, tries = work.claim.claimed_age_s, work.delivery.tries
    paused = failed.reason in _NO_TRY
    if age_s >= patience.give_up_after_s or (not paused and tries >= patience.give_up_after_tries):
        detail = f"could not be sent for {age_s:.0f} s ({failed.reason}); nothing was performed"
        return Refuse(Reason.GAVE_UP, FailureClass.TRANSIENT, detail, requested=attempt.amount)
    wait_s = patience.wait_s(age_s)
    if isinstance(failed, Throttled):
        # Its turn comes with the limit, however old it is.
        wait_s = min(max(wait_s, failed.retry_after_s or 0.0), _LONGEST_THROTTLED_S)
    elif paused:
        # Each command is told a moment of its own, so that a provider that comes back meets them one by one.
        wait_s = failed.retry_after_s or max(wait_s, patience.paused_wait_s)
    log.info("not sent, will try again", extra=work.facts(why=failed.reason, after_s=wait_s))
    return Later(wait_s, failed.reason, counts=not paused)
