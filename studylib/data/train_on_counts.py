"""A tokenizer from all the text: counted first, trained on the counts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from studylib.data.counting import PieceCounts, count_pieces
from studylib.data.model_file import without_seed_file
from studylib.data.seeds import write_seeds
from studylib.data.tokenizer import Tokenizer, rare_characters, room_for_pieces, run_sentencepiece, safe, without_known
from studylib.spec import TokenizerSpec


def train_on_counts(spec: TokenizerSpec, texts: Iterable[str], folder: Path | None = None) -> Tokenizer:
    """Train on all of ``texts`` in memory that grows with its different pieces, not with its size.

    The vocabulary is that of `train_tokenizer` on the same texts: the same pieces for ``bpe``; for ``unigram`` nearly
    so, because seeds are found in another way. The same texts and specification give the same model, byte for byte. Beyond
    ``spec.most_pieces`` different pieces memory grows no more: rare ones are drawn and weigh more (`PieceCounts.thinned`).

    Parameters
    ----------
    folder
        Where temporary files go (about the size of the different pieces); default: the system's.

    Raises
    ------
    StudyError
        As `train_tokenizer`.
    """
    room = room_for_pieces(spec)
    work = Path(tempfile.mkdtemp(dir=folder, prefix=".counting-"))
    try:
        texts = without_known(spec.known_pieces, texts, spec.normalization)
        counts = count_pieces((safe(text).replace("\0", "") for text in texts), work)
        ranked = counts.characters()
        cuts = rare_characters(ranked, room // 2)
        counts = counts.thinned(spec.most_pieces)
        options: dict[str, Any] = {"input_format": "tsv", "required_chars": "\t" if counts.tabs else ""}
        if spec.kind == "unigram" and ranked:
            most = seed_size(spec.vocab_size)
            seeds = work / "seeds.tsv"
            kept = [character for character, _ in ranked if ord(character) not in cuts]
            write_seeds(counts, kept, seeds, most)
            # Rows hold no space inside a word, so nothing is left to split; SentencePiece would copy them to do it.
            options |= {
                "seed_sentencepieces_file": str(seeds),
                "seed_sentencepiece_size": most + len(kept),
                "split_by_whitespace": False,
            }
        return Tokenizer(without_seed_file(run_sentencepiece(spec, _rows(counts, cuts), **options).model))
    finally:
        shutil.rmtree(work)


def seed_size(vocab_size: int) -> int:
    """Pieces that unigram training starts from; a tenth of SentencePiece's default, and at least 8 for one kept."""
    return max(100_000, 8 * vocab_size)


def _rows(counts: PieceCounts, cuts: dict[int, str]) -> Iterator[str]:
    for piece, count in counts.rows():
        for part in piece.translate(cuts).split("\n") if cuts else (piece,):
            if part:
                yield f"{part}\t{count}"
