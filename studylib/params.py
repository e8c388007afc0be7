"""Parameters of a notebook: a YAML file, checked by a schema, handed to the notebook, and read back there.

Every idea has its own subclass of `StudyParams`. Each field is a top-level key of ``params/<scale>/<idea>.yaml`` and
a name in the notebook's cell tagged ``parameters``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, field_validator, model_validator

from studylib import registry
from studylib.errors import StudyError, invalid
from studylib.project import project_root
from studylib.spec import Count, DataSpec, Frozen, Real, choice_of, validated


class StudyParams(Frozen):
    """What every idea's parameters have in common."""

    scale: str = Field(default="quick", pattern=r"^[A-Za-z0-9_-]+$", description="smoke, quick, cpu, gpu or cluster")
    out: str = Field(default="", description="study folder; empty: reports/<scale> of the project")
    seeds: tuple[Count, ...] = Field(default=(0, 1, 2), description="whole numbers, or how many, counted from 0")
    data: DataSpec = DataSpec()
    workers: Count = Field(default=0, description="trials at a time; 0: as many as the machine has cores or GPUs")
    launcher: choice_of(registry.LAUNCHERS) = "local"
    launcher_options: dict[str, Any] = Field(default_factory=dict, description="for Slurm: partition, account, ...")
    trial_timeout_s: Annotated[Real, Field(ge=0)] = Field(
        default=0.0, description="seconds a trial may take; 0: no limit"
    )
    retry_failed: bool = Field(default=False, description="run trials again whose failure is recorded")

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds_from_count(cls, value: Any) -> Any:
        # "seeds: 3" is what people write; it means seeds 0, 1 and 2.
        return tuple(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise invalid("seeds", self.seeds, "must be a count of at least 1, or different whole numbers")
        return self

    @property
    def folder(self) -> Path:
        """The study folder; a relative ``out`` counts from the project, wherever the notebook runs."""
        return project_root() / (self.out or f"reports/{self.scale}")

    @property
    def launch(self) -> dict[str, Any]:
        """The keyword arguments of `run_trials` that these parameters settle."""
        return {
            "out": self.folder,
            "workers": self.workers or None,
            "timeout": self.trial_timeout_s or None,
            "launcher": self.launcher,
            "launcher_options": self.launcher_options,
            "retry_failed": self.retry_failed,
        }

    def content(self) -> dict[str, Any]:
        """What determines the notebook's numbers: everything but where and how the trials are run."""
        return self.model_dump(mode="json", exclude=set(OPERATIONAL))

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """The validated parameters, from the names of a notebook's ``parameters`` cell: pass ``globals()``.

        Raises
        ------
        StudyError
            A name is missing or not valid, or papermill was given a parameter that does not exist (papermill
            itself only warns then).
        """
        for cell in namespace.get("In", ()):
            if cell.startswith("# Parameters\n"):  # the cell that papermill adds
                for name, value in assigned_names(cell).items():
                    if name not in cls.model_fields:
                        raise invalid(f"parameter {name!r}", value, "is not known", choices=cls.model_fields, near=name)
        for name in cls.model_fields:
            if name not in namespace:
                raise StudyError(f"{name}: is missing from the notebook's cell tagged 'parameters'")
        return validated(cls, {name: namespace[name] for name in cls.model_fields}, file="parameters")


# Where a study is kept and how it is run; its numbers do not depend on these.
OPERATIONAL = ("out", "workers", "launcher", "launcher_options", "trial_timeout_s", "retry_failed")


def assigned_names(source: str) -> dict[str, Any]:
    """Names that a cell assigns at its top level, with their literal values (the source text where not literal)."""
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    found[target.id] = ast.unparse(node.value)
    return found


def load_params(
    path: Path | str, idea: str | None = None, overrides: Mapping[str, Any] | Iterable[str] = ()
) -> StudyParams:
    """Read and check a parameter file.

    Parameters
    ----------
    path
        A YAML file. ``1e-4`` is a number in it.
    idea
        Whose schema to check it with; the file's name without ``.yaml`` when left out.
    overrides
        ``{"data.tokenizer.vocab_size": 1024}`` or ``["data.tokenizer.vocab_size=1024"]``; the values of the second
        form are read as YAML.

    Raises
    ------
    StudyError
        Names the file (or ``--set``), the field, the value and the valid choices.
    """
    path = Path(path)
    return params_from(registry.IDEAS[idea or path.stem].params, path, overrides)


def params_from(
    schema: type[StudyParams], path: Path, overrides: Mapping[str, Any] | Iterable[str] = ()
) -> StudyParams:
    """`load_params` for a schema at hand."""
    content = read_yaml(path)
    if not isinstance(overrides, Mapping):
        overrides = parse_overrides(overrides)
    if not overrides:
        return validated(schema, content, file=path)
    changed = content
    for key, value in overrides.items():
        changed = _with(changed, key, value, schema)
    try:
        return validated(schema, changed, file="--set")
    except StudyError:
        validated(schema, content, file=path)  # if the file itself is at fault, say so rather than blame --set
        raise


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """``["a.b=1e-4", "seeds=[0, 1]"]`` as a mapping of dotted keys to values."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise StudyError(f"--set: {text!r} is not of the form key=value, such as --set seeds=3")
        try:
            found[key.strip()] = yaml.load(value, _Loader)
        except yaml.YAMLError as error:
            raise StudyError(f"--set {key.strip()}: {value!r} is not valid YAML: {_where(error)}") from None
    return found


def _with(content: dict[str, Any], key: str, value: Any, schema: type[StudyParams]) -> dict[str, Any]:
    """A copy of ``content`` in which the dotted ``key`` has the ``value``."""
    first, *rest = key.split(".")
    if rest and first not in content and first in schema.model_fields:
        default = schema.model_fields[first].get_default(call_default_factory=True)
        content = content | {first: default.model_dump(mode="json") if isinstance(default, Frozen) else default}
    return _placed(content, [first, *rest], value, key)


def _placed(place: Any, keys: list[str], value: Any, whole: str) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(place, list | tuple):
        if not key.isdigit() or int(key) >= len(place):
            raise invalid(f"--set {whole}", key, "is not a position in the list", choices=range(len(place)))
        return [_placed(item, rest, value, whole) if n == int(key) else item for n, item in enumerate(place)]
    if not isinstance(place, dict | None):
        raise invalid(f"--set {whole}", place, f"is one value; it has no {key!r} inside")
    place = place or {}
    return place | {key: _placed(place.get(key), rest, value, whole)}


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d[\d_]*(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; anything else is a one-line StudyError."""
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such parameter file") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: is not valid YAML: {_where(error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise invalid("the top level", content, "must be keys with values, such as 'seeds: 3'", file=path)
    for key in content:
        if not isinstance(key, str):
            raise invalid("key", key, "must be text", file=path)
    return content


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + " ".join(str(getattr(error, "problem", None) or error).split())
