"""Breaking the hub on purpose, and counting afterwards: `kolaj chaos`."""

from infra.chaos.plan import Disturbance, Fault, ProviderFault, counted, plan
from infra.chaos.run import Outcome, Wanted, run_chaos
from infra.chaos.seeds import Passed, code_digest, parse_seeds

__all__ = [
    "Disturbance",
    "Fault",
    "Outcome",
    "Passed",
    "ProviderFault",
    "Wanted",
    "code_digest",
    "counted",
    "parse_seeds",
    "plan",
    "run_chaos",
]
