"""All fingerprints that hold for a study: those of the package, of the project's folder, and of its ``evaluation_only`` files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from studylib.data.guard.fields import fields
from studylib.data.guard.fingerprints import SUFFIX, Fingerprints, file_digest
from studylib.errors import invalid
from studylib.project import project_root

FINGERPRINTS = "fingerprints/"  # before the names of the package's and the project's files, in records
SHIPPED = Path(__file__).with_name("shipped")


def added_folder() -> Path:
    """Where the project's own fingerprint files lie; every one there holds for every study."""
    return project_root() / FINGERPRINTS


def _fingerprint_files() -> list[Path]:
    return [*sorted(SHIPPED.glob(f"*{SUFFIX}")), *sorted(added_folder().glob(f"*{SUFFIX}"))]


def known_digests(evaluation_files: Sequence[str] = ()) -> dict[str, str]:
    """BLAKE2b of every file whose text must not be trained on, by its name; of the package's and the project's own too.

    Raises
    ------
    StudyError
        A file is missing or cannot be read.
    """
    digests = {f"{FINGERPRINTS}{file.name}": file_digest(file) for file in _fingerprint_files()}
    return digests | evaluation_digests(evaluation_files)


def evaluation_digests(files: Sequence[str]) -> dict[str, str]:
    """The same of a study's own files alone."""
    return {file: file_digest(Path(file), field="data.evaluation_only") for file in files}


def load_known(evaluation_files: Sequence[str] = ()) -> Fingerprints:
    """The fingerprints of all these files as one set.

    Raises
    ------
    StudyError
        A file cannot be read, or the evaluation files hold no text.
    """
    sets = [Fingerprints.load(file) for file in _fingerprint_files()]
    given = [Path(file) for file in evaluation_files]
    made = [Fingerprints.load(file) for file in given if file.suffix == SUFFIX]
    made.append(Fingerprints.of(field for file in given if file.suffix != SUFFIX for field in fields(file)))
    if given and not any(len(one) for one in made):
        raise invalid("data.evaluation_only", list(evaluation_files), "holds no text to keep out")
    return Fingerprints.joined([*sets, *made])


def write_fingerprints(
    files: Sequence[Path], out: Path | None = None, *, instructions: bool = False
) -> tuple[Path, int, int]:
    """Make a fingerprint file of benchmark files; its path, the number of texts it knows, and its bytes.

    Raises
    ------
    StudyError
        A file cannot be read or holds no text, or ``out`` has another suffix.
    """
    path = out or added_folder() / f"{_default_name(files[0])}{SUFFIX}"
    if path.suffix != SUFFIX:
        raise invalid("--out", str(path), f"must end in {SUFFIX}")
    names = [file.name for file in files]
    digests = {
        name if names.count(name) == 1 else f"{file.resolve().parent.name}/{name}": file_digest(file)
        for name, file in zip(names, files, strict=True)
    }
    known = Fingerprints.of((field for file in files for field in fields(file, instructions=instructions)), digests)
    if not len(known):
        raise invalid("fingerprints", [str(file) for file in files], "hold no Japanese text that could be known again")
    path.parent.mkdir(parents=True, exist_ok=True)
    known.save(path)
    return path, len(known), path.stat().st_size


def _default_name(file: Path) -> str:
    """With its folder's: JGLUE's tasks all call their training split train-v1.3.json."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{file.resolve().parent.name}-{file.name}").removesuffix(".json")
