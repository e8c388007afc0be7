"""Logistic regression on hashed n-grams of characters, trained on samples that no order of the documents changes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.clean import Arrays
from studylib.data.clean._characters import Characters, Kind, share
from studylib.data.clean._repeated import ngram_hashes
from studylib.data.fold import digest_of_text, digests_of_texts

_NGRAMS = (2, 3)
_SCALE = 30.0  # means over hundreds of n-grams are small; this makes one penalty fit texts of usual length


@dataclass
class Sample:
    """Texts by their hashes, lowest first, each text once.

    Attributes
    ----------
    hashes
        Of the whole text; uint64 [texts].
    texts
        Their first characters.
    """

    hashes: np.ndarray
    texts: list[str]

    @classmethod
    def of(cls, arrays: Arrays) -> Sample:
        text, ends = arrays["utf8"].tobytes(), arrays["ends"].tolist()
        texts = [text[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends], ends, strict=False)]
        return cls(np.asarray(arrays["hashes"]), texts)

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays by name, for a file."""
        utf8 = [text.encode("utf-8", "surrogatepass") for text in self.texts]
        ends = np.cumsum([len(one) for one in utf8], dtype=np.int64)
        return {"hashes": self.hashes, "ends": ends, "utf8": np.frombuffer(b"".join(utf8), dtype=np.uint8)}

    @classmethod
    def merged(cls, samples: Iterable[Sample], size: int) -> Sample:
        """The ``size`` lowest of all; no more than two samples are in memory."""
        lowest: dict[int, str] = {}
        for one in samples:
            lowest |= zip(one.hashes.tolist(), one.texts, strict=True)
            lowest = dict(heapq.nsmallest(size, lowest.items()))
        hashes = sorted(lowest)
        return cls(np.array(hashes, dtype=np.uint64), [lowest[one] for one in hashes])


def sampled(texts: Sequence[str], size: int, characters: int, part: float = 1.0) -> Sample:
    """The texts with the lowest hashes; ``part`` of all hashes are looked at."""
    top = math.floor(part * 2**64)

    def lowest() -> Iterator[tuple[int, str]]:
        for text in texts:
            number = digest_of_text(text)
            if number < top and not text.isspace() and text:
                yield number, text[:characters]

    found = dict(heapq.nsmallest(size, lowest()))
    return Sample(np.array(list(found), dtype=np.uint64), list(found.values()))


def fitted(
    good: Sample, rest: Sample, *, bits: int, penalty: float, keep: float | None, threshold: float | None
) -> dict[str, np.ndarray]:
    """Two classifiers, ``weights`` float32 [2, buckets] and ``bias`` [2], and the score below which a text is dropped.

    Each has learnt one half of the samples, by the texts' hashes, and judges the texts of the other half: no text is judged by one
    that has learnt it by heart, also where the samples are all of the text.
    """
    if not rest.texts:  # nothing is to be judged
        return {"weights": np.zeros((2, 1 << bits), dtype=np.float32), "bias": np.zeros(2), "cut": np.full(1, -np.inf)}
    texts, truth = [*good.texts, *rest.texts], np.repeat([1.0, 0.0], [len(good.texts), len(rest.texts)])
    table, halves = _features(texts, bits), _half(np.concatenate([good.hashes, rest.hashes]))
    weights, bias, unseen = np.zeros((2, 1 << bits)), np.zeros(2), np.zeros(len(texts))
    for half in (0, 1):
        learnt = halves != half
        if len(np.unique(truth[learnt])) < 2:  # so few texts that a side is missing
            learnt[:] = True
        weights[half], bias[half] = _fit(table[learnt], truth[learnt], penalty)
        unseen[halves == half] = table[halves == half] @ weights[half] + bias[half]
    if threshold is not None:
        with np.errstate(divide="ignore"):
            cut = float(np.log(threshold) - np.log1p(-threshold))
    else:
        cut = float(np.quantile(unseen[truth == 0], 1 - keep))
    return {"weights": weights.astype(np.float32), "bias": bias, "cut": np.array([cut])}


def scores(texts: Sequence[str], characters: Characters, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Log odds that each text is good, by the classifier that has not learnt its half; float64 [texts]."""
    total, many = np.zeros(len(characters.lengths)), np.zeros(len(characters.lengths))
    halves = _half(digests_of_texts(texts))
    bits = weights.shape[1].bit_length() - 1
    for buckets, owners in _buckets(characters, bits):
        total += np.bincount(owners, weights=weights[halves[owners], buckets], minlength=len(total))
        many += np.bincount(owners, minlength=len(total))
    return bias[halves] + _SCALE * share(total, many)


def _half(hashes: np.ndarray) -> np.ndarray:
    """0 or 1, by another bit than those that decide who is sampled."""
    return (hashes >> np.uint64(7) & np.uint64(1)).astype(np.int64)


def _buckets(characters: Characters, bits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The buckets of all n-grams, and the number of the text each is in; digits are one digit, white space is one space."""
    codes, kinds = characters.codes.copy(), characters.kinds
    codes[kinds == Kind.DIGIT] = ord("0")
    codes[kinds == Kind.SPACE] = ord(" ")
    for n in _NGRAMS:
        hashes = ngram_hashes(codes, n, np.uint32)
        owners = characters.owners[: len(hashes)]
        inside = owners == characters.owners[len(characters.owners) - len(hashes) :]
        yield hashes[inside] >> np.uint32(32 - bits), owners[inside]


def _features(texts: Sequence[str], bits: int):
    """A row for each text: the share of its n-grams in each bucket, times a scale; sparse float64 [texts, buckets]."""
    from scipy.sparse import csr_matrix, diags

    parts = list(_buckets(Characters(texts), bits))
    columns, rows = np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])
    table = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), 1 << bits))
    many = np.maximum(np.asarray(table.sum(axis=1)).ravel(), 1)
    return (diags(_SCALE / many) @ table).tocsr()


def _fit(table, truth: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weights for the scaled table and bias: both sides weigh the same, however many texts each has."""
    from scipy.optimize import minimize

    signs = 2 * truth - 1
    each = np.where(truth == 1, 0.5 / max(truth.sum(), 1), 0.5 / max((1 - truth).sum(), 1))
    across = table.T.tocsr()

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margins = signs * (table @ weights + bias)
        pull = -signs * each / (1 + np.exp(np.clip(margins, -500, 500)))
        gradient = np.append(across @ pull + penalty * weights, pull.sum())
        return float(each @ np.logaddexp(0, -margins) + 0.5 * penalty * weights @ weights), gradient

    found = minimize(loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return found.x[:-1], float(found.x[-1])
