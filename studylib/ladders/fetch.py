"""Files of public ladders by URL, each held against its pinned digest before it is there."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

from studylib.errors import StudyError, invalid
from studylib.files import atomic_write
from studylib.ladders import Ladder

_TIMEOUT = 60.0  # seconds without a byte
_MOST = 64 << 20  # bytes of one file
_PIECE = 1 << 16


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/studylib/ladders``, by default in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "studylib" / "ladders"


def fetch_ladder(ladder: Ladder, folder: Path | None = None) -> Path:
    """Get the files of ``ladder`` that are not here yet, or not whole; returns the folder that holds them.

    Parameters
    ----------
    folder
        Of all ladders; default `cache_folder`.

    Raises
    ------
    StudyError
        It cannot be fetched file by file, the server does not answer or breaks off, or the content is not what is pinned.
    """
    if not ladder.fetchable:
        known = f"has no files of its own upstream; git clone {ladder.repository} and git checkout {ladder.commit} get what it is made of"
        raise invalid("ladder", ladder.name, known)
    place = (folder or cache_folder()) / ladder.folder
    for one in ladder.files:
        file = place / one.name
        if file.is_file() and _digest(file) == one.sha256:
            continue
        _fetch(str(one.url), file, str(one.sha256))
    return place


def check_digest(file: Path, sha256: str) -> None:
    """Raise a StudyError unless the content of ``file`` has this digest."""
    found = _digest(file)
    if found != sha256:
        raise _other(file, found, sha256)


def _digest(file: Path) -> str:
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StudyError(f"{file}: cannot be read: {error.strerror}") from None


def _other(what: object, found: str, sha256: str) -> StudyError:
    return StudyError(
        f"{what}: the content has SHA-256 {found[:16]}..., but {sha256[:16]}... is pinned; nothing was taken from it"
    )


def _fetch(url: str, file: Path, sha256: str) -> None:
    """Written under another name and renamed once whole, so that a break leaves nothing."""
    digest, got = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer, atomic_write(file) as stream:
            length = answer.headers.get("Content-Length")
            while piece := answer.read(_PIECE):
                got += len(piece)
                if got > _MOST:
                    raise StudyError(f"{url}: is larger than {_MOST >> 20} MiB")
                digest.update(piece)
                stream.write(piece)
            if length is not None and got != int(length):
                raise StudyError(f"{url}: broke off after {got} of {length} bytes")
            if digest.hexdigest() != sha256:
                raise _other(url, digest.hexdigest(), sha256)
    except (urllib.error.URLError, OSError, ValueError) as error:
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{url}: cannot be fetched: {getattr(error, 'reason', None) or error}") from None
