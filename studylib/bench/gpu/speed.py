"""tokens/s and share of the card's matrix peak, beside compiled transformers, as ``study bench training`` measures them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from studylib.bench.gpu.parts import Record, Setting, attempt
from studylib.bench.timing import ratio
from studylib.bench.training import SHAPES, matmul_peak, tokens_per_s
from studylib.model.cost import flops_per_token, parameter_count
from studylib.spec import ModelSpec

# Sequences a step that fill the card, two contenders in its memory at once.
BATCHES = {"10M": 128, "350M": 8}
_SMALL = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=32)
CONTENDERS = ("studylib", "transformers")


def records(setting: Setting) -> Iterator[Record]:
    peak = matmul_peak(setting.device, torch.bfloat16, size=64 if setting.small else None)
    yield {"name": "peak", "tflops": peak / 1e12}
    for shape, batch in BATCHES.items():
        model = _SMALL if setting.small else SHAPES[shape]
        yield attempt(
            f"{shape}, batch {batch} x {model.seq_len}",
            partial(_beside_transformers, model, batch, peak, setting),
        )


def _beside_transformers(model: ModelSpec, batch: int, peak: float, setting: Setting) -> Record:
    rates = tokens_per_s(
        model, CONTENDERS, device=setting.device, dtype="bfloat16", compiled=not setting.small, batch=batch,
        rounds=2 if setting.small else 7,
    )  # fmt: skip
    found: Record = {"parameters": parameter_count(model).total}
    for name, rate in rates.items():
        found |= {
            f"{name}_tokens_per_s": rate.median, f"{name}_least": rate.spread[0], f"{name}_most": rate.spread[1],
            f"{name}_share_of_peak": rate.median * flops_per_token(model) / peak,
        }  # fmt: skip
    if len(rates) > 1:
        found |= dict(zip(("times_faster", "least_faster", "most_faster"), ratio(*rates.values()), strict=True))
    return found
