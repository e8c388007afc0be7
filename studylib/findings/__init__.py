"""Findings, one a file: typed facts, the figure that shows them, and the sentences that place them.

``findings.LearningRate`` is the class of ``learning_rate.py``. A new finding is a new file; nothing lists it.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

# What a notebook needs beside the findings.
_BESIDE = dict.fromkeys(("settings_at_target", "as_compared", "along_valley"), "_settings") | {
    "Quantity": "_quantity",
    "ASPECT": "_quantity",
}


def files() -> list[str]:
    """The modules that hold a finding each."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def __getattr__(name: str) -> Any:
    if name in _BESIDE:
        return getattr(import_module(f"{__name__}.{_BESIDE[name]}"), name)
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    if not name[:1].isupper() or module not in files():
        raise AttributeError(f"module {__name__!r} has no finding {name!r}; there are {', '.join(__dir__())}")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return ["".join(part.title() for part in name.split("_")) for name in files()]
