"""MinHash deduplication against datatrove's own pipeline on the same text, and against the curve that it must follow."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.data.fold import Folded
from studylib.data.minhash import MinHash
from studylib.data.text import batches
from studylib.spec.cleaning import CleanerSpec

_FIRST, _DISTINCT = 0x4E00, 20_983  # kanji that no normalisation changes, a prime number of them
_LENGTH = 300


@dataclass(frozen=True)
class CurveRow:
    """Of pairs of one Jaccard similarity: the share that MinHash found, and P(s)."""

    similarity: float
    pairs: int
    found: float
    expected: float


@dataclass(frozen=True)
class DedupRow:
    """One program over the same text.

    Attributes
    ----------
    mb_per_s
        MB of UTF-8 a second of one core, from the texts to what is kept.
    removed, pairs
        Documents dropped; pairs of documents that share a band.
    only_here
        Pairs that the other program did not find.
    by_chance
        How many of them chance alone makes: with similarity s, two right programs with other hash functions disagree on
        2 P(s) (1 - P(s)) of all pairs.
    only_of_alike
        Share of `only_here` among the pairs of similarity 0.9 or more, which both ought to find.
    """

    program: str
    mb_per_s: float
    removed: int
    pairs: int
    only_here: int
    by_chance: float
    only_of_alike: float


def curve(
    minhash: MinHash, similarities: Sequence[float] = (0.6, 0.7, 0.8, 0.9), pairs: int = 20_000, seed: int = 0
) -> list[CurveRow]:
    """How often pairs of texts of exactly known similarity share a band.

    Two texts of 300 characters begin alike and go on differently, no n-gram twice in them.
    """
    random, rows = np.random.default_rng(seed), []
    whole, places = _LENGTH - minhash.ngram + 1, np.arange(2 * _LENGTH)
    for similarity in similarities:
        same = round(2 * whole * similarity / (1 + similarity))
        found = 0
        for begin in range(0, pairs, 2000):
            count = min(2000, pairs - begin)
            texts = []
            for _ in range(count):
                start, step = random.integers(1, _DISTINCT, 2)
                drawn = _FIRST + (start + step * places) % _DISTINCT  # all different
                text = drawn.astype("<u4").tobytes().decode("utf-32-le")
                texts += [text[:_LENGTH], text[: same + minhash.ngram - 1] + text[_LENGTH:][: whole - same]]
            signatures = minhash.signatures(Folded(texts))
            left, right = signatures[::2], signatures[1::2]
            shared = (left[:, : minhash.bands] == right[:, : minhash.bands]).any(axis=1)
            found += int((shared & minhash.are_near(left[:, minhash.bands :], right[:, minhash.bands :])).sum())
        exact = same / (2 * whole - same)
        rows.append(CurveRow(exact, pairs, found / pairs, minhash.probability(exact)))
    return rows


def side_by_side(texts: Sequence[str], minhash: MinHash, *, seed: int = 1) -> list[DedupRow]:
    """This study's steps and datatrove's four stages (sha1, a tokenizer of characters) with equal n-grams, bands and rows.

    datatrove is given the folded texts and told to normalise nothing, so that both see the same n-grams. Texts without one are
    left out: it lets them pass. ``seed`` is datatrove's.
    """
    enough = (Folded(texts).lengths >= minhash.ngram).tolist()
    texts = [text for text, keep in zip(texts, enough, strict=True) if keep]
    megabytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    began = time.process_time()
    removed = _ours(texts, minhash)
    own_seconds = time.process_time() - began
    folded = Folded(texts)
    plain = ["".join(map(chr, folded.codes[a:b])) for a, b in zip(folded.starts, folded.ends, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        theirs_removed = _datatrove(plain, minhash, Path(folder), seed)
        seconds = time.process_time() - began
        theirs = _pairs_of(_groups_of_datatrove(Path(folder), minhash), len(texts))
    ours = _own_pairs(folded, minhash)
    every = np.union1d(ours, theirs)
    similarities = _similarities(plain, every, minhash.ngram)
    chances = minhash.probability(similarities)
    one_of_two = float((chances * (1 - chances) / (1 - (1 - chances) ** 2)).sum())  # of those that either finds
    alike = similarities >= 0.9
    rows = []
    for name, took, gone, found, other in (
        ("studylib", own_seconds, removed, ours, theirs),
        ("datatrove", seconds, theirs_removed, theirs, ours),
    ):
        only = np.isin(every, found) & ~np.isin(every, other)
        share = float((only & alike).sum() / max(alike.sum(), 1))
        rows.append(DedupRow(name, megabytes / took, gone, len(found), int(only.sum()), one_of_two, share))
    return rows


def _similarities(texts: Sequence[str], pairs: np.ndarray, ngram: int) -> np.ndarray:
    """The Jaccard similarity of the n-grams of each pair, counted; float64 [pairs]."""
    found = []
    last, sets = -1, {}
    for left, right in zip(*(one.tolist() for one in np.divmod(pairs, len(texts))), strict=True):
        if left != last:  # pairs are ascending, so those of a text come together
            last, sets = left, {left: _ngrams(texts[left], ngram)}
        other = _ngrams(texts[right], ngram)
        found.append(len(sets[left] & other) / max(len(sets[left] | other), 1) if other else 1.0)
    return np.array(found)


def _ngrams(text: str, ngram: int) -> set[str]:
    return {text[place : place + ngram] for place in range(len(text) - ngram + 1)}


def _ours(texts: Sequence[str], minhash: MinHash) -> int:
    """Documents dropped by the cleaner, from survey to judgement."""
    options = {"ngram": minhash.ngram, "bands": minhash.bands, "rows": minhash.rows, "exact_below": minhash.exact_below}
    cleaner = CleanerSpec(cleaner="minhash", **options).built()
    all_batches, first = [], 0
    for documents in batches(map(Document, texts)):
        all_batches.append(Batch(documents, first))
        first += len(documents)
    conclusion = cleaner.conclude(cleaner.survey(batch) for batch in all_batches)
    return sum(bool(reason) for batch in all_batches for reason in cleaner.judge(batch, conclusion).reasons)


def _own_pairs(folded: Folded, minhash: MinHash) -> np.ndarray:
    signatures = minhash.signatures(folded)
    groups = []
    for band in range(minhash.bands):
        order = np.argsort(signatures[:, band], kind="stable")
        groups += _runs(signatures[order, band], order)
    pairs = _pairs_of(groups, len(signatures))
    left, right = np.divmod(pairs, len(signatures))
    words = signatures[:, minhash.bands :]
    return pairs[minhash.are_near(words[left], words[right])]


def _runs(keys: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    edges = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1, [len(keys)]])
    return [order[a:b] for a, b in pairwise(edges.tolist()) if b - a > 1]


def _pairs_of(groups: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Every pair within a group once, as smaller * count + larger, ascending; int64."""
    found = [np.empty(0, dtype=np.int64)]
    for group in groups:
        members = np.sort(group).astype(np.int64)
        left, right = np.triu_indices(len(members), 1)
        found.append(members[left] * count + members[right])
    return np.unique(np.concatenate(found))


def _datatrove(texts: Sequence[str], minhash: MinHash, folder: Path, seed: int) -> int:
    """All four stages on one core; documents removed."""
    from datatrove.data import Document as TheirDocument
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.text import TextNormConfig
    from datatrove.utils.word_tokenizers import WordTokenizer
    from loguru import logger

    class Characters(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return list(text)

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    left = []

    def documents(data=None, rank: int = 0, world_size: int = 1):
        for place, text in enumerate(texts):
            yield TheirDocument(text=text, id=str(place))

    def count(data, rank: int = 0, world_size: int = 1):
        for document in data:
            left.append(document.id)
            yield document

    as_it_is = TextNormConfig(False, False, False, False, False)
    config = MinhashConfig(
        minhash.ngram, minhash.bands, minhash.rows, seed, norm_config=as_it_is, hash_config=HashConfig(hash_fc="sha1")
    )
    stages = [
        (1, [documents, MinhashDedupSignature(f"{folder}/signatures", config, language=Characters())]),
        (minhash.bands, [MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config)]),
        (1, [documents, MinhashDedupFilter(f"{folder}/remove"), count]),
    ]
    logger.disable("datatrove")
    for number, (tasks, steps) in enumerate(stages):
        logs = f"{folder}/logs{number}"
        LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=logs, skip_completed=False).run()
    logger.enable("datatrove")
    return len(texts) - len(left)


def _groups_of_datatrove(folder: Path, minhash: MinHash) -> list[np.ndarray]:
    """Documents with the same signature in a bucket, from the files of its first stage."""
    row = np.dtype([("keys", "<u8", minhash.rows), ("document", "<u4")])
    groups = []
    for file in sorted(folder.glob("signatures/bucket_*/*.minhash.sig")):
        records = np.fromfile(file, dtype=row)
        _, keys = np.unique(records["keys"], axis=0, return_inverse=True)
        order = np.argsort(keys, kind="stable")
        groups += _runs(keys[order], records["document"][order])
    return groups
