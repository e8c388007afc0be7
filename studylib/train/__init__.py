"""The training room: ``train(spec, out)`` or ``python -m studylib.train SPEC.json --out DIR``."""

from __future__ import annotations

from typing import Any

__all__ = ["Diverged", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from studylib.train import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module 'studylib.train' has no attribute {name!r}")
