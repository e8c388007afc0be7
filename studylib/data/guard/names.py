"""The first look: names. Anything that calls itself JGLUE or one of its tasks is refused before it is opened."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from studylib.errors import StudyError

# The benchmark and its six tasks. A separator may stand where people write one ("marc-ja", "J_NLI", "JCommonsense QA").
_TASKS = {
    "JGLUE": r"j@glue",
    "JCommonsenseQA": r"j@common@sense@qa|j@csqa|j@cqa(?![a-z])",
    "JNLI": r"j@nli(?![a-z])",
    "JSTS": r"j@sts(?![a-z])",
    "JSQuAD": r"j@squad",
    "MARC-ja": r"marc@ja(?![a-z])",
    "JCoLA": r"j@cola(?![a-z])",
    # Fine-tuning rows made from the training splits of JGLUE, and the tool that makes them.
    "jaster": r"(?<![a-z])jaster(?![a-z])",
    "llm-jp-eval": r"llm@jp@eval(?![a-z])",
}
_PATTERN = re.compile("|".join(f"(?P<t{i}>{p.replace('@', '[^a-z0-9/]*')})" for i, p in enumerate(_TASKS.values())))

# Collections that mix rows made from JGLUE into others without marking them; as folders they can be told apart.
_MIXED_COLLECTIONS = re.compile(r"llm[\W_]*japanese[\W_]*dataset(?![\W_]*vanilla)")


def benchmark_in(name: str) -> str | None:
    """The JGLUE task that ``name`` (a path, dataset, column or option value) speaks of, or None."""
    plain = unicodedata.normalize("NFKC", unquote(name)).casefold()
    plain = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    found = _PATTERN.search(plain)
    return None if found is None else list(_TASKS)[int(found.lastgroup[1:])]


def mixed_collection(dataset: str) -> bool:
    """Whether a hub dataset holds JGLUE rows among others, with nothing to tell them apart."""
    return _MIXED_COLLECTIONS.search(unicodedata.normalize("NFKC", unquote(dataset)).casefold()) is not None


def forbidden(what: str, name: Any, task: str) -> StudyError:
    return StudyError(
        f"{what}: {str(name)!r} is refused: it names {task}, and JGLUE must never be training data "
        "(use data.evaluation_only to keep its text out, or train on another corpus)"
    )


def check_names(what: str, values: Any) -> None:
    """Refuse any string in ``values`` (nested mappings and sequences too, keys as well) that names a JGLUE task."""
    for name in _strings(values):
        task = benchmark_in(name)
        if task is not None:
            raise forbidden(what, name, task)


def check_path(what: str, path: Path) -> None:
    """Refuse a path whose own name, or whose target behind symbolic links, names a JGLUE task."""
    check_names(what, [str(path), str(path.resolve())])


def is_benchmark_path(path: Path, root: Path) -> bool:
    """Whether a file found below ``root`` is JGLUE's by its name there, or by where a link leads."""
    below = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return benchmark_in(below) is not None or benchmark_in(str(path.resolve())) is not None


def _strings(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, Path):
        yield str(values)
    elif isinstance(values, dict):
        yield from _strings(list(values))
        yield from _strings(list(values.values()))
    elif isinstance(values, Iterable) and not isinstance(values, bytes):
        for value in values:
            yield from _strings(value)
