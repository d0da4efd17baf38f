"""What a caller is told of its rate.

Source: draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from infra.gateway.problems import Problem

_POLICY: Final = '"caller"'


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left to a caller.

    Attributes:
        reset_s: until something more is left.
    """

    within: bool
    quota: int
    window_s: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """What every answer to this caller says."""
        return {
            "RateLimit-Policy": f"{_POLICY};q={self.quota};w={self.window_s}",
            "RateLimit": f"{_POLICY};r={self.remaining};t={self.reset_s}",
        }

    def problem(self) -> Problem:
        """What a caller above its rate is told."""
        detail = f"at most {self.quota} requests in {self.window_s} s; come back when Retry-After is over"
        headers = {"Retry-After": str(self.reset_s)}
        return Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, headers=headers)
