"""A tokenizer of guarded texts: trained once, kept, bound to the text that it was trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from studylib.data.guard import check_seal, seal
from studylib.data.prepared import check_same_tokenizer, restored_manifest
from studylib.data.text import GuardedText, digest_of
from studylib.data.texts import Progress, guarded_text
from studylib.data.tokenizer import Tokenizer, train_tokenizer
from studylib.data.whole import disk_full_explained, made_by_one, whole_folder
from studylib.errors import StudyError
from studylib.files import read_json, write_bytes, write_json
from studylib.spec import TokenizerSpec, VocabularySpec
from studylib.spec.record import plain_record

VOCABULARY_SCHEMA = 1


class TrainedTokenizer:
    """A tokenizer on disk, opened only if its seal holds and its file is as it was written.

    Raises
    ------
    StudyError
        The manifest is missing or damaged, does not say on which guarded text it was trained, or does not fit the file.
    """

    def __init__(self, folder: Path):
        self.file, manifest = folder / "tokenizer.model", folder / "manifest.json"
        try:
            self.manifest: dict[str, Any] = read_json(manifest)
        except (OSError, ValueError) as error:
            raise StudyError(f"{manifest}: cannot be read: {error}") from None
        check_seal(self.manifest, file=manifest)
        if not self.file.is_file():
            raise StudyError(f"{self.file}: is missing")
        if digest_of(self.file) != self.digest:
            raise StudyError(f"{self.file}: is damaged: its content is not what was written")

    @property
    def digest(self) -> dict[str, Any]:
        """Size and digest of the file."""
        return self.manifest["files"][self.file.name]

    def load(self) -> Tokenizer:
        return Tokenizer.load(self.file)


def trained_tokenizer(spec: VocabularySpec, folder: Path, *, progress: Progress | None = None) -> TrainedTokenizer:
    """The tokenizer from ``folder/tokenizers/<hash>``, trained if it is not there or was trained on other text.

    Parameters
    ----------
    folder
        Where prepared data of a study lie (DIR/data).

    Raises
    ------
    StudyError
        As `guarded_text`; the text does not support so many pieces; or of the same text a record that was restored has another.
    """
    say = progress or (lambda line: None)
    texts = {label: guarded_text(text, folder, progress=progress) for label, text in spec.texts.items()}
    base = None if spec.extends is None else trained_tokenizer(spec.extends, folder, progress=progress)
    guard: dict[str, Any] = {step.name: {"text": texts[label].manifest["seal"]} for label, step in spec.texts.items()}
    if base is not None:
        guard[spec.extends.name] = {"tokenizer": base.manifest["seal"]}
    home = folder / "tokenizers" / spec.hash
    with (
        disk_full_explained(folder),
        made_by_one(home, on_wait=lambda: say(f"data: waiting for the {spec.label}")),
    ):
        if home.is_dir():
            try:
                trained = TrainedTokenizer(home)
                if trained.manifest["guard"] == guard:
                    return trained
            except StudyError as error:
                say(f"data: {error}; training it again")
        tokenizer = _train(spec, texts, base, folder, say)
        with whole_folder(home) as scratch:
            write_bytes(scratch / "tokenizer.model", tokenizer.model)
            files = {"tokenizer.model": digest_of(scratch / "tokenizer.model")}
            before = restored_manifest(home)
            if before is not None and before["guard"] == guard:  # of other text it is for `prepare` to say so
                check_same_tokenizer(home, before, files["tokenizer.model"])
            manifest = plain_record(spec) | {
                "schema": VOCABULARY_SCHEMA, "vocab_size": tokenizer.vocab_size,
                "guard": guard, "files": files, "seal": seal(guard, files),
            }  # fmt: skip
            write_json(scratch / "manifest.json", manifest)
        return TrainedTokenizer(home)


def _train(
    spec: VocabularySpec, texts: Mapping[str, GuardedText], base: TrainedTokenizer | None, folder: Path, say: Progress
) -> Tokenizer:
    asked, sample = spec.tokenizer, training_texts(spec.tokenizer, texts)
    if base is not None:
        from studylib.data.extend import extend_tokenizer

        before = base.load()
        say(f"data: adding {spec.added_pieces} pieces to the tokenizer of {before.vocab_size}")
        return extend_tokenizer(before, sample, spec.added_pieces, asked, folder)
    amount = "all the text" if asked.sample_bytes == "all" else f"{asked.sample_bytes / 1e6:.3g} MB"
    say(f"data: training a {asked.kind} tokenizer of {asked.vocab_size} pieces on {amount}")
    if asked.train_on == "lines":
        return train_tokenizer(asked, sample)
    from studylib.data.train_on_counts import train_on_counts  # polars is not needed otherwise

    return train_on_counts(asked, sample, folder)


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
