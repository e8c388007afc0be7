"""Records of one JSON array, as data sets on GitHub lie in files, read a piece at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studylib.errors import StudyError, invalid

_AWAITED_BEHIND = {"[": "{]", ",": "{", "]": ""}
_SPACE = re.compile(r"[ \t\r\n]*")


def array_records(blocks: Iterator[str], file: Path, longest: int, *, whole: bool = True) -> Iterator[dict[str, Any]]:
    """The records of an array whose text comes in ``blocks``; unless ``whole``, up to the last that these hold.

    Raises
    ------
    StudyError
        It is no array of records, or one of them has more than ``longest`` characters.
    """
    decoder, text, place, number, awaited = json.JSONDecoder(), "", 0, 1, "["
    why = "the array has no end"
    for block in blocks:
        text, place = text[place:] + block, 0
        while (place := _SPACE.match(text, place).end()) < len(text):
            mark = text[place]
            if mark in awaited and mark in _AWAITED_BEHIND:
                awaited, place = _AWAITED_BEHIND[mark], place + 1
                continue
            if "{" not in awaited:
                raise _wrong(file, number, f"{mark!r} stands where {awaited or 'the end'} is to be")
            try:
                record, place = decoder.raw_decode(text, place)
            except (json.JSONDecodeError, RecursionError) as error:
                why = error.msg if isinstance(error, json.JSONDecodeError) else "too deeply nested"
                if len(text) - place > longest:
                    raise _wrong(file, number, f"longer than {longest} characters, or {why}") from None
                break  # the rest of it is in the next block
            if not isinstance(record, dict):
                raise invalid("path", str(file), f"record {number} is not a JSON record but {type(record).__name__}")
            yield record
            number, awaited = number + 1, ",]"
    if awaited and whole:
        raise _wrong(file, number, why)


def _wrong(file: Path, number: int, why: str) -> StudyError:
    return invalid("path", str(file), f"record {number} is not a JSON record: {why}")
