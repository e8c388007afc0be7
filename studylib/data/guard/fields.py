"""What of a benchmark's file is to be known again: sentences, passages, and rows of choices."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studylib.errors import invalid

# Why a text is known; kept as these numbers in fingerprint files.
KINDS = ("sentence", "passage", "row", "instruction")
# A shorter sentence is nobody's: it is told only by the row it stands in.
SHORTEST = 8

_SENTENCE_ENDS = tuple("。．！？!?")
_SENTENCE_FIELDS = frozenset(
    [
        "question",
        "sentence",
        "sentence1",
        "sentence2",
        "premise",
        "hypothesis",
        "instruction",
        "input",
        "prompt",
        "query",
    ]
)
_PASSAGE_FIELDS = frozenset(["context", "passage", "paragraph", "document", "article", "text"])
_ANSWER_FIELDS = frozenset(["answers", "answer", "label", "output", "title", "id", "q_id"])
_PASSAGE_CHARACTERS = 24  # of a string in a field of no telling name, from where it counts without a mark at its end
_CHOICE = re.compile(r"(?:choice|option|candidate|選択肢)[_ ]?\w?", re.IGNORECASE)
_CHOICES_ALONE = 12  # characters from which the choices tell a row without its question
_TITLE_MARK = "[SEP]"  # JSQuAD's passages open with a title and this


@dataclass(frozen=True)
class Field:
    """A text to be known again; ``kind`` is one of `KINDS`. The parts of a row are in lines."""

    kind: str
    text: str


def fields(file: Path, *, instructions: bool = False) -> Iterator[Field]:
    """The fields of a file: parquet, JSON, JSON lines, CSV, TSV or plain text (a sentence a line); .gz too.

    Raises
    ------
    StudyError
        The file cannot be read.
    """
    for record in _records(file):
        if instructions:
            yield from (Field("instruction", text) for _, text in _strings("", record))
        else:
            yield from record_fields(record)


def record_fields(record: Any) -> Iterator[Field]:
    """Sentences, passages and rows of a record, however deep."""
    if isinstance(record, str):
        yield from _text_field("", record)
    for mapping in _mappings(record):
        yield from _row(mapping)
    if isinstance(record, Mapping):
        for key, text in _strings("", record):
            yield from _text_field(key, text)


def _text_field(key: str, text: str) -> Iterator[Field]:
    text = text.rsplit(_TITLE_MARK, 1)[-1].strip()
    if len(text) < SHORTEST or key in _ANSWER_FIELDS or _CHOICE.fullmatch(key):
        return
    if key in _SENTENCE_FIELDS:
        yield Field("sentence", text)
    elif key in _PASSAGE_FIELDS or len(text) >= _PASSAGE_CHARACTERS or text.endswith(_SENTENCE_ENDS):
        long = any(mark in text[:-1] for mark in "。\n")
        yield Field("passage" if long else "sentence", text)


def _row(record: Mapping[str, Any]) -> Iterator[Field]:
    """The choices of a multiple-choice record as one text; a question that is too short, together with its answer."""
    choices = _choices(record)
    if len(choices) < 2:
        return
    question = next((record[key] for key in ("question", "query", "prompt") if isinstance(record.get(key), str)), "")
    if len(choices) > 2:
        yield Field("row", "\n".join(choices))
    short = len(question) < SHORTEST if len(choices) == 2 else sum(map(len, choices)) < _CHOICES_ALONE
    if short:  # two choices, such as yes and no, are those of many questions
        yield Field("row", "\n".join([question, *choices]))
    answer = next((record[key] for key in ("label", "answer_index", "answer") if key in record), None)
    if str(answer).isdecimal() and int(answer) < len(choices) and len(question) < SHORTEST:
        yield Field("row", f"{question}\n{choices[int(answer)]}")


def _choices(record: Mapping[str, Any]) -> list[str]:
    listed = next((record[key] for key in ("choices", "options") if isinstance(record.get(key), list)), None)
    found = listed or [value for key, value in record.items() if _CHOICE.fullmatch(str(key))]
    return [one for one in found if isinstance(one, str)]


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _mappings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)


def _strings(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """(field, string) of every string in a record that is no answer, however deep."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for inner_key, inner in value.items():
            if str(inner_key) not in _ANSWER_FIELDS:
                yield from _strings(str(inner_key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(key, inner)


def _records(file: Path) -> Iterator[Any]:
    suffixes = [one.lower() for one in file.suffixes if one.lower() != ".gz"]
    if suffixes[-1:] == [".parquet"]:
        yield from _parquet(file)
        return
    content = _content(file)
    if suffixes[-1:] in ([".csv"], [".tsv"]):
        yield from csv.DictReader(io.StringIO(content), delimiter="\t" if suffixes[-1] == ".tsv" else ",")
        return
    records = _json(content)
    yield from content.splitlines() if records is None else records


def _content(file: Path) -> str:
    try:
        raw = file.read_bytes()
        return (gzip.decompress(raw) if file.suffix.lower() == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise invalid("fingerprints", str(file), f"cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        raise invalid("fingerprints", str(file), f"is not UTF-8 at byte {error.start}") from None


def _json(content: str) -> list[Any] | None:
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(content)
        return whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError:
        pass  # not one value: perhaps one a line
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except json.JSONDecodeError:
        return None


def _parquet(file: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches():
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise invalid("fingerprints", str(file), f"is not a readable parquet file: {error}") from None
