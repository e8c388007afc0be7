"""Guarded text: what the gate admitted, on disk, split into training and validation.

Tokenizers and shards are made from nothing else. The same text serves every tokenizer, so a sweep over vocabularies
reads and guards its corpus once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.data.guard import Guard, check_seal, dropped_in_words, seal
from studylib.data.source import Source
from studylib.data.split import SIDES, side_of
from studylib.errors import StudyError, invalid
from studylib.files import file_hash, read_json, write_json
from studylib.spec import TextSpec
from studylib.spec.record import plain_record

TEXT_SCHEMA = 1
# Raised when the same specification gives other text or tokens than before.
PREPARE_VERSION = 5
_BATCH_DOCUMENTS, _BATCH_CHARACTERS = 4096, 1 << 20  # the gate is quick on many texts at once
_MOST_DIFFERENT = 1000  # documents told apart; beyond, there is no lack of them


def write_text_folder(folder: Path, source: Source, step: TextSpec, guard: Guard, digests: FileDigests) -> None:
    """Pass a source's documents through ``guard`` and write those admitted to ``folder``; the manifest comes last.

    Memory does not grow with the corpus but for 8 bytes a document.

    Raises
    ------
    StudyError
        The guard refuses the source, a text is not valid Unicode, nothing is left on one side, or a file was changed
        while it was read.
    """
    inputs, label, fraction = source.inputs(digests), step.source.label, step.validation_fraction
    folder.mkdir(parents=True, exist_ok=True)
    sides = {side: _Side(folder / f"{side}.utf8") for side in SIDES}
    try:
        for batch in batches(source.documents()):
            for document in guard.admit(batch):
                content = document.utf8()
                sides[side_of(content, fraction)].add(content)
    finally:
        for side in sides.values():
            side.close()
    record = guard.record()
    check_not_empty(label, {name: side.count for name, side in sides.items()}, dropped_in_words(record), fraction)
    if source.inputs(digests) != inputs:
        raise invalid("data.sources", label, "was changed while it was read; run again")
    for name, side in sides.items():
        np.save(folder / f"{name}.ends.npy", np.frombuffer(side.ends, dtype=np.int64))
    files = {one.name: digest_of(one) for one in sorted(folder.iterdir())}
    counts = {name: {"documents": len(side.ends), "bytes": side.size} for name, side in sides.items()}
    manifest = plain_record(step) | {
        "schema": TEXT_SCHEMA,
        "version": PREPARE_VERSION,
        "inputs": inputs,
        "cleaned": source.seal,
        "notes": source.notes(),
        "sides": counts,
        "guard": record,
        "files": files,
        "seal": seal(record, files),
    }
    write_json(folder / "manifest.json", manifest)


def batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) >= _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


@dataclass
class SideCount:
    """Documents and bytes of a side, and how many of the documents differ: exactly, so far as it says anything."""

    documents: int = 0
    bytes: int = 0
    different: set[int] = field(default_factory=set)

    def add(self, content: bytes) -> None:
        self.documents += 1
        self.bytes += len(content)
        if len(self.different) < _MOST_DIFFERENT:
            self.different.add(hash(content))


class _Side:
    def __init__(self, file: Path):
        self._stream: BinaryIO = open(file, "wb")  # noqa: SIM115 (closed by the writer, with its twin)
        self.ends = array("q")
        self.size = 0
        self.count = SideCount()

    def add(self, content: bytes) -> None:
        self._stream.write(content)
        self.size += len(content)
        self.ends.append(self.size)
        self.count.add(content)

    def close(self) -> None:
        self._stream.close()


def check_not_empty(label: str, sides: Mapping[str, SideCount], dropped: str, fraction: float) -> None:
    """Raise a StudyError that says what to do when a source has no text on one of the sides; ``dropped``: by the gate."""
    if not any(side.bytes for side in sides.values()):
        why = f"has no text to train on: {dropped}" if dropped else "has no text"
        raise invalid("data.sources", label, why)
    for side in SIDES:
        if sides[side].bytes:
            continue
        other = next(name for name in SIDES if name != side)
        count, different = sides[other].documents, len(sides[other].different)
        if different < count and different < _MOST_DIFFERENT:
            why = (
                f"has {count} documents, but only {different} different ones; copies go to one side, here all to the "
                f"{other} side (validation_fraction {fraction}): give it more different texts"
            )
        else:
            why = (
                f"has {count} documents, all of them on the {other} side (validation_fraction {fraction}): "
                "give it more or shorter documents (of plain text: option document, blank or line) or another fraction"
            )
        raise invalid("data.sources", label, why)


def digest_of(file: Path) -> dict[str, int | str]:
    """Size and BLAKE2b of a file."""
    return {"bytes": file.stat().st_size, "blake2b": file_hash(file)}


class GuardedText:
    """Text written by ``write_text_folder``, opened only if its seal holds and its files have their sizes.

    Raises
    ------
    StudyError
        The manifest is missing or damaged, carries no guard's record, or does not fit the files.
    """

    def __init__(self, folder: Path):
        file = folder / "manifest.json"
        try:
            self.manifest = read_json(file)
        except (OSError, ValueError) as error:
            raise StudyError(f"{file}: cannot be read: {error}") from None
        check_seal(self.manifest, file=file)
        for name, expected in self.manifest["files"].items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise StudyError(f"{path}: is missing or has not the {expected['bytes']} bytes it was written with")
        self.folder = folder

    def is_of(self, inputs: Mapping[str, str], cleaned: str, known: Mapping[str, str]) -> bool:
        """Whether it was read from files with these digests, by this version, knowing this evaluation data.

        ``cleaned``: the seal of the cleaned text that it was read from, if it was cleaned.
        """
        was = self.manifest
        made_from = was["version"], was["inputs"], was["cleaned"], was["guard"]["known"]
        return made_from == (PREPARE_VERSION, inputs, cleaned, known)

    def num_documents(self, side: str) -> int:
        return self.manifest["sides"][side]["documents"]

    def num_bytes(self, side: str) -> int:
        return self.manifest["sides"][side]["bytes"]

    def ends(self, side: str) -> np.ndarray:
        """Byte offset behind each document; int64 [documents]."""
        return np.load(self.folder / f"{side}.ends.npy", mmap_mode="r")

    def documents(self, side: str, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """The texts of documents ``start`` to ``stop``, in order."""
        for text in self.documents_utf8(side, start, stop):
            yield text.decode()

    def documents_utf8(self, side: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """As `documents`, in UTF-8."""
        ends = self.ends(side)[:stop]
        with open(self.folder / f"{side}.utf8", "rb") as stream:
            at = int(ends[start - 1]) if start else 0
            stream.seek(at)
            for end in ends[start:].tolist():
                yield stream.read(end - at)
                at = end

    def sample(self, num_bytes: int, seed: int = 0) -> Iterator[str]:
        """About ``num_bytes`` of training text, drawn evenly over its documents; all of it when it has no more.

        A document counts in pieces of 64 KiB at most, so that a few long books do not fill the sample. Another
        ``seed`` draws other documents.
        """
        ends = self.ends("train")
        total = self.num_bytes("train")
        if total <= num_bytes:
            yield from self.documents("train")
            return
        # Documents in an order fixed by their place, so that the sample of another size begins alike.
        order = np.random.Generator(np.random.Philox(key=len(ends) + (seed << 64))).permutation(len(ends))
        with open(self.folder / "train.utf8", "rb") as stream:
            taken = 0
            for place in order:
                begin = int(ends[place - 1]) if place else 0
                size = min(int(ends[place]) - begin, 1 << 16, num_bytes - taken)
                stream.seek(begin)
                text = stream.read(size).decode("utf-8", "ignore")  # the last character may be cut
                yield text
                taken += size
                if taken >= num_bytes:
                    return
