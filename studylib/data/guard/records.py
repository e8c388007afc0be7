"""The second look: the shape of records. A renamed file still has JGLUE's columns, and its identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# Columns that together make a task's record. Taken from the released files of JGLUE 1.1-1.3 and their hub edition.
_SHAPES: dict[str, tuple[frozenset[str], ...]] = {
    "JCommonsenseQA": (frozenset({"choice0", "choice1", "choice2", "choice3", "choice4", "label"}),),
    "JNLI or JSTS": (frozenset({"sentence_pair_id"}), frozenset({"yjcaptions_id"})),
    "MARC-ja": (frozenset({"review_id", "sentence", "label"}),),
    "JCoLA": (
        frozenset({"diacritic", "sentence", "linguistic_phenomenon"}),
        frozenset({"diacritic", "original", "label"}),
    ),
}
# JSQuAD has the columns of every SQuAD; only its identifiers (article, paragraph, question) give it away.
_JSQUAD_ID = re.compile(r"a\d+p\d+q\d+")
# Sets derived from JGLUE number their rows by the task: jnli-0, jcommonsenseqa_train_12.
_ROW_ID = re.compile(
    r"(?:[a-z-]+/)?(?:jcommonsenseqa|jcqa|jnli|jsts|jsquad|jglue|marc-?ja|jcola)(?:[-_./:#][a-z0-9.]+)*[-_./:#]?\d+"
)

# The same, for records that lie as JSON, CSV or a printed dict inside a text. The group after ">" must all be there.
_IN_TEXT: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("JNLI or JSTS", ("yjcaptions_id",)),
    ("JNLI or JSTS", ("sentence_pair_id", "sentence1", "sentence2")),
    ("JCommonsenseQA", ("choice0", "choice1", "choice2", "choice3", "choice4")),
    ("JCoLA", ("diacritic", "linguistic_phenomenon")),
    ("MARC-ja", ("review_id", "sentence", "label", "positive", "negative")),
)
_JSQUAD_ID_IN_TEXT = re.compile(r"""["']a\d+p\d+q\d+["']|(?:^|[,\t])a\d+p\d+q\d+(?=[,\t\r\n])""", re.MULTILINE)
# JSQuAD's contexts open with the article's title, a marker, and the title again.
_JSQUAD_CONTEXT = re.compile(r"""(?:^|["'\n])(?P<title>[^\[\]"'\n]{1,60}) \[SEP\] """)
_MAX_DEPTH = 8
_LONGEST_HEADER = 400


def record_task(record: Mapping[str, Any]) -> str | None:
    """The JGLUE task a row belongs to by its columns (nested ones too) or identifiers, or None."""
    if not record:
        return None
    task = _columns_task(frozenset(record))
    if task is not None:
        return task
    keys: set[str] = set()
    for key, value in _walk(record):
        keys.add(key)
        if isinstance(value, str) and len(value) < 40 and _JSQUAD_ID.fullmatch(value):
            return "JSQuAD"
    return _columns_task(frozenset(keys))


@lru_cache(maxsize=4096)
def _columns_task(columns: frozenset[str]) -> str | None:
    folded = {str(column).casefold().rsplit(".", 1)[-1] for column in columns}
    return next((task for task, shapes in _SHAPES.items() if any(shape <= folded for shape in shapes)), None)


def _walk(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key), inner
            if isinstance(inner, Mapping | list | tuple):
                yield from _walk(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            if isinstance(inner, str):
                yield "", inner
            else:
                yield from _walk(inner, depth + 1)


def row_id_task(record: Mapping[str, Any]) -> str | None:
    """The identifier of a row derived from JGLUE (such as ``jnli-0``) among a row's values, or None."""
    for _, value in _walk(record):
        if isinstance(value, str) and 4 < len(value) < 40 and value.isascii() and _ROW_ID.fullmatch(value.casefold()):
            return value
    return None


@dataclass(frozen=True)
class Table:
    """A table of which the rows come as documents of their own.

    Attributes
    ----------
    task
        What its header says it holds.
    separator
        Between its cells.
    columns
        How many cells a row has.
    """

    task: str
    separator: str
    columns: int

    def continues(self, text: str) -> bool:
        """Whether a text can be a row of it."""
        return text.count(self.separator) >= self.columns - 1


def table_of(text: str) -> Table | None:
    """The table of JGLUE that a header line begins, or None."""
    if len(text) > _LONGEST_HEADER or "\n" in text.strip():
        return None
    for separator in ("\t", ",", "|", ";"):
        cells = frozenset(cell.strip().strip("\"'").casefold() for cell in text.split(separator))
        task = _columns_task(cells)
        if task is not None:
            return Table(task, separator, text.count(separator) + 1)
    return None


def text_task(text: str) -> str | None:
    """The JGLUE task whose records lie inside ``text`` as JSON, a table or a printed record, or None."""
    for task, needles in _IN_TEXT:
        if all(needle in text for needle in needles):
            return task
    # Plain substring tests come first: they are some fifty times faster than the expressions.
    if "p0q0" in text and _JSQUAD_ID_IN_TEXT.search(text):
        return "JSQuAD"
    if " [SEP] " in text and _JSQUAD_CONTEXT.search(text):
        return "JSQuAD"
    return None
