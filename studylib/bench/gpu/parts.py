"""The parts of ``study bench gpu``: what each is for, how long it may take, and what it is told."""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

Record = dict[str, Any]
_LINES, _CHARACTERS = 12, 2000


@dataclass(frozen=True)
class Setting:
    """Where a part computes. ``small`` takes tiny sizes, at which every part also runs on a CPU: for tests, figures mean nothing.

    ``known``: what an earlier run of the part found; it may leave out what is right there.
    """

    device: str
    work: Path
    small: bool = False
    known: tuple[Record, ...] = ()

    def has(self, name: str) -> bool:
        return any(record["name"] == name and record.get("ok") is not False for record in self.known)


@dataclass(frozen=True)
class Part:
    """``alone``: it measures speed, so nothing else runs beside it.

    ``seconds`` is its limit; where less is left for all, its share of that is in this proportion.
    """

    about: str
    seconds: float
    alone: bool = True


# In order of importance; a module of this folder each, with records(setting).
PARTS = {
    "card": Part("the card, its driver, its matrix peak and its memory's bandwidth", 90),
    "suite": Part("the tests that need a GPU", 400, alone=False),
    "engine": Part("training on the card against the CPU; NCCL, torchrun, resuming, compiling", 240, alone=False),
    "smoke": Part("idea 1 at scale smoke by the ordinary road", 300, alone=False),
    "kernels": Part("every attention back-end and pattern, fla, grouped experts, against the CPU", 240),
    "speed": Part("tokens/s and share of the peak beside compiled transformers", 300),
    "several": Part("trials per hour with 1, 2, 4 and 8 at a time on the card", 180),
}


def records_of(name: str, setting: Setting) -> Iterator[Record]:
    """What a part finds, as it finds it. A record has a ``name``, and ``ok`` if it can be wrong."""
    yield from import_module(f"studylib.bench.gpu.{name}").records(setting)


def attempt(name: str, measure: Callable[[], Record]) -> Record:
    """A record of what ``measure`` returns or, since one failure must not hide the other figures, of how it failed."""
    try:
        return {"name": name} | {key: plain(value) for key, value in measure().items()}
    except Exception:
        return {"name": name, "ok": False, "error": last_lines(traceback.format_exc())}
    finally:
        _free_memory()


def plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: those become text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def last_lines(text: str) -> str:
    """The end of a log, where the reason usually is."""
    return "\n".join(text.strip().splitlines()[-_LINES:])[-_CHARACTERS:]


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
