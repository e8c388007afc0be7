"""``study bench training``: tokens/s and FLOP utilisation against transformers and plain PyTorch, in one run."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Sequence

import torch
from rich.console import Console
from rich.table import Table

from studylib.bench._side_by_side import steps_of
from studylib.bench.contenders import CONTENDERS
from studylib.bench.timing import Rates, in_turn, quietness, ratio
from studylib.errors import invalid
from studylib.machine import describe, versions
from studylib.model.cost import flops_per_token, parameter_count
from studylib.spec import ModelSpec
from studylib.train.compute import has_fast_bf16

SHAPES = {
    "1.8M": ModelSpec(num_layers=4, hidden_size=128, num_heads=4, vocab_size=4096, seq_len=256),
    "10M": ModelSpec(num_layers=8, hidden_size=256, num_heads=4, vocab_size=8192, seq_len=256),
    "350M": ModelSpec(num_layers=24, hidden_size=1024, num_heads=16, vocab_size=32_768, seq_len=2048),
    # What a 10B model's layers reach where nothing is sent: 4 of 40 layers of its width, an eighth of its vocabulary.
    "10B, a tenth": ModelSpec(num_layers=4, hidden_size=4608, num_heads=36, vocab_size=12_544, seq_len=4096),
}
PEAK_SIZES = {"cpu": 2048, "cuda": 8192}


def matmul_peak(device: str, dtype: torch.dtype, *, size: int | None = None) -> float:
    """FLOP/s of a large square matrix product, the best of several rounds."""
    size = size or PEAK_SIZES[device]
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def product() -> None:
        torch.mm(a, b)
        if device == "cuda":
            torch.cuda.synchronize()

    return max(in_turn({"product": product}, work=2.0 * size**3, rounds=5)["product"].rounds)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench training", description=__doc__)
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--shape", action="append", choices=SHAPES, help="default: 1.8M and 10M; on a GPU 350M")
    parser.add_argument(
        "--dtype",
        choices=["auto", "bfloat16", "float32"],
        default="auto",
        help="auto: what the engine would choose here",
    )
    parser.add_argument("--eager", action="store_true", help="no torch.compile for any contender")
    parser.add_argument("--batch", type=int, default=16, help="sequences a step (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="time only these contenders")
    parser.add_argument(
        "--same-allocator",
        action="store_true",
        help="time the others also with freed memory kept, as studylib keeps it",
    )
    parser.add_argument("--gpu", action="store_true", help="refuse to measure a CPU instead")
    asked = parser.parse_args(arguments)
    if asked.gpu and not on_gpu:
        raise invalid("--gpu", True, "was asked for but torch sees no CUDA device")
    device = "cuda" if on_gpu else "cpu"
    torch.set_num_threads(asked.threads or len(os.sched_getaffinity(0)))
    if asked.dtype == "auto":
        asked.dtype = "bfloat16" if has_fast_bf16(device) else "float32"
    peak = matmul_peak(device, getattr(torch, asked.dtype))
    machine = describe()
    console = Console(width=120)
    where = (
        machine["gpus"][0]
        if on_gpu and machine["gpus"]
        else f"{machine['processor']}, {torch.get_num_threads()} threads"
    )
    console.print(f"{where}; torch {versions()['torch']}; {asked.dtype}, {'eager' if asked.eager else 'compiled'}")
    console.print(f"matrix-product peak, {asked.dtype}: {peak / 1e12:.3f} TFLOP/s")
    for name in asked.shape or (["350M"] if on_gpu else ["1.8M", "10M"]):
        console.print(_table(name, asked, device, peak))
    return 0


def installed(wanted: Sequence[str]) -> list[str]:
    """``wanted`` without transformers where the bench extra is not installed."""
    return [one for one in wanted if one != "transformers" or importlib.util.find_spec(one) is not None]


def tokens_per_s(
    model: ModelSpec, wanted: Sequence[str], *, device: str, dtype: str, compiled: bool, batch: int, rounds: int,
    same_allocator: bool = False,
) -> dict[str, Rates]:  # fmt: skip
    """Of each contender of ``wanted``, side by side; transformers only where it is installed."""
    wanted = installed(wanted)
    contenders = {one: (one, one == "studylib" and device == "cpu") for one in wanted}
    if same_allocator and device == "cpu":
        contenders |= {f"{one}, memory kept": (one, True) for one in wanted if one != "studylib"}
    with steps_of(contenders, model, dtype, compiled, batch=batch) as steps:
        return in_turn(steps, work=batch * model.seq_len, rounds=rounds)


def _table(name: str, asked: argparse.Namespace, device: str, peak: float) -> Table:
    model = SHAPES[name]
    rates = tokens_per_s(
        model, [one for one in CONTENDERS if not asked.only or one in asked.only], device=device, dtype=asked.dtype,
        compiled=not asked.eager, batch=asked.batch, rounds=asked.rounds, same_allocator=asked.same_allocator,
    )  # fmt: skip
    table = Table(
        title=f"{name}: {parameter_count(model).total:,} parameters, batch {asked.batch} x {model.seq_len}",
        caption=quietness(rates.values()),
    )
    for column in ("", "tokens/s", "least - most", "of the peak", "studylib against it"):
        table.add_column(column, justify="left" if not column else "right")
    for contender, rate in rates.items():
        against = ""
        if contender != "studylib" and "studylib" in rates:
            middle, low, high = ratio(rates["studylib"], rate)
            against = f"{middle:.2f}x ({low:.2f} - {high:.2f})"
        share = rate.median * flops_per_token(model) / peak
        least, most = rate.spread
        table.add_row(contender, f"{rate.median:,.0f}", f"{least:,.0f} - {most:,.0f}", f"{100 * share:.1f} %", against)
    return table
