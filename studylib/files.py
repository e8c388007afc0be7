"""Files that survive a kill at any moment: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from studylib.errors import invalid


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, UTF-8 kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any, *, characters: int = 16) -> str:
    """Hexadecimal BLAKE2b of the canonical JSON of ``value``."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=characters // 2).hexdigest()


def file_hash(path: Path) -> str:
    """Hexadecimal BLAKE2b (128 bits) of a file's content, read a piece at a time."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest_of_state(path: Path, *, field: str = "path") -> str:
    """`file_hash`, taken once in a process for every state of the file (size, times, inode).

    Raises
    ------
    StudyError
        It cannot be read.
    """
    try:
        stat = Path(path).stat()
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < _SETTLED_NS:
            return file_hash(path)
        return _digest(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    except OSError as error:
        raise invalid(field, str(path), f"cannot be read: {error.strerror}") from None


# What changed a moment ago may change again within one tick of the clock, which its times would not show.
_SETTLED_NS = 2_000_000_000


@functools.lru_cache
def _digest(path: str, *state: int) -> str:
    return file_hash(Path(path))


def sync_path(path: Path) -> None:
    """Make a file's content, or renames inside a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; on success sync it and rename it into place."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        sync_path(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    with atomic_write(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Readable JSON, atomically. NaN and infinities are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Raises ValueError for what is not JSON. Not by the standard library: a plan reads thousands, and pydantic's reader is twice as fast."""
    return from_json(Path(path).read_bytes())


def append_json_line(stream: BinaryIO, value: Any) -> None:
    """One record a line, flushed at once, so that a reader may follow a running trial."""
    stream.write(canonical_json(value).encode() + b"\n")
    stream.flush()


def read_json_lines(path: Path) -> list[Any]:
    """All whole records; a last line cut short by a kill is left out."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    whole = raw[: raw.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if line.strip()]


@contextlib.contextmanager
def file_lock(path: Path, *, blocking: bool = True, on_wait: Callable[[], None] | None = None) -> Iterator[bool]:
    """An advisory lock that the kernel drops when its holder dies.

    Yields True when the lock is held; with ``blocking=False`` yields False when someone else holds it.
    ``on_wait`` is called once before waiting.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not blocking:
                yield False
                return
            if on_wait is not None:
                on_wait()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield True
