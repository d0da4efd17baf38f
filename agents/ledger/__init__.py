"""The ledger: why nothing happens twice. Agents reach the schema `ledger` through this package alone.

States of a command: `claimed` (nothing left us: free to try), `sending` (durable, written just before the bytes leave),
`concluded` (the result stands word for word). The key is the fence: whoever takes it raises its epoch, and every later
statement names the epoch, so that a worker that lost the key can store nothing. Leases are judged by the clock of
PostgreSQL; the worker counts its own time on CLOCK_BOOTTIME from before it asked, so that a suspended machine does not
overstay.
"""

from agents.ledger.claims import (
    Ask,
    Claim,
    ClaimStatus,
    Conclusion,
    Parked,
    Parking,
    Passed,
    Sending,
    SentAttempt,
    StoredResult,
    boottime,
)
from agents.ledger.insisting import insist
from agents.ledger.ledger import Ledger, read_routed

__all__ = [
    "Ask",
    "Claim",
    "ClaimStatus",
    "Conclusion",
    "Ledger",
    "Parked",
    "Parking",
    "Passed",
    "Sending",
    "SentAttempt",
    "StoredResult",
    "boottime",
    "insist",
    "read_routed",
]
