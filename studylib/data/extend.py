"""More pieces for a tokenizer that a model was trained with: old ids stay, new ones come behind them."""

from __future__ import annotations

import heapq
import math
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from pathlib import Path

from studylib.data.counting import PieceCounts, count_pieces
from studylib.data.model_file import GRID, on_grid, with_pieces
from studylib.data.seeds import LONGEST
from studylib.data.tokenizer import Tokenizer, safe, without_known
from studylib.errors import invalid
from studylib.spec import TokenizerSpec

_UNCOVERED = 0.0005
_AHEAD = 4 * GRID  # nats by which a new unigram piece beats the two it is made of


def extend_tokenizer(
    base: Tokenizer, texts: Iterable[str], added: int, spec: TokenizerSpec, folder: Path | None = None
) -> Tokenizer:
    """``base`` with ``added`` pieces of ``texts`` behind its own.

    First come characters that ``base`` writes as bytes and the new text needs, half of the new pieces at most. Then the two
    neighbouring tokens that occur most often become one piece, again and again, as in byte-pair encoding; within what
    SentencePiece allows a piece to be. Token ids of ``base`` keep their meaning, its known pieces too, and any text still
    comes back from its tokens.

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
        texts = without_known(base.known_pieces.values(), texts, spec.normalization)
        counts = count_pieces(map(safe, texts), work)
        words = _Words(base, counts, added // 2)
    finally:
        shutil.rmtree(work)
    merges = words.merge(added - len(words.new_characters))
    found = len(words.new_characters) + len(merges)
    if found < added:
        why = f"is more than the text supports (it yields {found}); use less, or more text"
        raise invalid("data.added_pieces", added, why)
    return Tokenizer(with_pieces(base.model, _scored(base, spec.kind, words, merges)))


class _Words:
    """The counted pieces as rows of tokens, with the places of every pair of neighbours."""

    def __init__(self, base: Tokenizer, counts: PieceCounts, most_characters: int):
        self.known = set(base.pieces)
        self.total = 0  # characters of the text
        rows: list[tuple[list[str], int]] = []
        missing: Counter[str] = Counter()
        for frame in counts.frames():
            pieces = frame["piece"].to_list()
            for piece, tokens, count in zip(pieces, base.encode_pieces(pieces), frame["count"], strict=True):
                row = _with_characters(tokens)
                rows.append((row, count))
                self.total += len(piece) * count
                for token in row:
                    if token not in self.known:
                        missing[token] += count
        self.new_characters = _needed(missing, self.total, most_characters)
        self.known |= self.new_characters.keys()
        self.rows: list[list[str]] = []
        self.counts: list[int] = []
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.places: dict[tuple[str, str], set[int]] = defaultdict(set)
        for row, count in rows:
            for is_known, part in groupby(row, self.known.__contains__):
                if is_known:
                    self._add(list(part), count)

    def _add(self, row: list[str], count: int) -> None:
        if len(row) < 2:
            return
        for pair in pairwise(row):
            self.pairs[pair] += count
            self.places[pair].add(len(self.rows))
        self.rows.append(row)
        self.counts.append(count)

    def merge(self, most: int) -> list[tuple[str, str]]:
        """The pairs that become pieces, in their order."""
        heap = [(-count, pair) for pair, count in self.pairs.items()]
        heapq.heapify(heap)
        merges: list[tuple[str, str]] = []
        while heap and len(merges) < most:
            negative, pair = heapq.heappop(heap)
            if self.pairs.get(pair, 0) != -negative or negative > -2:  # from before its count changed, or too rare
                continue
            whole = "".join(pair)
            if whole in self.known or not _may_be_piece(whole):
                del self.pairs[pair]
                continue
            self.known.add(whole)
            merges.append(pair)
            for changed in self._apply(pair, whole):
                heapq.heappush(heap, (-self.pairs[changed], changed))
        return merges

    def _apply(self, pair: tuple[str, str], whole: str) -> set[tuple[str, str]]:
        """Merge ``pair`` wherever it is; return the pairs whose counts changed and are not zero."""
        changed = set()
        for number in self.places.pop(pair):
            row, count = self.rows[number], self.counts[number]
            for old in pairwise(row):
                self.pairs[old] -= count
                changed.add(old)
            merged, at = [], 0
            while at < len(row):
                if at + 1 < len(row) and (row[at], row[at + 1]) == pair:
                    merged.append(whole)
                    at += 2
                else:
                    merged.append(row[at])
                    at += 1
            self.rows[number] = merged
            for new in pairwise(merged):
                self.pairs[new] += count
                self.places[new].add(number)
                changed.add(new)
        del self.pairs[pair]
        return {one for one in changed if self.pairs[one] > 0}


def _with_characters(tokens: Sequence[str]) -> list[str]:
    """``tokens`` with the characters themselves where there were their bytes."""
    row: list[str] = []
    waiting = bytearray()
    for token in (*tokens, ""):
        if len(token) == 6 and token.startswith("<0x"):
            waiting.append(int(token[3:5], 16))
            continue
        row += waiting.decode()
        waiting.clear()
        if token:
            row.append(token)
    return row


def _needed(missing: Counter[str], total: int, most: int) -> dict[str, int]:
    """The commonest missing characters, until those left are under 0.05 % of the text, ``most`` at most."""
    left = missing.total()
    chosen: dict[str, int] = {}
    for character, count in sorted(missing.items(), key=lambda one: (-one[1], one[0])):
        if len(chosen) == most or count < 2 or left <= _UNCOVERED * total:
            break
        if not character.isdigit() and character not in "\0\u2585":
            chosen[character] = count
        left -= count
    return chosen


def _may_be_piece(piece: str) -> bool:
    """Whether SentencePiece would have taken it: not too long, no digits, spaces only in front or alone."""
    if len(piece) > LONGEST or any("0" <= one <= "9" or "０" <= one <= "９" for one in piece):
        return False
    return "\u2581" not in piece[1:] or not piece.strip("\u2581")


def _scored(base: Tokenizer, kind: str, words: _Words, merges: list[tuple[str, str]]) -> list[tuple[str, float]]:
    """Scores with which the encoder takes the new pieces.

    ``bpe``: below all old ones, so the old merges are made first and the new ones then, in their order. ``unigram``: a log
    probability; of a merge that of the two parts together and a little more, so that one is always likelier than the two.
    """
    scores = dict(zip(base.pieces, base.scores, strict=True))
    lowest = min(scores.values())
    found: list[tuple[str, float]] = []
    for character, count in words.new_characters.items():
        scores[character] = lowest - 1 - len(found) if kind == "bpe" else on_grid(math.log(count / words.total))
        found.append((character, scores[character]))
    for left, right in merges:
        whole = left + right
        scores[whole] = lowest - 1 - len(found) if kind == "bpe" else scores[left] + scores[right] + _AHEAD
        found.append((whole, scores[whole]))
    return found
