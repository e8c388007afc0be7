"""Folders that appear whole or not at all, whatever kills their maker."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import file_lock, sync_path


@contextmanager
def whole_folder(home: Path) -> Iterator[Path]:
    """A folder to work in that becomes ``home`` at the end, in place of what was there; gone if anything goes wrong.

    The caller holds the lock: what a killed run left is removed too.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    for stale in home.parent.glob(f".{home.name}.work-*"):
        shutil.rmtree(stale, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".{home.name}.work-"))
    scratch.chmod(0o755)
    try:
        yield scratch
        if home.exists():  # out of the way first, since a folder is not replaced in one step
            home.replace(old := scratch.with_name(f"{scratch.name}.old"))
            shutil.rmtree(old)
        scratch.replace(home)
        sync_path(home.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def made_by_one(home: Path, on_wait: Callable[[], None]) -> AbstractContextManager[bool]:
    """The lock of a folder: one process makes it, the others wait."""
    return file_lock(home.with_name(f".{home.name}.lock"), on_wait=on_wait)


@contextmanager
def disk_full_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = error.filename or folder
        raise StudyError(
            f"{folder}: the disk is full ({error.strerror} at {where}); what was finished is kept: "
            "make room or use another output folder, then run again"
        ) from error
