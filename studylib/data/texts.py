"""The text of a source behind the gate: looked at beforehand, read once, kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from studylib.data.cleaned import CleanedSource, cleaned_text
from studylib.data.cleaning import check_steps
from studylib.data.digest import Allowance, FileDigests
from studylib.data.guard import Guard, dropped_in_words
from studylib.data.guard.known import evaluation_digests, known_digests
from studylib.data.source import Source
from studylib.data.split import Split
from studylib.data.text import GuardedText, SideCount, batches, check_not_empty, together, write_text_folder
from studylib.data.whole import disk_full_explained, made_by_one, whole_folder
from studylib.errors import StudyError, invalid
from studylib.registry import CHAT_TEMPLATES, SOURCES
from studylib.spec import CleanedText, DataSpec, SourceSpec, TextSpec

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
    for one in with_parents(data):
        sources = {spec.label: opened(spec) for spec in one.sources}
        _check_conversations(one, sources)
        for spec in one.sources:
            source = sources[spec.label]
            check_steps(f"data.sources {spec.label}", spec.cleaning, online=online)
            if online or not source.remote:
                source.check()
        evaluation_digests(one.evaluation_only)


def _check_conversations(data: DataSpec, sources: Mapping[str, Source]) -> None:
    """Refuse a template that is not used or lacks its pieces, and cleaning, which is of plain text."""
    used = False
    for spec in data.sources:
        source = sources[spec.label]
        if not source.talks:
            continue
        used = True
        if spec.cleaning:
            raise invalid("data.sources", spec.label, f"holds {source.holds}, which cleaning would take for plain text")
    if used:
        known = data.tokenizer_spec.known_pieces
        if missing := [piece for piece in CHAT_TEMPLATES[data.chat_template].pieces if piece not in known]:
            why = f"needs {', '.join(missing)} in data.tokenizer.known_pieces"
            raise invalid("data.chat_template", data.chat_template, why)
    elif data.chat_template != DataSpec.model_fields["chat_template"].default:
        raise invalid("data.chat_template", data.chat_template, "is not used: no source holds conversations")


def look_at_sources(data: DataSpec, allowance: Allowance, seen: dict[str, list[str]] | None = None) -> list[str]:
    """Find bad text, so far as ``allowance`` lets it be read; return a line about each part that was not looked at.

    Parameters
    ----------
    seen
        What was said of each text that was looked at before, by the text's hash; it is not read again. New ones are put there.

    Raises
    ------
    StudyError
        Text that `prepare` would refuse.
    """
    seen = {} if seen is None else seen
    unread: list[str] = []
    for one in with_parents(data):
        for label, text in one.texts.items():
            if text.hash not in seen:
                seen[text.hash] = _look_at(text, allowance)
            unread += [f"{label}: {line}" for line in seen[text.hash]]
    return list(dict.fromkeys(unread))


def _look_at(text: TextSpec, allowance: Allowance) -> list[str]:
    spec = text.source
    source = opened(spec)
    documents, left_out = source.look(allowance)
    Guard().admit(first := list(islice(documents, _GUARDED)))
    with tempfile.TemporaryFile() as signatures:
        split = Split(signatures, text.validation_fraction)
        for batch in batches(chain(first, documents)):
            contents = [document.utf8() for document in batch]
            if not left_out and not spec.cleaning:  # what a cleaning leaves is not known yet
                split.add([document.text for document in batch], contents, together(batch))
        if source.given and not left_out and not spec.cleaning:
            sides = SideCount.of(split, split.in_validation())
            check_not_empty(spec.label, sides, "", text.validation_fraction)
    return left_out


def guarded_text(spec: TextSpec, folder: Path, *, progress: Progress | None = None, workers: int = 1) -> GuardedText:
    """The text of a source behind the guard, from ``folder/text/<hash>`` when it is there already.

    It is read again when its files, its cleaning, what is known of evaluation data or the guard have changed since: what was
    made of it tells by its seal that it was made of other text.

    Parameters
    ----------
    folder
        Where prepared data of a study lie (DIR/data).
    workers
        Processes for cleaning.

    Raises
    ------
    StudyError
        The source is bad or refused, nothing is left of it, or the disk is full.
    """
    say = progress or (lambda line: None)
    label, home = spec.source.label, folder / "text" / spec.hash
    with disk_full_explained(folder):
        digests = digests_of(spec, folder)
        if spec.source.cleaning:
            source: Source = cleaned_source(spec.cleaned, folder, progress=say, workers=workers)
        else:
            source = opened(spec.source).in_study(folder.parent)
        with made_by_one(home, on_wait=lambda: say(f"data: waiting for {label}")):
            if home.is_dir():
                try:
                    text = GuardedText(home)
                    if text.is_of(source.inputs(digests), source.seal, known_digests(spec.evaluation_only)):
                        return text
                except StudyError as error:
                    say(f"data: {error}; reading {label} again")
            say(f"data: reading {label}")
            source.check()
            guard = Guard(spec.evaluation_only)
            with whole_folder(home) as scratch:
                write_text_folder(scratch, source, spec, guard, digests)
                if dropped := dropped_in_words(guard.record()):
                    say(f"data: {label}: {dropped}")
            text = GuardedText(home)
            if count := text.num_straddling:
                near = f"{count} validation documents have near copies in training, so their loss says little"
                say(f"data: {label} is one template throughout: {near}")
            return text


def cleaned_source(
    spec: CleanedText, folder: Path, *, progress: Progress | None = None, workers: int = 1
) -> CleanedSource:
    """A source as its cleaning leaves it, from ``folder/cleaned/<hash>`` when it is there already; see `cleaned_text`."""
    source = opened(spec.source).in_study(folder.parent)
    digests = FileDigests(_digests_file(spec, folder))
    return CleanedSource(source, cleaned_text(spec, folder, source, digests, progress=progress, workers=workers))


def digests_of(spec: TextSpec, folder: Path, allowance: Allowance | None = None) -> FileDigests:
    """Of the files that a source is read from; kept beside what is read from them, since others may be read at the same time."""
    reader = spec.cleaned if spec.source.cleaning else spec
    return FileDigests(_digests_file(reader, folder), allowance)


def _digests_file(step: TextSpec | CleanedText, folder: Path) -> Path:
    return folder / step.kind / f".{step.hash}.step" / "digests.json"


def guarded_texts(
    data: DataSpec, folder: Path, *, progress: Progress | None = None, workers: int = 1
) -> dict[str, GuardedText]:
    """`guarded_text` of each source: what tokenizers encode."""
    return {
        label: guarded_text(text, Path(folder), progress=progress, workers=workers)
        for label, text in data.texts.items()
    }


def with_parents(data: DataSpec) -> Iterator[DataSpec]:
    """``data``, and those that its tokenizer is of."""
    while data is not None:
        yield data
        data = data.tokenizer_of


def opened(spec: SourceSpec) -> Source:
    """The source of a specification, unless the guard knows it by name."""
    Guard.check_source(spec.label, spec.kind, spec.options)
    return SOURCES[spec.kind](spec.label, spec.options)
