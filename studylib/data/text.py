"""Guarded text: what the gate admitted, on disk, split into training and validation.

Tokenizers and shards are made from nothing else. The same text serves every tokenizer, so a sweep over vocabularies
reads and guards its corpus once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from studylib.data.chat.conversation import Conversation, Preference
from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.data.guard import Guard, check_seal, dropped_in_words, seal
from studylib.data.near import SignatureFile
from studylib.data.source import Source
from studylib.data.split import NEAR, SIDES, Split
from studylib.errors import StudyError, invalid
from studylib.files import file_hash, read_json, write_json
from studylib.spec import TextSpec
from studylib.spec.record import plain_record

TEXT_SCHEMA = 1
# Raised when the same specification gives other text or tokens than before.
PREPARE_VERSION = 6
_BATCH_DOCUMENTS, _BATCH_CHARACTERS = 4096, 1 << 20  # the gate is quick on many texts at once
_TEXT, _SIGNATURES, _TURNS, _PAIRS = "text.utf8", "signatures.u64", "turns.npy", "pairs.npy"


def write_text_folder(folder: Path, source: Source, step: TextSpec, guard: Guard, digests: FileDigests) -> None:
    """Pass a source's documents through ``guard`` and write those admitted to ``folder``; the manifest comes last.

    Of a document there are some dozen bytes in memory, never its text: side is decided when all have been seen, so both sides
    lie in one file, with the ends and the side of each document beside it.

    Raises
    ------
    StudyError
        The guard refuses the source, a text is not valid Unicode, nothing is left on one side, or a file was changed
        while it was read.
    """
    inputs, label, fraction = source.inputs(digests), step.source.label, step.validation_fraction
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _TEXT, "wb") as stream, open(folder / _SIGNATURES, "w+b") as signatures:
        split = Split(signatures, fraction)
        turns: list[np.ndarray] = []
        for batch in batches(source.documents()):
            admitted = guard.admit(batch)
            contents = [document.utf8() for document in admitted]
            stream.writelines(contents)
            turns.append(_turns(admitted, first=len(split.ends)))
            split.add([document.text for document in admitted], contents, together(admitted))
        in_validation = split.in_validation()
    record = guard.record()
    sides = SideCount.of(split, in_validation)
    check_not_empty(label, sides, dropped_in_words(record), fraction)
    if source.inputs(digests) != inputs:
        raise invalid("data.sources", label, "was changed while it was read; run again")
    np.save(folder / "ends.npy", split.ends)
    np.save(folder / "validation.npy", in_validation)
    if source.talks:
        np.save(folder / (_PAIRS if source.preferences else _TURNS), np.concatenate(turns))
    files = {one.name: digest_of(one) for one in sorted(folder.iterdir())}
    counts = {name: {"documents": side.documents, "bytes": side.bytes} for name, side in sides.items()}
    counts["validation"]["near_training"] = split.straddling(in_validation)
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


def _turns(documents: Iterable[Document], first: int) -> np.ndarray:
    """The turns of those documents that are conversations or pairs; int64 [messages, 3]: the document's number, role, bytes."""
    found = [
        (number, *turn)
        for number, document in enumerate(documents, first)
        if document.conversation is not None
        for turn in document.conversation.turns
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def together(documents: Iterable[Document]) -> list[str]:
    """What says which documents of messages are on one side of the split: of pairs their prompt, to which a data set may have
    several; where nothing does, the text."""
    return [
        Conversation(one.conversation.prompt).text
        if isinstance(one.conversation, Preference)
        else one.together or one.text
        for one in documents
        if one.conversation is not None
    ]


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


@dataclass(frozen=True)
class SideCount:
    """Documents and bytes of a side, and how many of the documents are no near copies of one another."""

    documents: int
    bytes: int
    different: int

    @classmethod
    def of(cls, split: Split, in_validation: np.ndarray) -> dict[str, Self]:
        """Those of both sides."""
        sizes = np.diff(split.ends, prepend=0)
        masks = zip(SIDES, (~in_validation, in_validation), strict=True)
        return {side: cls(int(own.sum()), int(sizes[own].sum()), split.different(own)) for side, own in masks}


def check_not_empty(label: str, sides: Mapping[str, SideCount], dropped: str, fraction: float) -> None:
    """Raise a StudyError that says what to do when a source has no text on one of the sides; ``dropped``: by the gate."""
    if not any(side.bytes for side in sides.values()):
        why = f"has no text to train on: {dropped}" if dropped else "has no text"
        raise invalid("data.sources", label, why)
    for side in SIDES:
        if sides[side].bytes:
            continue
        other = next(name for name in SIDES if name != side)
        count, different = sides[other].documents, sides[other].different
        if different < count:
            why = (
                f"has {count} documents, but only {different} different ones; near copies go to one side, here all "
                f"to the {other} side (validation_fraction {fraction}): give it more different texts"
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

    @property
    def num_straddling(self) -> int:
        """Validation documents that have near copies in training: none, unless the text is one template throughout."""
        return self.manifest["sides"]["validation"]["near_training"]

    def num_bytes(self, side: str) -> int:
        return self.manifest["sides"][side]["bytes"]

    def in_validation(self) -> np.ndarray:
        """Whether each document of the text is on the validation side; bool [documents of both sides]."""
        return np.load(self.folder / "validation.npy")

    def places(self, side: str) -> np.ndarray:
        """Bytes of the text file at which each document of a side begins and ends; int64 [documents, 2]."""
        ends = np.load(self.folder / "ends.npy", mmap_mode="r")
        own = np.flatnonzero(self.in_validation() == (side == "validation"))
        return np.stack([np.where(own > 0, ends[own - 1], 0), ends[own]], axis=1)

    def signatures(self, side: str) -> Iterator[np.ndarray]:
        """The MinHash signatures of a side's documents, part by part; uint64 [documents of the part, width]."""
        own, begin = self.in_validation() == (side == "validation"), 0
        with open(self.folder / _SIGNATURES, "rb") as stream:
            for part in SignatureFile(stream, NEAR.width).parts():
                yield part[own[begin : begin + len(part)]]
                begin += len(part)

    def documents(self, side: str, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """The texts of documents ``start`` to ``stop``, in order."""
        for text in self.documents_utf8(side, slice(start, stop)):
            yield text.decode()

    def documents_utf8(self, side: str, which: slice | np.ndarray = slice(None)) -> Iterator[bytes]:
        """The texts of a side, or of ``which`` of its documents (a mask or numbers), in UTF-8."""
        with open(self.folder / _TEXT, "rb") as stream:
            at, places = 0, self.places(side)[which]
            for first in range(0, len(places), _BATCH_DOCUMENTS):
                for begin, end in places[first : first + _BATCH_DOCUMENTS].tolist():
                    if begin != at:
                        stream.seek(begin)
                    yield stream.read(end - begin)
                    at = end

    @property
    def has_conversations(self) -> bool:
        return _TURNS in self.manifest["files"]

    @property
    def has_pairs(self) -> bool:
        return _PAIRS in self.manifest["files"]

    def conversations(
        self, side: str, which: slice | np.ndarray = slice(None)
    ) -> Iterator[Conversation] | Iterator[Preference]:
        """Those of a side, or ``which`` of them; for text of conversations or of pairs."""
        kind, file = (Preference, _PAIRS) if self.has_pairs else (Conversation, _TURNS)
        turns = np.load(self.folder / file, mmap_mode="r")
        numbers = np.flatnonzero(self.in_validation() == (side == "validation"))[which]
        starts, stops = (np.searchsorted(turns[:, 0], numbers, side) for side in ("left", "right"))
        for text, start, stop in zip(self.documents_utf8(side, which), starts, stops, strict=True):
            yield kind.of(text, turns[start:stop, 1:].tolist())

    def sample(self, num_bytes: int, seed: int = 0) -> Iterator[str]:
        """About ``num_bytes`` of training text, drawn evenly over its documents; all of it when it has no more.

        A document counts in pieces of 64 KiB at most, so that a few long books do not fill the sample. Another
        ``seed`` draws other documents.
        """
        total = self.num_bytes("train")
        if total <= num_bytes:
            yield from self.documents("train")
            return
        places = self.places("train")
        # Documents in an order fixed by their place, so that the sample of another size begins alike.
        order = np.random.Generator(np.random.Philox(key=len(places) + (seed << 64))).permutation(len(places))
        with open(self.folder / _TEXT, "rb") as stream:
            taken = 0
            for place in order:
                begin, end = places[place].tolist()
                size = min(end - begin, 1 << 16, num_bytes - taken)
                stream.seek(begin)
                text = stream.read(size).decode("utf-8", "ignore")  # the last character may be cut
                yield text
                taken += size
                if taken >= num_bytes:
                    return
