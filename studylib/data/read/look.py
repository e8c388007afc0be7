"""A look at files where an answer is wanted at once: the small ones whole, of large ones the start, the middle and the end."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.read import Columns, Window, reader_of
from studylib.data.read.decode import UTF8
from studylib.data.read.packed import PACKED, open_bytes

WINDOW = 1 << 18  # bytes
_GROWS = 4  # times, of text when it is unpacked, as a rule


def look(files: Sequence[Path], columns: Columns, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
    """Documents of ``files`` within ``allowance``, and a line about each file that they are not all of."""
    whole, parts, left_out = [], [], []
    for file in files:
        size = file.stat().st_size
        packed = file.suffix.lower() in (*PACKED, ".parquet")
        if allowance.take(size * (_GROWS if packed else 1)):
            whole.append(file)
        elif allowance.take_part():
            parts.append(file)
        else:
            left_out.append(file)
    unread = [f"{file}, but for a part of its {file.stat().st_size / 1e6:,.0f} MB" for file in parts]
    if len(left_out) == 1:
        unread.append(f"{left_out[0]} ({left_out[0].stat().st_size / 1e6:,.0f} MB)")
    elif left_out:
        size = sum(file.stat().st_size for file in left_out) / 1e6
        unread.append(f"{len(left_out)} more files ({size:,.0f} MB), {left_out[0]} and on")
    return _documents(files, set(whole), set(parts), columns), unread


def _documents(files: Sequence[Path], whole: set[Path], parts: set[Path], columns: Columns) -> Iterator[Document]:
    for file in files:
        if file in whole:
            yield from reader_of(file).read(file, columns)
        elif file in parts:
            yield from reader_of(file).sample(file, columns)


def windows(file: Path, encoding: str) -> Iterator[Window]:
    """Whole lines from the start, the middle and the end of a file; of a packed one, or one not in UTF-8, from the start."""
    if encoding != UTF8 or file.suffix.lower() in PACKED:
        with open_bytes(file) as stream:
            yield Window(io.BytesIO(_lines(stream.read(WINDOW), False, True)), "")
        return
    with open_bytes(file) as stream:
        end = file.stat().st_size
        for start in (0, (end - WINDOW) // 2, end - WINDOW):
            stream.seek(start)
            content = _lines(stream.read(WINDOW), start > 0, start + WINDOW < end)
            yield Window(io.BytesIO(content), f"from about byte {start} on, " if start else "")


def _lines(content: bytes, cut_in_front: bool, cut_behind: bool) -> bytes:
    if cut_in_front:
        ends = [end for end in (content.find(b"\n"), content.find(b"\r")) if end >= 0]
        content = content[min(ends) + 1 :] if ends else b""
    if cut_behind:
        content = content[: max(content.rfind(b"\n"), content.rfind(b"\r")) + 1]
    return content
