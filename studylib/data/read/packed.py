"""Plain and compressed byte streams, by suffix."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from studylib.errors import invalid

_CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


@contextlib.contextmanager
def open_bytes(file: Path) -> Iterator[BinaryIO]:
    """Open ``file``, unpacking .gz, .zst and .bz2 on the way.

    Raises
    ------
    StudyError
        The file cannot be opened, or is damaged (also when found while reading).
    """
    codec = _CODECS.get(file.suffix.lower())
    try:
        # compression=None is spelt out: the default would guess from the name.
        with open(file, "rb") as raw:
            if codec is None:
                yield raw
            else:
                with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec) as stream:
                    yield _Buffered(stream)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, pa.ArrowException):
            raise invalid("path", str(file), f"cannot be read: {error.strerror or error}") from None
        raise invalid("path", str(file), f"is damaged: {error}") from None


class _Buffered:
    """``read`` and ``readline`` over an arrow stream, which has no usable ``readline`` of its own."""

    _BLOCK = 1 << 20

    def __init__(self, stream: pa.NativeFile):
        self._stream = stream
        self._buffer = b""

    def read(self, size: int = -1) -> bytes:
        blocks = [self._buffer]
        have = len(self._buffer)
        while size < 0 or have < size:
            block = self._stream.read(self._BLOCK)
            if not block:
                break
            blocks.append(block)
            have += len(block)
        content = b"".join(blocks)
        if size < 0:
            self._buffer = b""
            return content
        self._buffer = content[size:]
        return content[:size]

    def readline(self, limit: int = -1) -> bytes:
        while True:
            end = self._buffer.find(b"\n") + 1
            if not end and 0 <= limit <= len(self._buffer):
                end = limit
            if not end:
                block = self._stream.read(self._BLOCK)
                if block:
                    self._buffer += block
                    continue
                end = len(self._buffer)
            line, self._buffer = self._buffer[:end], self._buffer[end:]
            return line
