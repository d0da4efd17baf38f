"""How much each part does."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts of commands or records, and seconds.

    Attributes:
        rounds: how often bare loop and hub take turns.
        round_s: after this a round ends with what was done.
        bare, naive, hub: commands of one round.
        short, long: keys of the ledger's histories.
        rebuild, rebuild_s: events to build a table from; no more than the projector would write in so many seconds.
        whole_lives: commands whose records the projector folds.
        webhooks_per_s, webhooks_s: calls offered to the gateway, half of them forged, and for how long.
    """

    rounds: int
    round_s: float
    bare: int
    naive: int
    hub: int
    latency_s: float
    short: int
    long: int
    claim_rounds: int
    claim_round_s: float
    whole_lives: int
    rebuild: int
    rebuild_s: float
    replay: int
    replay_rounds: int
    backlog: int
    memory_s: float
    profile: int
    webhooks_per_s: float
    webhooks_s: float


FULL: Final = Sizes(
    rounds=3,
    round_s=12.0,
    bare=16_000,
    naive=4_000,
    hub=8_000,
    latency_s=15.0,
    short=10_000,
    long=1_000_000,
    claim_rounds=5,
    claim_round_s=2.0,
    whole_lives=40_000,
    rebuild=1_000_000,
    rebuild_s=90.0,
    replay=300_000,
    replay_rounds=3,
    backlog=1_000_000,
    memory_s=20.0,
    profile=8_000,
    webhooks_per_s=1_000,
    webhooks_s=15.0,
)

TINY: Final = Sizes(
    rounds=1,
    round_s=15.0,
    bare=400,
    naive=200,
    hub=200,
    latency_s=1.0,
    short=2_000,
    long=4_000,
    claim_rounds=1,
    claim_round_s=0.2,
    whole_lives=500,
    rebuild=1_000,
    rebuild_s=90.0,
    replay=2_000,
    replay_rounds=1,
    backlog=2_000,
    memory_s=0.5,
    profile=300,
    webhooks_per_s=100,
    webhooks_s=1.0,
)
"""Says nothing about speed; shows that each part does what it is for."""
