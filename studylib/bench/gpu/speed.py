"""tokens/s and share of the card's matrix peak, beside compiled transformers, as ``study bench training`` measures them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch

from studylib.bench._side_by_side import steps_of
from studylib.bench.gpu.parts import Record, Setting, attempt
from studylib.bench.timing import in_turn, ratio
from studylib.bench.training import SHAPES, installed, matmul_peak
from studylib.model.cost import flops_per_token, parameter_count
from studylib.spec import ModelSpec

# Sequences a step that fill the card, two contenders in its memory at once.
BATCHES = {"10M": 128, "350M": 8}
_SMALL = ModelSpec(num_layers=1, hidden_size=32, num_heads=2, vocab_size=512, seq_len=32)
_ROUNDS = 5


def records(setting: Setting) -> Iterator[Record]:
    """Each shape first by this engine alone: transformers compiles all layers as one and may not be ready in time."""
    peak = matmul_peak(setting.device, torch.bfloat16, size=64 if setting.small else None)
    yield {"name": "peak", "tflops": peak / 1e12}
    contenders = {name: (name, False) for name in installed(("studylib", "transformers"))}
    for shape, batch in BATCHES.items():
        model = _SMALL if setting.small else SHAPES[shape]
        place = f"{shape}, batch {batch} x {model.seq_len}"
        if setting.has(place):
            continue
        with steps_of(contenders, model, "bfloat16", not setting.small, batch=batch) as steps:
            timed = partial(_timed, model=model, batch=batch, peak=peak)
            yield attempt(f"{place}, alone", partial(timed, {"studylib": steps["studylib"]}))
            yield attempt(place, partial(timed, steps))


def _timed(steps: Mapping[str, Callable[[], None]], *, model: ModelSpec, batch: int, peak: float) -> Record:
    began = time.perf_counter()
    rates = in_turn(steps, work=batch * model.seq_len, rounds=_ROUNDS)
    found: Record = {"seconds": time.perf_counter() - began, "parameters": parameter_count(model).total}
    for name, rate in rates.items():
        found |= {
            f"{name}_tokens_per_s": rate.median, f"{name}_least": rate.spread[0], f"{name}_most": rate.spread[1],
            f"{name}_share_of_peak": rate.median * flops_per_token(model) / peak,
        }  # fmt: skip
    if len(rates) > 1:
        found |= dict(zip(("times_faster", "least_faster", "most_faster"), ratio(*rates.values()), strict=True))
    return found
