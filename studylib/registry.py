"""Choices by name, one small file (or folder) each.

A registry is a folder: ``studylib/model/activation/swiglu.py`` *is* the choice ``swiglu`` of the
registry ``activation``. The names are known without importing anything (so a parameter file can be
validated without torch), and adding a choice touches no other file. A choice that needs several files is a
folder with an ``__init__.py`` (``studylib/ideas/tokenizer/``). The file, or that ``__init__.py``, exports exactly
one name in ``__all__``; that object is what looking the choice up returns.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studylib.errors import invalid

_PACKAGE_ROOT = Path(__file__).parent


class Registry(Mapping[str, Any]):
    """The choices of one kind.

    Parameters
    ----------
    kind
        What is chosen, as a user would say it ("activation"); error messages use it.
    package
        Dotted path of the folder that holds one file or folder per choice.
    """

    def __init__(self, kind: str, package: str):
        self.kind = kind
        self.package = package
        self._loaded: dict[str, Any] = {}  # planning looks choices up thousands of times
        self._folder = _PACKAGE_ROOT.joinpath(*package.split(".")[1:])

    def __iter__(self) -> Iterator[str]:
        return iter(_names(self._folder, self._folder.stat().st_mtime_ns))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in list(self)

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module = importlib.import_module(f"{self.package}.{self.check(name)}")
            (public,) = module.__all__
            self._loaded[name] = getattr(module, public)
        return self._loaded[name]

    def check(self, name: str, field: str | None = None) -> str:
        """Return ``name`` if it is a known choice, else raise an error that lists the known ones."""
        if name not in self:
            raise invalid(field or self.kind, name, f"is not a known {self.kind}", choices=self)
        return name


@functools.lru_cache
def _names(folder: Path, changed: int) -> tuple[str, ...]:
    """The choices in a folder; read again when the folder has changed."""
    names = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    return tuple(sorted(name for name in names if not name.startswith("_")))


ACTIVATIONS = Registry("activation", "studylib.model.activation")
NORMS = Registry("norm", "studylib.model.norm")
POSITIONS = Registry("position", "studylib.model.position")
RESIDUALS = Registry("residual", "studylib.model.residual")
MIXERS = Registry("mixer", "studylib.model.mixer")
INITS = Registry("init", "studylib.model.init")
ATTENTION_PATTERNS = Registry("attention pattern", "studylib.model.pattern")
ATTENTION_BACKENDS = Registry("attention back-end", "studylib.model.attend")
CROSS_ENTROPIES = Registry("cross-entropy", "studylib.model.cross_entropy")
OPTIMIZERS = Registry("optimizer", "studylib.train.optimizer")
SCHEDULES = Registry("schedule", "studylib.train.schedule")
SOURCES = Registry("source", "studylib.data.source")
PROBES = Registry("probe", "studylib.train.probe")
SAMPLERS = Registry("sampler", "studylib.search.sampler")
OBJECTIVES = Registry("objective", "studylib.data.objective")
STEPS = Registry("kind of step", "studylib.steps")
LAUNCHERS = Registry("launcher", "studylib.trials.launcher")
IDEAS = Registry("idea", "studylib.ideas")
