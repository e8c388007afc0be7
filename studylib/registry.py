"""Choices by name, one file (or folder) each.

A registry is a folder: ``studylib/choices/activation/swiglu.py`` *is* the choice ``swiglu`` of the registry ``activation``. The
names are known without importing anything, and adding a choice touches no other file. A choice that needs several files is a
folder with an ``__init__.py`` (``studylib/ideas/tokenizer/``). The file, or that ``__init__.py``, exports exactly one name in
``__all__``: a class derived from the base class that the registry's folder declares, or an instance of it where choices differ by
their data alone (ideas, registers of miniworld).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import BeforeValidator

from studylib.errors import did_you_mean, invalid
from studylib.frozen import Frozen

if TYPE_CHECKING:
    from studylib.choices.activation import Activation
    from studylib.choices.attend import Backend
    from studylib.choices.cross_entropy import CrossEntropy
    from studylib.choices.init import Parametrisation
    from studylib.choices.mixer import Mixer
    from studylib.choices.norm import Norm
    from studylib.choices.objective import Objective
    from studylib.choices.optimizer import Optimizer
    from studylib.choices.pattern import Pattern
    from studylib.choices.position import Position
    from studylib.choices.residual import Residual
    from studylib.choices.schedule import Schedule
    from studylib.data.miniworld.register import Register
    from studylib.data.source import Source
    from studylib.ideas._idea import Idea
    from studylib.search.sampler import Sampler
    from studylib.train.probe import Probe
    from studylib.trials.launcher import Launcher

_PACKAGE_ROOT = Path(__file__).parent

Kind = TypeVar("Kind")


class Registry(Mapping[str, Kind], Generic[Kind]):
    """The choices of one kind.

    Parameters
    ----------
    kind
        What is chosen, as a user would say it ("activation"); error messages use it.
    package
        Dotted path of the folder that holds one file or folder per choice.
    base
        Name of the base class that the folder's ``__init__.py`` (or a module of that path) declares.
    """

    def __init__(self, kind: str, package: str, base: str):
        self.kind, self.package, self.base = kind, package, base
        self._loaded: dict[str, Kind] = {}  # planning looks choices up thousands of times
        self._folder = _PACKAGE_ROOT.joinpath(*package.split(".")[1:])

    def __iter__(self) -> Iterator[str]:
        return iter(_names(self._folder, self._folder.stat().st_mtime_ns))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or name in list(self)

    def __getitem__(self, name: str) -> Kind:
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


def choice_of(registry: Registry[Any], *also: str) -> Any:
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


ACTIVATIONS: Registry[type[Activation]] = Registry("activation", "studylib.choices.activation", "Activation")
NORMS: Registry[type[Norm]] = Registry("norm", "studylib.choices.norm", "Norm")
POSITIONS: Registry[type[Position]] = Registry("position", "studylib.choices.position", "Position")
RESIDUALS: Registry[type[Residual]] = Registry("residual", "studylib.choices.residual", "Residual")
MIXERS: Registry[type[Mixer]] = Registry("mixer", "studylib.choices.mixer", "Mixer")
INITS: Registry[type[Parametrisation]] = Registry("init", "studylib.choices.init", "Parametrisation")
ATTENTION_PATTERNS: Registry[type[Pattern]] = Registry("attention pattern", "studylib.choices.pattern", "Pattern")
ATTENTION_BACKENDS: Registry[type[Backend]] = Registry("attention back-end", "studylib.choices.attend", "Backend")
CROSS_ENTROPIES: Registry[type[CrossEntropy]] = Registry(
    "cross-entropy", "studylib.choices.cross_entropy", "CrossEntropy"
)
OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer", "studylib.choices.optimizer", "Optimizer")
SCHEDULES: Registry[type[Schedule]] = Registry("schedule", "studylib.choices.schedule", "Schedule")
OBJECTIVES: Registry[type[Objective]] = Registry("objective", "studylib.choices.objective", "Objective")
SOURCES: Registry[type[Source]] = Registry("source", "studylib.data.source", "Source")
REGISTERS: Registry[type[Register]] = Registry("register", "studylib.data.miniworld.register", "Register")
PROBES: Registry[type[Probe]] = Registry("probe", "studylib.train.probe", "Probe")
SAMPLERS: Registry[type[Sampler]] = Registry("sampler", "studylib.search.sampler", "Sampler")
LAUNCHERS: Registry[type[Launcher]] = Registry("launcher", "studylib.trials.launcher", "Launcher")
IDEAS: Registry[Idea] = Registry("idea", "studylib.ideas", "Idea")
