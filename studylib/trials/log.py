"""A trial's log file, which stays small whatever the trial prints."""

from __future__ import annotations

from pathlib import Path

_HEAD_BYTES = 512 * 1024
_TAIL_BYTES = 128 * 1024


class BoundedLog:
    """Keeps the first half megabyte as it comes and, at the end, the last 128 kB."""

    def __init__(self, path: Path | None = None, *, head: int = _HEAD_BYTES, tail: int = _TAIL_BYTES):
        self._stream = open(path, "wb", buffering=0) if path else None  # noqa: SIM115 (closed by close)
        self._room, self._limit = head, tail
        self._tail = bytearray()  # the latest output, also what of it is in the file already
        self._left_out = 0  # bytes that came after the file's part, those in the tail included

    def write(self, output: bytes) -> None:
        now = output[: self._room]
        if now and self._stream is not None:
            self._stream.write(now)
        self._room -= len(now)
        self._left_out += len(output) - len(now)
        self._tail += output
        del self._tail[: -self._limit]

    def last_lines(self, count: int = 5) -> str:
        """The last lines that say something, for a failure's message."""
        lines = [line.strip() for line in self._tail.decode("utf-8", "replace").splitlines() if line.strip()]
        return "\n".join(lines[-count:])

    def close(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            if kept := min(self._left_out, len(self._tail)):
                if skipped := self._left_out - kept:
                    self._stream.write(f"\n... {skipped} bytes left out ...\n".encode())
                self._stream.write(self._tail[-kept:])
        self._stream = None
