"""The constants of the cost model, each with where it comes from."""

from __future__ import annotations

import polars as pl

from studylib.frozen import Frozen


class Assumption(Frozen):
    """``calibrated`` ones were fitted to the published runs (`published_runs`), others are as ``source`` has them."""

    name: str
    value: float
    unit: str
    source: str
    calibrated: bool = False


REACHED = Assumption(
    name="share reached", value=0.713, unit="of the speed that follows from the other assumptions", calibrated=True,
    source="median over the published runs whose steps were timed; what is not modelled: waits, launches, slow cards, text that is late",
)  # fmt: skip
WHOLE = Assumption(
    name="share of a whole run", value=0.78, unit="of card-hours that are steps at that speed", calibrated=True,
    source="median over the published runs whose card-hours are known: restarts, evaluations, checkpoints, failures",
)  # fmt: skip
NETWORK = Assumption(
    name="share of a link", value=0.75, unit="of its bandwidth that large collectives reach",
    source="NCCL on 8 A100, 195 of 300 GB/s sent (github.com/li-plus/playground, cuda/nccl.md); on 16 H100, 435 of 450 GB/s in an "
    "all-reduce of 1 GB and 304 of 100 MB (github.com/drmysore/nebius-h100-16gpu-benchmark)",
)  # fmt: skip
MEMORY = Assumption(
    name="share of the memory's bandwidth", value=0.88, unit="of the data sheet's",
    source="measured here: 4,245 of 4,800 GB/s in a copy on one H200 (`study bench gpu`)",
)  # fmt: skip
CAUSAL = Assumption(
    name="scores computed", value=0.5, unit="of the square of scores that the FLOPs count",
    source="a fused causal kernel skips the other half (FlashAttention-2, arXiv 2307.08691, section 3.1)",
)  # fmt: skip
FLASH = Assumption(
    name="attention, forward and backward", value=3.5, unit="of its forward products (the FLOPs count 3)",
    source="the backward pass computes the scores again: 5 products beside 2 (arXiv 2307.08691, section 4.1)",
)  # fmt: skip
PASSES = Assumption(
    name="passes over kept activations", value=4.0, unit="reads and writes of each number kept",
    source="assumed: written once, read once in the backward pass, and its gradient written and read; the rest is fused",
)  # fmt: skip
WEIGHT_TRAFFIC = Assumption(
    name="weights in one micro-batch", value=20.0, unit="bytes moved a weight",
    source="counted: cast from fp32 to bf16 (6), its gradient in bf16 written and read (4), added up in fp32 (8) and read (2)",
)  # fmt: skip

ASSUMPTIONS = (REACHED, WHOLE, NETWORK, MEMORY, CAUSAL, FLASH, PASSES, WEIGHT_TRAFFIC)


def assumptions() -> pl.DataFrame:
    """A row an assumption."""
    return pl.DataFrame([one.model_dump() for one in ASSUMPTIONS])
