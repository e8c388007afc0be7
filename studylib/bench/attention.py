"""``study bench attention``: seconds of attention forwards and backwards, dense and sparse, by every back-end that runs here."""

from __future__ import annotations

import argparse
import os

import torch
from rich.console import Console
from rich.table import Table

from studylib.bench.timing import in_turn, quietness, ratio
from studylib.choices.attention import causal_attention, fastest_backend
from studylib.machine import describe, versions
from studylib.registry import ATTENTION_BACKENDS, ATTENTION_PATTERNS
from studylib.spec import ModelSpec


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench attention", description=__doc__)
    parser.add_argument("--seq-len", type=int, default=4096, help="context (default: %(default)s)")
    parser.add_argument("--window", type=int, default=256, help="of the sparse patterns (default: %(default)s)")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--head-dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--backend", action="append", choices=ATTENTION_BACKENDS, help="more than the fastest to time")
    parser.add_argument("--eager", action="store_true", help="no torch.compile")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: all cores")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(asked.threads or len(os.sched_getaffinity(0)))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    contenders = {}
    for name, pattern in _patterns(asked).items():
        wanted = [fastest_backend(device, asked.seq_len, pattern=pattern), *(asked.backend or [])]
        for backend in dict.fromkeys(wanted):
            if not ATTENTION_BACKENDS[backend]().problem(device, pattern=pattern):
                contenders[f"{name}, {backend}"] = _both_ways(asked, device, pattern, backend)
    tokens = asked.batch * asked.seq_len
    rates = in_turn(contenders, work=tokens, rounds=asked.rounds)
    where = (
        describe()["gpus"][0] if device == "cuda" else f"{describe()['processor']}, {torch.get_num_threads()} threads"
    )
    console = Console(width=120)
    console.print(f"{where}; torch {versions()['torch']}; {asked.dtype}, {'eager' if asked.eager else 'compiled'}")
    shape = f"{asked.batch} x {asked.heads} heads x {asked.seq_len} x {asked.head_dim}, window {asked.window}"
    table = Table(title=f"attention, forwards and backwards: {shape}", caption=quietness(rates.values()))
    for column in ("", "ms", "least - most", "against the fastest dense"):
        table.add_column(column, justify="left" if not column else "right")
    dense = max((rate for name, rate in rates.items() if name.startswith("dense")), key=lambda rate: rate.median)
    for name, rate in rates.items():
        times = [1e3 * tokens / one for one in rate.rounds]
        middle, low, high = ratio(rate, dense)
        faster = "" if rate is dense else f"{middle:.2f}x ({low:.2f} - {high:.2f})"
        table.add_row(name, f"{1e3 * tokens / rate.median:.1f}", f"{min(times):.1f} - {max(times):.1f}", faster)
    console.print(table)
    return 0


def _patterns(asked: argparse.Namespace) -> dict:
    base = {"num_layers": 1, "hidden_size": 64, "num_heads": 1, "vocab_size": 512, "seq_len": asked.seq_len}
    options = {
        "dense": {},
        "sliding_window": {"window": asked.window},
        "dilated": {"window": asked.window, "dilation": 4},
        "strided": {"window": asked.window, "stride": 64},
        "bigbird": {"window": asked.window, "random_blocks": 2, "global_tokens": 64},
    }
    return {
        name: ATTENTION_PATTERNS[name](ModelSpec(**base, attention_pattern=name, **own))
        for name, own in options.items()
    }


def _both_ways(asked: argparse.Namespace, device: str, pattern, backend: str):
    shape = (asked.batch, asked.heads, asked.seq_len, asked.head_dim)
    dtype = getattr(torch, asked.dtype)
    query, key, value = (torch.randn(shape, device=device, dtype=dtype, requires_grad=True) for _ in range(3))
    direction = torch.randn(shape, device=device, dtype=dtype)

    def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return causal_attention(query, key, value, pattern=pattern, backend=backend)

    called = attend if asked.eager else torch.compile(attend, dynamic=False)

    def call() -> None:
        torch.autograd.grad(called(query, key, value), (query, key, value), direction)
        if device == "cuda":
            torch.cuda.synchronize()

    return call
