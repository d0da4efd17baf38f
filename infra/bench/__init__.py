from infra.bench.picture import draw
from infra.bench.run import PARTS, SINGLE, Bench, run_bench
from infra.bench.sizes import FULL, TINY, Sizes

__all__ = ["FULL", "PARTS", "SINGLE", "TINY", "Bench", "Sizes", "draw", "run_bench"]
