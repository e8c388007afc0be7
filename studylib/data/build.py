"""From a DataSpec to token shards, once."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

from studylib.data.digest import UNREAD, Allowance, FileDigests
from studylib.data.guard import GUARD_VERSION, Guard, dropped_in_words, seal
from studylib.data.guard.fingerprints import file_digest
from studylib.data.guard.known import FINGERPRINTS, known_digests
from studylib.data.prepared import DATA_SCHEMA, MANIFEST, PreparedData
from studylib.data.shards import TokenShard, token_dtype, write_tokens
from studylib.data.source import Source
from studylib.data.split import SIDES, side_of
from studylib.data.text import GuardedText, SideCount, check_not_empty, digest_of, write_text_folder
from studylib.data.tokenizer import Tokenizer, train_tokenizer
from studylib.errors import StudyError
from studylib.files import content_hash, file_lock, read_json, sync_path, write_bytes, write_json
from studylib.registry import SOURCES
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec

# Raised when the same specification gives other text or tokens than before.
PREPARE_VERSION = 3
DIGESTS = "digests.json"  # of the files that text was read from, in the folder of prepared data
_BEGIN_ANEW = "use another output folder, or remove the prepared data and the trials made from it"
_GUARDED = 64  # documents of each source that a first look shows to the guard: enough to know a benchmark's table

Progress = Callable[[str], None]


def check_sources(data: DataSpec, *, online: bool = True) -> None:
    """Find bad input before anything expensive: unknown options, missing files and columns, JGLUE by name.

    ``online=False`` leaves unasked what only a server can tell.

    Raises
    ------
    StudyError
        Naming the source, the option, its value and the choices.
    """
    for one in _with_parents(data):
        for source in _open_sources(one).values():
            if online or not source.remote:
                source.check()
        known_digests(one.evaluation_only)


def look_at_sources(data: DataSpec, allowance: Allowance) -> list[str]:
    """Find bad text, so far as ``allowance`` lets it be read; return a line about each part that was not looked at.

    Raises
    ------
    StudyError
        Text that `prepare` would refuse.
    """
    unread: list[str] = []
    for one in _with_parents(data):
        for label, source in _open_sources(one).items():
            documents, left_out = source.look(allowance)
            sides = {side: SideCount() for side in SIDES}
            Guard().admit(first := list(islice(documents, _GUARDED)))
            for document in chain(first, documents):
                content = document.utf8()
                sides[side_of(content, one.validation_fraction)].add(content)
            unread += [f"{label}: {line}" for line in left_out]
            if source.given and not left_out:
                check_not_empty(label, sides, "", one.validation_fraction)
    return unread


def read_sources(data: DataSpec, folder: Path, *, progress: Progress | None = None) -> None:
    """Read and guard all text that is given, and keep it in ``folder``, where `prepare` finds it.

    Of data that are prepared it is seen to that their files are as they were.

    Raises
    ------
    StudyError
        As `prepare`, but for what only the tokenizer finds.
    """
    say = progress or (lambda line: None)
    for one in _with_parents(data):
        sources = _open_sources(one)
        manifest = _manifest(Path(folder) / one.hash)
        if manifest is not None:
            _check_unchanged(one, manifest, FileDigests(Path(folder) / DIGESTS))
            continue
        with _disk_full_explained(Path(folder)):
            for spec in one.sources:
                if sources[spec.label].given:
                    _guarded_text(one, spec, Path(folder), say)


def look_at_changes(data: DataSpec, folder: Path, allowance: Allowance) -> list[str] | None:
    """None when ``data`` are not prepared in ``folder``; else a line about each file that was not compared.

    A file beyond ``allowance`` is not read, unless its size and times tell that it was read before.

    Raises
    ------
    StudyError
        A file has changed since.
    """
    manifest = _manifest(Path(folder) / data.hash)
    return (
        None if manifest is None else _check_unchanged(data, manifest, FileDigests(Path(folder) / DIGESTS, allowance))
    )


def _manifest(home: Path) -> dict[str, Any] | None:
    """The manifest of prepared data, if they are there and of this version."""
    try:
        manifest = read_json(home / MANIFEST)
        return manifest if manifest["version"] == PREPARE_VERSION else None
    except (OSError, ValueError, KeyError, TypeError):  # `prepare` says what is wrong, and makes them anew
        return None


def _with_parents(data: DataSpec) -> Iterator[DataSpec]:
    """``data``, and those that its tokenizer is of."""
    while data is not None:
        yield data
        data = data.tokenizer_of


def prepare(
    data: DataSpec, folder: Path, *, progress: Progress | None = None, workers: int | None = None
) -> PreparedData:
    """Make ``folder/<data.hash>`` (tokenizer, shards, manifest) unless it is there, and open it.

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
    with _disk_full_explained(folder):
        if not (home / MANIFEST).is_file():
            check_sources(data)
        with file_lock(folder / f".{data.hash}.lock", on_wait=lambda: say("data: another process is preparing them")):
            ready = _ready(data, home, say)
            return ready if ready is not None else _make(data, folder, home, say, workers)


def _open_sources(data: DataSpec) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for spec in data.sources:
        Guard.check_source(spec.label, spec.kind, spec.options)
        sources[spec.label] = SOURCES[spec.kind](spec.label, spec.options)
    return sources


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
    _check_unchanged(data, prepared.manifest, FileDigests(home.parent / DIGESTS))
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


def _check_unchanged(data: DataSpec, manifest: dict[str, Any], digests: FileDigests) -> list[str]:
    """Shards made from files that have changed since are refused; files that are gone do not matter.

    Returns a line about each file whose content ``digests`` may not read.
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
        spec = next(one for one in data.sources if one.label == label)
        now = SOURCES[spec.kind](spec.label, spec.options).inputs(digests)
        for name in sorted(recorded.keys() | now.keys()):
            if now.get(name) == UNREAD and name in recorded:
                unread.append(f"{label}: {name}, for a change since it was read")
            elif recorded.get(name) != now.get(name):
                raise _changed(f"data.sources {label}", name)
    return unread


def _changed(field: str, name: str) -> StudyError:
    return StudyError(f"{field}: {name} has changed since the study's data were prepared; {_BEGIN_ANEW}")


def _make(data: DataSpec, folder: Path, home: Path, say: Progress, workers: int | None) -> PreparedData:
    with _scratch(folder, data.hash) as scratch:
        texts = {spec.label: _guarded_text(data, spec, folder, say) for spec in data.sources}
        _check_same_text(home, texts)
        judged = {spec.label: texts[spec.label] for spec in data.sources if not spec.auxiliary}
        tokenizer = _tokenizer(data, judged, folder, say, workers)
        write_bytes(scratch / "tokenizer.model", tokenizer.model)
        threads = workers or len(os.sched_getaffinity(0))
        sources = {}
        for place, (label, text) in enumerate(texts.items()):
            size = sum(text.num_bytes(side) for side in SIDES)
            say(f"data: tokenizing {label}, {size / 1e6:.1f} MB")
            stem = f"{place:02d}-{_slug(label)}"
            for side in SIDES:
                write_tokens(text.documents_utf8(side), tokenizer, scratch / f"{stem}.{side}", workers=threads)
            sources[label] = _described(text, scratch, stem, tokenizer)
        _write_manifest(data, scratch, tokenizer, texts, sources)
        if home.exists():  # damaged: out of the way first, since a folder is not replaced in one step
            home.replace(scratch.with_name(f"{scratch.name}.damaged"))
            shutil.rmtree(scratch.with_name(f"{scratch.name}.damaged"))
        scratch.replace(home)
        sync_path(folder)
    return PreparedData(home)


def _check_same_text(home: Path, texts: Mapping[str, GuardedText]) -> None:
    """A gate that drops more than it did leaves trials behind that were trained on what it drops now."""
    try:
        before = PreparedData(home).manifest
    except StudyError:
        return  # nothing there, or nothing that a trial could have been made from
    if before["version"] != PREPARE_VERSION:
        return
    for label, text in texts.items():
        was = before["sources"][label]
        if any(text.num_bytes(side) != was[side]["bytes"] for side in SIDES):
            raise StudyError(
                f"data.sources {label}: evaluation data are known by other fingerprints than when the study's data were "
                f"prepared, and the text is no longer the same ({dropped_in_words(text.manifest['guard']) or 'none dropped'}); "
                f"{_BEGIN_ANEW}"
            )


@contextmanager
def _scratch(folder: Path, name: str) -> Iterator[Path]:
    """A folder to work in, gone afterwards; also removes what a killed run left (the caller holds the lock)."""
    for stale in folder.glob(f".{name}.work-*"):
        shutil.rmtree(stale, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=f".{name}.work-"))
    scratch.chmod(0o755)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tokenizer(
    data: DataSpec, texts: dict[str, GuardedText], folder: Path, say: Progress, workers: int | None
) -> Tokenizer:
    if data.tokenizer_of is not None:
        base = Tokenizer.load(prepare(data.tokenizer_of, folder, progress=say, workers=workers).tokenizer_file)
        if not data.added_pieces:
            return base
        from studylib.data.extend import extend_tokenizer

        say(f"data: adding {data.added_pieces} pieces to the tokenizer of {base.vocab_size}")
        spec = data.tokenizer_spec
        return extend_tokenizer(base, training_texts(spec, texts), data.added_pieces, spec, folder)
    spec = data.tokenizer
    amount = "all the text" if spec.sample_bytes == "all" else f"{spec.sample_bytes / 1e6:.3g} MB"
    say(f"data: training a {spec.kind} tokenizer of {spec.vocab_size} pieces on {amount}")
    if spec.train_on == "lines":
        return train_tokenizer(spec, training_texts(spec, texts))
    from studylib.data.train_on_counts import train_on_counts  # polars is not needed otherwise

    return train_on_counts(spec, training_texts(spec, texts), folder)


def training_texts(spec: TokenizerSpec, texts: Mapping[str, GuardedText]) -> Iterator[str]:
    """What a tokenizer is trained on: of each source its share of the sample, or all the text."""
    shares = {label: share for label, share in spec.mix.items() if share > 0} or dict.fromkeys(texts, 1.0)
    chosen = {label: share for label, share in shares.items() if label in texts} or dict.fromkeys(texts, 1.0)
    for label, text in texts.items():
        if label not in chosen:
            continue
        if spec.sample_bytes == "all":
            yield from text.documents("train")
        else:
            part = math.ceil(spec.sample_bytes * Fraction(chosen[label]) / sum(map(Fraction, chosen.values())))
            yield from text.sample(part, spec.sample_seed)


def guarded_texts(data: DataSpec, folder: Path, *, progress: Progress | None = None) -> dict[str, GuardedText]:
    """The text of each source as it was admitted, from ``folder`` when it is there already: what tokenizers encode."""
    return {
        spec.label: _guarded_text(data, spec, Path(folder), progress or (lambda line: None)) for spec in data.sources
    }


def _guarded_text(data: DataSpec, spec: SourceSpec, folder: Path, say: Progress) -> GuardedText:
    """The source's text behind the guard, from ``folder/text`` when it is there already."""
    source: Source = SOURCES[spec.kind](spec.label, spec.options).in_study(folder.parent)
    digests = FileDigests(folder / DIGESTS)
    inputs = source.inputs(digests)
    name = content_hash(
        {
            "version": PREPARE_VERSION,
            "kind": spec.kind,
            "options": spec.options,
            "inputs": inputs,
            "validation_fraction": data.validation_fraction,
            "guard": GUARD_VERSION,
            "known": known_digests(data.evaluation_only),
        }
    )
    home = folder / "text" / name
    with file_lock(folder / "text" / f".{name}.lock", on_wait=lambda: say(f"data: waiting for {spec.label}")):
        if home.is_dir():
            try:
                return GuardedText(home)
            except StudyError as error:
                say(f"data: {error}; reading {spec.label} again")
                shutil.rmtree(home)
        say(f"data: reading {spec.label}")
        source.check()
        guard = Guard(data.evaluation_only)
        with _scratch(home.parent, name) as scratch:
            write_text_folder(scratch, source, spec.label, guard, data.validation_fraction, digests)
            if dropped := dropped_in_words(guard.record()):
                say(f"data: {spec.label}: {dropped}")
            scratch.replace(home)
            sync_path(home.parent)
        return GuardedText(home)


def _described(text: GuardedText, folder: Path, stem: str, tokenizer: Tokenizer) -> dict[str, Any]:
    inputs = text.manifest["inputs"]
    described: dict[str, Any] = {"stem": stem, "inputs": inputs, "notes": text.manifest["notes"]}
    for side in SIDES:
        shard = TokenShard(folder / f"{stem}.{side}", token_dtype(tokenizer.vocab_size), text.manifest["label"])
        described[side] = {"documents": shard.num_documents, "tokens": shard.num_tokens, "bytes": shard.num_bytes}
    return described


def _write_manifest(
    data: DataSpec, folder: Path, tokenizer: Tokenizer, texts: dict[str, GuardedText], sources: dict[str, Any]
) -> None:
    files = {one.name: digest_of(one) for one in sorted(folder.iterdir())}
    guard = {label: text.manifest["guard"] | {"text": text.manifest["seal"]} for label, text in texts.items()}
    manifest = {
        "schema": DATA_SCHEMA,
        "version": PREPARE_VERSION,
        "hash": data.hash,
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


@contextmanager
def _disk_full_explained(folder: Path) -> Iterator[None]:
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
