"""More pieces for a tokenizer that a model was trained with: old ids stay, new ones come behind them."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from studylib.data.counting import PieceCounts, count_pieces
from studylib.data.model_file import with_pieces
from studylib.data.seeds import LONGEST
from studylib.data.tokenizer import Tokenizer, safe
from studylib.errors import invalid
from studylib.spec import TokenizerSpec

_AHEAD = 0.1  # nats by which a new unigram piece beats the two it is made of


def extend_tokenizer(
    base: Tokenizer, texts: Iterable[str], added: int, spec: TokenizerSpec, folder: Path | None = None
) -> Tokenizer:
    """``base`` with ``added`` pieces of ``texts`` behind its own.

    The two neighbouring tokens that occur most often become one piece, again and again, as in byte-pair encoding; within
    what SentencePiece allows a piece to be. Token ids of ``base`` keep their meaning, and any text still comes back
    from its tokens.

    Parameters
    ----------
    texts
        New text (for fine-tuning, say); counted as `count_pieces` does.
    spec
        How ``base`` was trained: its kind and normalisation count.
    folder
        For temporary files.

    Raises
    ------
    StudyError
        The text does not hold so many pairs that occur twice.
    """
    work = Path(tempfile.mkdtemp(dir=folder, prefix=".counting-"))
    try:
        counts = count_pieces((safe(text) for text in texts), work, normalization=spec.normalization)
        merges = _merges(base, counts, added)
    finally:
        shutil.rmtree(work)
    if len(merges) < added:
        why = f"is more than the text supports (it yields {len(merges)}); use less, or more text"
        raise invalid("data.added_pieces", added, why)
    return Tokenizer(with_pieces(base.model, _scored(base, spec.kind, merges)))


def _merges(base: Tokenizer, counts: PieceCounts, most: int) -> list[tuple[str, str, str, int]]:
    """(left, right, whole, count) of each merge, in their order."""
    words: list[list[str]] = []
    weights: list[int] = []
    for frame in counts.frames():
        for tokens, count in zip(base.encode_pieces(frame["piece"].to_list()), frame["count"], strict=True):
            if len(tokens) > 1:
                words.append(tokens)
                weights.append(count)
    pairs: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += weights[number]
            places[pair].add(number)
    known = set(base.pieces)
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    merges: list[tuple[str, str, str, int]] = []
    while heap and len(merges) < most:
        negative, pair = heapq.heappop(heap)
        count = pairs.get(pair, 0)
        if count != -negative or count < 2:  # an entry from before its count changed
            continue
        whole = "".join(pair)
        if whole in known or not _may_be_piece(whole):
            del pairs[pair]
            continue
        known.add(whole)
        merges.append((*pair, whole, count))
        for changed in _apply(pair, whole, words, weights, pairs, places):
            heapq.heappush(heap, (-pairs[changed], changed))
    return merges


def _apply(
    pair: tuple[str, str],
    whole: str,
    words: list[list[str]],
    weights: list[int],
    pairs: Counter[tuple[str, str]],
    places: dict[tuple[str, str], set[int]],
) -> set[tuple[str, str]]:
    """Merge ``pair`` wherever it is; return the pairs whose counts changed and are not zero."""
    changed = set()
    for number in places.pop(pair):
        word, weight = words[number], weights[number]
        for old in pairwise(word):
            pairs[old] -= weight
            changed.add(old)
        merged, at = [], 0
        while at < len(word):
            if at + 1 < len(word) and (word[at], word[at + 1]) == pair:
                merged.append(whole)
                at += 2
            else:
                merged.append(word[at])
                at += 1
        words[number] = merged
        for new in pairwise(merged):
            pairs[new] += weight
            places[new].add(number)
            changed.add(new)
    del pairs[pair]
    return {one for one in changed if pairs[one] > 0}


def _may_be_piece(piece: str) -> bool:
    """Whether SentencePiece would have taken it: not too long, no digits, no bytes, spaces only in front or alone."""
    if len(piece) > LONGEST or "<0x" in piece or any("0" <= one <= "9" or "０" <= one <= "９" for one in piece):
        return False
    inside = piece[1:]
    return "\u2581" not in inside or not piece.strip("\u2581")


def _scored(base: Tokenizer, kind: str, merges: list[tuple[str, str, str, int]]) -> list[tuple[str, float]]:
    """Scores with which the encoder takes the new pieces.

    ``bpe``: below all old ones, so the old merges are made first and the new ones then, in their order. ``unigram``: a log
    probability, that of the two parts together and a little more, so that one piece is always likelier than the two.
    """
    scores = dict(zip(base.pieces, base.scores, strict=True))
    lowest = min(scores.values())
    found = []
    for number, (left, right, whole, _) in enumerate(merges, start=1):
        score = lowest - number if kind == "bpe" else scores[left] + scores[right] + _AHEAD
        scores[whole] = score
        found.append((whole, score))
    return found
