"""Prepared data as the trainers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studylib.data.guard import check_seal
from studylib.data.shards import TokenShard
from studylib.data.split import SIDES
from studylib.data.text import digest_of
from studylib.errors import StudyError
from studylib.files import read_json

DATA_SCHEMA = 1
MANIFEST = "manifest.json"
# Up to here a first look reads all bytes (about 1 GB/s); beyond, sizes alone are compared.
_DIGEST_LIMIT = 512 << 20
BEGIN_ANEW = "use another output folder, or remove the prepared data and the trials made from it"
_verified: set[tuple[str, int]] = set()


def restored_manifest(home: Path) -> dict[str, Any] | None:
    """The record of prepared data that was restored without them; None where they are here, or nothing is."""
    try:
        manifest = read_json(home / MANIFEST)
        return manifest if manifest.get("restored") else None
    except (OSError, ValueError, AttributeError):  # not there, or damaged: made anew when the study is run
        return None


def check_same_tokenizer(home: Path, before: Mapping[str, Any] | None, digest: Mapping[str, Any]) -> None:
    """Raise a StudyError if the record ``before`` of ``home`` speaks of another tokenizer than that of the ``digest``.

    From the same text another machine or release of SentencePiece may train another one. Losses of tokens that are cut otherwise do not
    compare, and nothing else would tell.
    """
    known = before["files"]["tokenizer.model"] if before is not None else digest
    if known != digest:
        raise StudyError(
            f"{home}: the tokenizer trained here is {digest['blake2b']}, that of the study's records is {known['blake2b']}, so new trials "
            f"could not be compared with those; {BEGIN_ANEW}"
        )


@dataclass(frozen=True)
class SourceShards:
    """Both sides of one source."""

    train: TokenShard
    validation: TokenShard


class PreparedData:
    """A tokenizer and token shards, opened only if the guard's record and every file are as written.

    Parameters
    ----------
    folder
        What ``prepare`` returned as ``folder``: DIR/data/<data hash>.

    Raises
    ------
    StudyError
        The manifest is missing or not readable, carries no guard's record, or a file is damaged.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        file = self.folder / MANIFEST
        try:
            self.manifest: dict[str, Any] = read_json(file)
        except (OSError, ValueError) as error:
            raise StudyError(f"{file}: cannot be read ({error}); prepare the data first") from None
        if self.manifest.get("schema") != DATA_SCHEMA:
            raise StudyError(
                f"{file}: schema: {self.manifest.get('schema')!r} is not {DATA_SCHEMA}; prepare the data again"
            )
        check_seal(self.manifest, file=file)
        self._check_files()
        dtype = np.dtype(self.manifest["dtype"])
        self.sources: dict[str, SourceShards] = {
            label: SourceShards(*(TokenShard(self.folder / f"{source['stem']}.{side}", dtype, label) for side in SIDES))
            for label, source in self.manifest["sources"].items()
        }

    @property
    def tokenizer_file(self) -> Path:
        """The SentencePiece model."""
        return self.folder / "tokenizer.model"

    @property
    def vocab_size(self) -> int:
        return self.manifest["tokenizer"]["vocab_size"]

    def shards(self, label: str) -> SourceShards:
        """The shards of one source.

        Raises
        ------
        StudyError
            There is no such source; the error lists those there are.
        """
        if label not in self.sources:
            raise StudyError(f"data.sources: {label!r} is not prepared here; choose from {', '.join(self.sources)}")
        return self.sources[label]

    def _check_files(self) -> None:
        files = self.manifest["files"]
        for name, expected in files.items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise StudyError(f"{path}: is missing or has not the {expected['bytes']} bytes it was written with")
        key = (str(self.folder.resolve()), (self.folder / MANIFEST).stat().st_mtime_ns)
        if key in _verified or sum(one["bytes"] for one in files.values()) > _DIGEST_LIMIT:
            return
        for name, expected in files.items():
            if digest_of(self.folder / name) != expected:
                raise StudyError(f"{self.folder / name}: is damaged: its content is not what was written")
        _verified.add(key)
