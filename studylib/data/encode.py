"""Guarded text to token shards, over several processes when there is much of it.

``python -m studylib.data.encode`` is one such process; a plain command, so that it works from notebooks and scripts
alike, and imports nothing but sentencepiece and numpy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studylib.data.shards import write_tokens
from studylib.data.text import GuardedText
from studylib.data.tokenizer import Tokenizer
from studylib.errors import StudyError

# Under this much text a process a core costs more to start (0.3 s) than it saves (about 20 MB/s each).
BYTES_PER_PROCESS = 16 << 20


def encode_side(text: GuardedText, side: str, tokenizer_file: Path, stem: Path, *, workers: int | None = None) -> None:
    """Write ``stem.tokens`` and ``stem.sizes.npy`` for one side of ``text``.

    Parameters
    ----------
    workers
        Processes at most; default: one a core that this process may use.
    """
    workers = workers or len(os.sched_getaffinity(0))
    parts = max(1, min(workers, text.num_bytes(side) // BYTES_PER_PROCESS))
    if parts == 1:
        write_tokens(text.documents(side), Tokenizer.load(tokenizer_file), stem)
        return
    bounds = _bounds(text.ends(side), parts)
    stems = [stem.with_name(f"{stem.name}.part{place}") for place in range(parts)]
    command = [sys.executable, "-m", "studylib.data.encode", str(text.folder), side]
    ranges = zip(bounds, bounds[1:], stems, strict=False)
    _run([[*command, str(start), str(stop), str(tokenizer_file), str(part)] for start, stop, part in ranges])
    with open(f"{stem}.tokens", "wb") as whole:
        for part in stems:
            with open(f"{part}.tokens", "rb") as stream:
                shutil.copyfileobj(stream, whole, 1 << 22)
            Path(f"{part}.tokens").unlink()
    np.save(f"{stem}.sizes.npy", np.concatenate([np.load(f"{part}.sizes.npy") for part in stems]))
    for part in stems:
        Path(f"{part}.sizes.npy").unlink()


def _bounds(ends: np.ndarray, parts: int) -> list[int]:
    """Document numbers that cut the bytes into equal parts."""
    wanted = np.arange(1, parts) * (int(ends[-1]) / parts)
    return [0, *(int(place) for place in np.searchsorted(ends, wanted)), len(ends)]


def _run(commands: Sequence[Sequence[str]]) -> None:
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    try:
        for process in processes:
            _, error = process.communicate()
            if process.returncode:
                last = error.strip().splitlines()[-1] if error.strip() else f"status {process.returncode}"
                # A worker's full disk reads as one here, so that it is explained like one.
                if "No space left on device" in last:
                    raise OSError(28, "No space left on device")
                raise StudyError(f"tokenizing: a worker process failed: {last}")
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def main(arguments: Sequence[str]) -> None:
    folder, side, start, stop, tokenizer_file, stem = arguments
    texts = GuardedText(Path(folder)).documents(side, int(start), int(stop))
    write_tokens(texts, Tokenizer.load(Path(tokenizer_file)), Path(stem))


if __name__ == "__main__":
    main(sys.argv[1:])
