"""Which content a file has: a digest of all of it, taken once for every state of the file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studylib.errors import invalid
from studylib.files import file_hash, read_json, write_json

UNREAD = ""
# A file changed a moment ago may change again within one tick of the clock, which its times would not show.
_SETTLED_NS = 2_000_000_000


@dataclass
class Allowance:
    """How much may still be read where an answer is wanted at once: bytes, and files of which a part is looked at."""

    bytes: int
    parts: int = 8

    def take(self, size: int) -> bool:
        """Whether so many bytes may be read; they are then counted."""
        if size > self.bytes:
            return False
        self.bytes -= size
        return True

    def take_part(self) -> bool:
        self.parts -= 1
        return self.parts >= 0


class FileDigests:
    """Digests of files, kept in ``file`` with the size, times and inode that each was taken at.

    A file is read again when any of these differ. The time of change (ctime) is among them, which programs cannot set
    back: an edit that keeps the size and restores the time of modification is seen too.

    Parameters
    ----------
    file
        Where digests are kept from one process to the next (JSON); None: nowhere. A damaged one is begun anew.
    allowance
        What may be read; None: everything. A file beyond it has the digest `UNREAD`.
    """

    def __init__(self, file: Path | None = None, allowance: Allowance | None = None):
        self._file, self._allowance = file, allowance
        self._known: dict[str, list] = {}
        if file is not None:
            try:
                known = read_json(file)
            except (OSError, ValueError):
                known = {}
            self._known = known if isinstance(known, dict) else {}

    def of(self, paths: Iterable[Path]) -> dict[str, str]:
        """Hexadecimal BLAKE2b of each file's content, by its path as given.

        Raises
        ------
        StudyError
            A file cannot be read.
        """
        found, new = {}, False
        for path in paths:
            try:
                state = _state(path)
                known = self._known.get(str(path.absolute()))
                if known and known[:-1] == state:
                    found[str(path)] = known[-1]
                elif self._allowance is not None and not self._allowance.take(state[0]):
                    found[str(path)] = UNREAD
                else:
                    found[str(path)] = digest = file_hash(path)
                    if time.time_ns() - max(state[1:3]) > _SETTLED_NS and _state(path) == state:
                        self._known[str(path.absolute())] = [*state, digest]
                        new = True
            except OSError as error:
                raise invalid("path", str(path), f"cannot be read: {error.strerror}") from None
        if new and self._file is not None and self._allowance is None:
            write_json(self._file, self._known)
        return found


def _state(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
