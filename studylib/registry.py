"""Choices by name, one file (or folder) each.

A registry is a folder: ``studylib/choices/activation/swiglu.py`` *is* the choice ``swiglu`` of the registry ``activation``. The
names are known without importing anything, and adding a choice touches no other file. A choice that needs several files is a
folder with an ``__init__.py`` (``studylib/ideas/tokenizer/``). The file, or that ``__init__.py``, exports exactly one name in
``__all__``: a class derived from the base class that the registry's folder declares, or an instance of it where choices differ by
their data alone (ideas, registers of miniworld) or need none (kinds of steps).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BeforeValidator

from studylib.errors import did_you_mean, invalid
from studylib.frozen import Frozen

_PACKAGE_ROOT = Path(__file__).parent


class Registry(Mapping[str, Any]):
    """The choices of one kind.

    Parameters
    ----------
    kind
        What is chosen, as a user would say it ("activation"); error messages use it.
    package
        Dotted path of the folder that holds one file or folder per choice.
    base
        Name of the base class that the folder's ``__init__.py`` offers.
    """

    def __init__(self, kind: str, package: str, base: str):
        self.kind, self.package, self.base = kind, package, base
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
            choice, base = getattr(module, public), getattr(importlib.import_module(self.package), self.base)
            if not (isinstance(choice, base) or (isinstance(choice, type) and issubclass(choice, base))):
                raise TypeError(f"{module.__name__} offers {public}, which is no {self.package}.{self.base}")
            self._loaded[name] = choice
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


def choice_of(registry: Registry, *also: str) -> Any:
    """A string field of a specification that must name a choice of ``registry``, or be one of ``also``."""

    def check(value: Any) -> Any:
        if value not in also and value not in registry:
            known = [*also, *registry]
            raise ValueError(
                f"is not a known {registry.kind}; choose from {', '.join(known)}{did_you_mean(value, known)}"
            )
        return value

    return Annotated[str, BeforeValidator(check)]


class Names(Protocol):
    """What a choice needs of the specification that names it; ``studylib.spec.choosing`` has it."""

    def options_of(self, choice: type[Choice]) -> Any: ...


class Choice:
    """What the base classes of the registries share: options, typed and declared beside the choice.

    ``Options`` lists them as a frozen model; the default has none. In a specification they stand beside the choice's name:
    ``{"position": "rope", "rotary_fraction": 0.5}``. A choice is made from the specification that names it.
    """

    Options: ClassVar[type[Frozen]] = Frozen

    def __init__(self, spec: Names):
        self.options: Any = spec.options_of(type(self))


ACTIVATIONS = Registry("activation", "studylib.choices.activation", "Activation")
NORMS = Registry("norm", "studylib.choices.norm", "Norm")
POSITIONS = Registry("position", "studylib.choices.position", "Position")
RESIDUALS = Registry("residual", "studylib.choices.residual", "Residual")
MIXERS = Registry("mixer", "studylib.choices.mixer", "Mixer")
INITS = Registry("init", "studylib.choices.init", "Parametrisation")
ATTENTION_PATTERNS = Registry("attention pattern", "studylib.choices.pattern", "Pattern")
ATTENTION_BACKENDS = Registry("attention back-end", "studylib.choices.attend", "Backend")
CROSS_ENTROPIES = Registry("cross-entropy", "studylib.choices.cross_entropy", "CrossEntropy")
OPTIMIZERS = Registry("optimizer", "studylib.choices.optimizer", "Optimizer")
SCHEDULES = Registry("schedule", "studylib.choices.schedule", "Schedule")
OBJECTIVES = Registry("objective", "studylib.choices.objective", "Objective")
SOURCES = Registry("source", "studylib.data.source", "Source")
CHAT_TEMPLATES = Registry("chat template", "studylib.data.chat.template", "ChatTemplate")
REGISTERS = Registry("register", "studylib.data.miniworld.register", "Register")
CLEANERS = Registry("cleaner", "studylib.data.clean", "Cleaner")
PROBES = Registry("probe", "studylib.train.probe", "Probe")
BENCHMARKS = Registry("benchmark", "studylib.train.benchmark", "Benchmark")
SAMPLERS = Registry("sampler", "studylib.search.sampler", "Sampler")
STEPS = Registry("kind of step", "studylib.steps", "Kind")
LAUNCHERS = Registry("launcher", "studylib.trials.launcher", "Launcher")
LADDERS = Registry("ladder", "studylib.ladders.known", "Ladder")
IDEAS = Registry("idea", "studylib.ideas", "Idea")
