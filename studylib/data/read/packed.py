"""Plain and compressed byte streams, by suffix."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from studylib.errors import invalid

_CODECS = {".zst": "zstd", ".bz2": "bz2"}
PACKED = (".gz", *_CODECS)


@contextlib.contextmanager
def open_bytes(file: Path) -> Iterator[BinaryIO]:
    """Open ``file``, unpacking .gz, .zst and .bz2 on the way; only ``read(size)`` is sure to be there.

    Raises
    ------
    StudyError
        The file cannot be opened, or is damaged (also when found while reading).
    """
    suffix = file.suffix.lower()
    try:
        with open(file, "rb") as raw:
            if suffix == ".gz":
                # Python's own takes several members and zeros behind the last one, as tapes and block devices leave them.
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield stream
            elif suffix in _CODECS:
                with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), _CODECS[suffix]) as stream:
                    yield stream
            else:
                yield raw
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, pa.ArrowException):
            raise invalid("path", str(file), f"cannot be read: {error.strerror or error}") from None
        raise invalid("path", str(file), f"is damaged: {error}") from None
