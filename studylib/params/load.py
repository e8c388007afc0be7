"""A parameter file read, changed and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from studylib import registry
from studylib.errors import StudyError
from studylib.params.overrides import parse_overrides, with_override
from studylib.params.schema import StudyParams
from studylib.params.texts import Texts
from studylib.params.yaml_file import read_yaml
from studylib.project import params_file
from studylib.spec import validated


def load_params(
    path: Path | str, idea: str | None = None, overrides: Mapping[str, Any] | Iterable[str] = ()
) -> StudyParams:
    """Read and check a parameter file.

    Parameters
    ----------
    path
        A YAML file. ``1e-4`` is a number in it.
    idea
        Whose schema to check it with, and whose values at scale quick hold where the file says nothing; the file's name without
        ``.yaml`` when left out.
    overrides
        ``{"data.tokenizer.vocab_size": 1024}`` or ``["data.tokenizer.vocab_size=1024"]``; the values of the second
        form are read as YAML.

    Raises
    ------
    StudyError
        Names the file (or ``--set``), the field, the value and the valid choices.
    """
    path = Path(path)
    name = idea or path.stem
    return params_from(registry.IDEAS[name].params, path, overrides, base=params_file("quick", name))


def read_with(path: Path, base: Path | None) -> dict[str, Any]:
    """What a parameter file says, and ``base`` where it says nothing."""
    below = base is not None and base != path and base.exists()
    return (read_yaml(base) if below else {}) | read_yaml(path)


def params_from(
    schema: type[StudyParams],
    path: Path,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    *,
    base: Path | None = None,
    texts: Texts | None = None,
) -> StudyParams:
    """`load_params` for a schema at hand.

    ``base`` is the file that holds where ``path`` says nothing; ``texts`` stand in the place of both files' sources, and
    ``overrides`` change what is then there.
    """
    content = read_with(path, base)
    if texts is not None:
        content = texts.put_into(content, path.stem)
    if not isinstance(overrides, Mapping):
        overrides = parse_overrides(overrides)
    if not overrides:
        return validated(schema, content, file=path)
    changed = content
    for key, value in overrides.items():
        changed = with_override(changed, key, value, schema)
    try:
        return validated(schema, changed, file="--set")
    except StudyError:
        validated(schema, content, file=path)  # if the file itself is at fault, say so rather than blame --set
        raise
