"""What speed buys in search: more trials in the same hours, so more variants or more seeds."""

from __future__ import annotations

import polars as pl

from studylib.analysis import NoiseFloor
from studylib.findings._finding import Finding
from studylib.words import Words


class SearchGain(Finding):
    """Trials an hour computed the plainest and the fastest way, and the effects (bits per byte) that 4 of 5 studies would find
    with the seeds of this one and with ``times`` as many."""

    name = "search-gain"
    words = Words(
        en="""On this machine the fast engine runs {{ times | fixed(1) }} times as many trials in the same hours as the plainest one
            ({{ fast | num }} against {{ plain | num }} an hour of the timed model): as many more variants, or {{ seeds_fast }} seeds instead
            of {{ seeds }}, which lowers the detectable effect from {{ detectable | fixed }} to {{ detectable_fast | fixed }} bits per byte.""",
        ja="""この計算機では、同じ時間に最も素朴な計算の {{ times | fixed(1) }} 倍の試行ができます(計測モデルで 1 時間
            {{ ' ' }}{{ plain | num }} → {{ fast | num }} 試行)。その分だけ案を増やすか、シードを {{ seeds }} から
            {{ ' ' }}{{ seeds_fast }} に増やして検出可能差を {{ detectable | fixed }} から {{ detectable_fast | fixed }} bits/byte に下げられます。""",
    )

    times: float
    plain: float
    fast: float
    seeds: int
    seeds_fast: int
    detectable: float
    detectable_fast: float

    @classmethod
    def of(cls, steps: pl.DataFrame, tokens: int, noise: NoiseFloor) -> SearchGain:
        """``steps``: as of `Waterfall`; ``tokens``: of one trial."""
        plain, fast = steps["tokens_per_s"][0], steps["tokens_per_s"].max()
        seeds = int(noise.seeds)
        more = max(seeds, int(seeds * fast / plain))
        return cls(
            times=fast / plain, plain=3600 * plain / tokens, fast=3600 * fast / tokens, seeds=seeds, seeds_fast=more,
            detectable=noise.mde, detectable_fast=noise.mde_with(more),
        )  # fmt: skip
