"""Milliseconds of a call on a device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch


def milliseconds(call: Callable[[], Any], device: str, *, warm_up: int = 3, repeats: int = 20) -> float:
    """The median of ``repeats`` calls; on a GPU between events, so that the host does not count."""
    for _ in range(warm_up):
        call()
    if device != "cuda":
        return statistics.median(_on_host(call) for _ in range(repeats))
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for began, ended in events:
        began.record()
        call()
        ended.record()
    torch.cuda.synchronize()
    return statistics.median(began.elapsed_time(ended) for began, ended in events)


def _on_host(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)
