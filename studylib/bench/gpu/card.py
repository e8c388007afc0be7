"""The card itself: what it is called, and what it reaches in plain operations."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

import torch

from studylib.bench.gpu.clock import milliseconds
from studylib.bench.gpu.parts import Record, Setting, attempt
from studylib.bench.training import matmul_peak


def records(setting: Setting) -> Iterator[Record]:
    yield {
        "name": "software",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
    if setting.device == "cuda":
        yield attempt("device", _device)
    for dtype in (torch.bfloat16, torch.float32):
        yield attempt(f"matrix product, {dtype}", partial(_peak, setting, dtype))
    yield attempt("copy in memory", partial(_bandwidth, setting))


def _device() -> Record:
    properties = torch.cuda.get_device_properties(0)
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    driver = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    return {
        "card": properties.name, "gib": properties.total_memory / 2**30, "multiprocessors": properties.multi_processor_count,
        "capability": f"{properties.major}.{properties.minor}", "driver": driver,
        "nccl": ".".join(str(part) for part in torch.cuda.nccl.version()),
    }  # fmt: skip


def _peak(setting: Setting, dtype: torch.dtype) -> Record:
    return {"tflops": matmul_peak(setting.device, dtype, size=64 if setting.small else None) / 1e12}


def _bandwidth(setting: Setting) -> Record:
    """GB/s of a copy, bytes read and written counted."""
    source = torch.rand((1 << 10 if setting.small else 1 << 29), device=setting.device)
    target = torch.empty_like(source)
    found = milliseconds(lambda: target.copy_(source), setting.device)
    return {"gb_per_s": 2 * source.numel() * source.element_size() / found / 1e6}
