"""From a DataSpec to token shards, once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from studylib.data.chat.encode import ConversationEncoder
from studylib.data.digest import UNREAD, Allowance
from studylib.data.guard import dropped_in_words, seal
from studylib.data.guard.fingerprints import file_digest
from studylib.data.guard.known import FINGERPRINTS, known_digests
from studylib.data.near import NearTo
from studylib.data.prepared import (
    BEGIN_ANEW,
    DATA_SCHEMA,
    MANIFEST,
    PreparedData,
    check_same_tokenizer,
    restored_manifest,
)
from studylib.data.shards import TokenShard, token_dtype, write_conversations, write_tokens
from studylib.data.split import NEAR, SIDES
from studylib.data.text import PREPARE_VERSION, GuardedText, digest_of
from studylib.data.texts import Progress, check_sources, digests_of, guarded_text, guarded_texts, opened, with_parents
from studylib.data.tokenizer import Tokenizer
from studylib.data.vocabulary import trained_tokenizer
from studylib.data.whole import disk_full_explained, made_by_one, whole_folder
from studylib.environment import cores
from studylib.errors import StudyError, invalid
from studylib.files import read_json, write_bytes, write_json
from studylib.registry import CHAT_TEMPLATES
from studylib.spec import DataSpec
from studylib.spec.record import plain_record


def read_sources(data: DataSpec, folder: Path, *, progress: Progress | None = None) -> None:
    """Read and guard all text that is given, and keep it in ``folder``, where `prepare` finds it.

    Of data that are prepared it is seen to that their files are as they were; the data that their tokenizer is of need not be here.

    Raises
    ------
    StudyError
        As `prepare`, but for what only the tokenizer finds.
    """
    prepared = _manifest(Path(folder) / data.hash) is not None
    for one in with_parents(data):
        manifest = _manifest(Path(folder) / one.hash)
        if manifest is not None:
            _check_unchanged(one, manifest, Path(folder))
            continue
        for text in one.texts.values() if not prepared else ():
            if opened(text.source).given:
                guarded_text(text, Path(folder), progress=progress, workers=cores())


def look_at_changes(data: DataSpec, folder: Path, allowance: Allowance) -> list[str] | None:
    """None when ``data`` are not prepared in ``folder``; else a line about each file that was not compared.

    A file beyond ``allowance`` is not read, unless its size and times tell that it was read before.

    Raises
    ------
    StudyError
        A file has changed since.
    """
    manifest = _manifest(Path(folder) / data.hash)
    return None if manifest is None else _check_unchanged(data, manifest, Path(folder), allowance)


def _manifest(home: Path) -> dict[str, Any] | None:
    """The manifest of prepared data, if they are there and of this version."""
    try:
        manifest = read_json(home / MANIFEST)
        return manifest if manifest["version"] == PREPARE_VERSION else None
    except (OSError, ValueError, KeyError, TypeError):  # `prepare` says what is wrong, and makes them anew
        return None


def prepare(
    data: DataSpec, folder: Path, *, progress: Progress | None = None, workers: int | None = None
) -> PreparedData:
    """Make ``folder/<data.hash>`` (tokenizer, shards, manifest) and what it is made of unless it is there, and open it.

    Safe to call from many processes at once: one makes, the others wait. A kill at any moment leaves nothing that is
    taken for finished; guarded text that was finished is used again. Files found damaged are made anew.

    Parameters
    ----------
    folder
        Where prepared data of a study lie (DIR/data).
    progress
        Called with a line of text as each step begins.
    workers
        Threads for tokenizing; default: one a core that this process may use.

    Raises
    ------
    StudyError
        Bad sources, no text, a file that changed since the shards were made, JGLUE, or a full disk.
    """
    folder = Path(folder)
    home = folder / data.hash
    say = progress or (lambda line: None)
    with disk_full_explained(folder):
        if not (home / MANIFEST).is_file():
            check_sources(data)
        with made_by_one(home, on_wait=lambda: say("data: another process is preparing them")):
            ready = _ready(data, home, say)
            return ready if ready is not None else _make(data, folder, home, say, workers)


def prepared_counts(data: DataSpec, folder: Path) -> dict[str, dict[str, dict[str, int]]]:
    """``documents``, ``tokens`` and ``bytes`` of both sides of every source, by its label and the side.

    Data that are not there are prepared; where their record was restored without them, it is enough.

    Raises
    ------
    StudyError
        As `prepare`.
    """
    manifest = restored_manifest(Path(folder) / data.hash)
    if manifest is None or manifest.get("version") != PREPARE_VERSION:
        manifest = prepare(data, folder).manifest
    return {label: {side: about[side] for side in SIDES} for label, about in manifest["sources"].items()}


def _ready(data: DataSpec, home: Path, say: Progress) -> PreparedData | None:
    if not (home / MANIFEST).is_file():
        return None
    try:
        prepared = PreparedData(home)
    except StudyError as error:
        say(f"data: {error}; making them again")
        return None
    if prepared.manifest["version"] != PREPARE_VERSION:
        say(f"data: {home} is from another version of studylib; making it again")
        return None
    _check_unchanged(data, prepared.manifest, home.parent)
    if _fingerprints(prepared.manifest) != _only_fingerprints(known_digests()):
        say(f"data: {home} was made with other fingerprints of evaluation data; making it again")
        return None
    return prepared


def _only_fingerprints(known: Mapping[str, str]) -> dict[str, str]:
    """Those of the package and the project, which nobody names in a specification."""
    return {name: digest for name, digest in known.items() if name.startswith(FINGERPRINTS)}


def _fingerprints(manifest: Mapping[str, Any]) -> dict[str, str]:
    known = [_only_fingerprints(record["known"]) for record in manifest["guard"].values()]
    return known[0] if all(one == known[0] for one in known) else {}


def _check_unchanged(
    data: DataSpec, manifest: dict[str, Any], folder: Path, allowance: Allowance | None = None
) -> list[str]:
    """Shards made from files that have changed since are refused; files that are gone do not matter.

    Returns a line about each file whose content is beyond ``allowance``.
    """
    unread: list[str] = []
    for name in data.evaluation_only:
        if not Path(name).is_file():
            continue
        digest = file_digest(Path(name), field="data.evaluation_only")
        if any(record["known"].get(name) != digest for record in manifest["guard"].values()):
            raise _changed("data.evaluation_only", name)
    for label, made in manifest["sources"].items():
        recorded = made["inputs"]
        if not recorded or not all(Path(name).is_file() for name in recorded):
            continue
        text = data.texts[label]
        now = opened(text.source).inputs(digests_of(text, folder, allowance))
        for name in sorted(recorded.keys() | now.keys()):
            if now.get(name) == UNREAD and name in recorded:
                unread.append(f"{label}: {name}, for a change since it was read")
            elif recorded.get(name) != now.get(name):
                raise _changed(f"data.sources {label}", name)
    return unread


def _changed(field: str, name: str) -> StudyError:
    return StudyError(f"{field}: {name} has changed since the study's data were prepared; {BEGIN_ANEW}")


def _make(data: DataSpec, folder: Path, home: Path, say: Progress, workers: int | None) -> PreparedData:
    threads, sources = workers or len(os.sched_getaffinity(0)), {}
    texts = guarded_texts(data, folder, progress=say, workers=threads)
    before = _made_before(home)
    _check_same_text(before, texts)
    trained = trained_tokenizer(data.vocabulary, folder, progress=say)
    check_same_tokenizer(home, before, trained.digest)
    tokenizer = trained.load()
    judged = [source.label for source in data.sources if not source.auxiliary]
    with whole_folder(home) as scratch:
        write_bytes(scratch / "tokenizer.model", tokenizer.model)
        for place, (label, text) in enumerate(texts.items()):
            size = sum(text.num_bytes(side) for side in SIDES)
            say(f"data: tokenizing {label}, {size / 1e6:.1f} MB")
            stem = f"{place:02d}-{_slug(label)}"
            kept = _not_validated(label, text, [texts[other] for other in judged if other != label], say)
            talks = text.has_conversations or text.has_pairs
            encoder = ConversationEncoder(tokenizer, CHAT_TEMPLATES[data.chat_template]()) if talks else None
            for side, which in zip(SIDES, (kept, slice(None)), strict=True):
                _write(text, side, which, tokenizer, encoder, scratch / f"{stem}.{side}", threads)
            sources[label] = _described(label, text, scratch, stem, tokenizer)
            if GuardedText(text.folder).manifest["seal"] != text.manifest["seal"]:
                raise StudyError(f"data.sources {label}: its text was read again while it was tokenized; run again")
        _write_manifest(data, scratch, tokenizer, texts, sources)
    return PreparedData(home)


def _write(
    text: GuardedText, side: str, which: slice | np.ndarray, tokenizer: Tokenizer, encoder: ConversationEncoder | None,
    stem: Path, workers: int,
) -> None:  # fmt: skip
    if encoder is None:
        write_tokens(text.documents_utf8(side, which), tokenizer, stem, workers=workers)
        return
    dtype = token_dtype(tokenizer.vocab_size)
    write_conversations(text.conversations(side, which), encoder, dtype, stem, pairs=text.has_pairs, workers=workers)


def _not_validated(label: str, text: GuardedText, others: list[GuardedText], say: Progress) -> np.ndarray:
    """Which training documents of a source are near copies of no validation document of ``others``; bool [documents]."""
    near = NearTo(chain.from_iterable(other.signatures("validation") for other in others), NEAR)
    found = np.concatenate([near(part) for part in text.signatures("train")])
    if found.any():
        count = int(found.sum())
        if count == len(found):
            why = f"has {count} training documents, and all are near copies of validation documents of other sources"
            raise invalid("data.sources", label, why)
        say(f"data: {label}: {count} training documents are near copies of other sources' validation text; left out")
    return ~found


def _made_before(home: Path) -> dict[str, Any] | None:
    """The record of what trials of the study may have been made from."""
    before = restored_manifest(home)
    if before is None:
        try:
            before = PreparedData(home).manifest
        except StudyError:
            return None  # nothing there, or nothing that a trial could have been made from
    return before if before.get("version") == PREPARE_VERSION else None


def _check_same_text(before: Mapping[str, Any] | None, texts: Mapping[str, GuardedText]) -> None:
    """A gate that drops more than it did leaves trials behind that were trained on what it drops now."""
    for label, text in texts.items() if before is not None else ():
        if text.manifest["sides"] != before["sources"][label]["read"]:
            raise StudyError(
                f"data.sources {label}: evaluation data are known by other fingerprints than when the study's data were "
                f"prepared, and the text is no longer the same ({dropped_in_words(text.manifest['guard']) or 'none dropped'}); "
                f"{BEGIN_ANEW}"
            )


def _described(label: str, text: GuardedText, folder: Path, stem: str, tokenizer: Tokenizer) -> dict[str, Any]:
    inputs = text.manifest["inputs"]
    described: dict[str, Any] = {"stem": stem, "inputs": inputs, "notes": text.manifest["notes"]}
    for side in SIDES:
        shard = TokenShard(folder / f"{stem}.{side}", token_dtype(tokenizer.vocab_size), label)
        documents = shard.num_documents // 2 if shard.has_pairs else shard.num_documents
        described[side] = {"documents": documents, "tokens": shard.num_tokens, "bytes": shard.num_bytes}
    read = described["read"] = text.manifest["sides"]
    # Near copies of what other sources are validated on.
    described["left_out"] = {what: read["train"][what] - described["train"][what] for what in ("documents", "bytes")}
    return described


def _write_manifest(
    data: DataSpec, folder: Path, tokenizer: Tokenizer, texts: dict[str, GuardedText], sources: dict[str, Any]
) -> None:
    files = {one.name: digest_of(one) for one in sorted(folder.iterdir())}
    guard = {label: text.manifest["guard"] | {"text": text.manifest["seal"]} for label, text in texts.items()}
    manifest = plain_record(data) | {
        "schema": DATA_SCHEMA,
        "version": PREPARE_VERSION,
        "spec": data.model_dump(mode="json"),
        "dtype": token_dtype(tokenizer.vocab_size).str,
        "tokenizer": {"vocab_size": tokenizer.vocab_size, "kind": data.tokenizer_spec.kind, "eos_id": tokenizer.eos_id},
        "sources": sources,
        "guard": guard,
        "files": files,
        "seal": seal(guard, files),
    }
    write_json(folder / MANIFEST, manifest)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")[-40:] or "source"
