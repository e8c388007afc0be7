"""The beginning of what a study reads: a few documents of every source, before anything is prepared or after."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from studylib.data.guard import Guard
from studylib.data.prepared import PreparedData, restored_manifest
from studylib.data.text import GuardedText
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.registry import SOURCES
from studylib.spec import DataSpec, SourceSpec

NO_TEXT = "the text is not here: restored records hold none"
_OFFERED = (
    16  # documents shown to the gate for each one wanted: it drops few, and judges a table by several of its rows
)


@dataclass(frozen=True)
class Excerpt:
    """The first documents of a source as the gate admitted them.

    Attributes
    ----------
    share
        Of the training mixture.
    documents, bytes, tokens
        Training text of the whole source (bytes of UTF-8); None before it is prepared.
    texts
        Whole documents, however long.
    note
        Why there are none; empty where there are.
    """

    label: str
    share: float
    documents: int | None
    bytes: int | None
    tokens: int | None
    texts: tuple[str, ...]
    note: str = ""


def excerpts(data: DataSpec, folder: Path, *, documents: int = 2) -> list[Excerpt]:
    """An excerpt of every source: from the text prepared in ``folder``, else from where the source has it.

    Text on a server is not asked for: what is not prepared yet has a note instead, and so has what cannot be read.
    """
    manifest = restored_manifest(Path(folder) / data.hash)
    if manifest is not None:
        return _counted(data, manifest)
    try:
        prepared = PreparedData(Path(folder) / data.hash)
    except StudyError:  # not there, or not whole: `prepare` makes it anew when the study is run
        prepared = None
    total = sum(source.weight for source in data.sources)
    found = []
    for spec in data.sources:
        side = prepared.manifest["sources"][spec.label]["train"] if prepared is not None else {}
        counts = [side.get(name) for name in ("documents", "bytes", "tokens")]
        texts, note = (), ""
        try:
            kept = (
                None if prepared is None else _kept_text(Path(folder), prepared.manifest["guard"][spec.label]["text"])
            )
            if kept is not None:
                texts = tuple(kept.documents("train", 0, documents))
            elif SOURCES[spec.kind].remote:
                note = "is read from its server when the study is run"
            else:
                texts = _first(data, spec, Path(folder), documents)
        except StudyError as error:
            note = str(error)
        found.append(Excerpt(spec.label, spec.weight / total, *counts, texts, note))
    return found


def _counted(data: DataSpec, manifest: dict[str, Any]) -> list[Excerpt]:
    total = sum(source.weight for source in data.sources)
    sides = {label: about["train"] for label, about in manifest["sources"].items()}
    return [
        Excerpt(
            one.label, one.weight / total,
            *(sides[one.label].get(name) for name in ("documents", "bytes", "tokens")), (), NO_TEXT,
        )
        for one in data.sources
    ]  # fmt: skip


def _kept_text(folder: Path, seal: str) -> GuardedText | None:
    """The text with this seal; None where it was removed since, as the shards do not need it."""
    for manifest in sorted(folder.glob("text/*/manifest.json")):
        try:
            if read_json(manifest)["seal"] == seal:
                return GuardedText(manifest.parent)
        except (OSError, ValueError, KeyError):  # another's, damaged: whoever needs it says so
            continue
    return None


def _first(data: DataSpec, spec: SourceSpec, folder: Path, documents: int) -> tuple[str, ...]:
    Guard.check_source(spec.label, spec.kind, spec.options)
    source = SOURCES[spec.kind](spec.label, spec.options).in_study(folder.parent)
    offered = list(islice(source.documents(), documents * _OFFERED))
    admitted = Guard(data.evaluation_only).admit(offered)
    return tuple(document.text for document in islice(admitted, documents))
