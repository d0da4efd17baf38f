from pathlib import Path

import pytest

from infra.bench.run import PARTS, SINGLE, Bench, run_parts
from infra.bench.sizes import TINY
from infra.local import LocalStack

# The loops, the ledger and the log; the other parts are measured by `make bench` alone, for their time.
WANTED = {
    "loops": {"bare_per_s", "hub_per_s", "naive_per_s", "hub_over_bare", "hub_over_naive"},
    "claims": {"claims_per_s", "lives_per_s", "cost_1m_over_10k"},
    "webhooks": {"webhooks_accepted_per_s", "webhooks_p99_ms", "webhooks_forged_accepted", "webhooks_accepted_lost"},
    "replay": {"replay_per_s", "replay_over_raw"},
}


@pytest.mark.parametrize("part", sorted(WANTED))
async def test_a_part_finds_its_figures(part: str, stack: LocalStack, tmp_path: Path) -> None:
    bench = Bench(stack, tmp_path, TINY, lambda _: None)
    await run_parts(bench, {part: {**PARTS, **SINGLE}[part]})
    figures = [bench.line[name] for name in WANTED[part]]
    assert all(figure or figure == 0 for figure in figures), bench.line
    assert all(figure >= 0 for figure in figures if not isinstance(figure, dict)), bench.line
