"""Scores of JGLUE's tasks, out of what a model answered.

This file stands alone: lm-evaluation-harness is given a copy of it (`study evaluate --harness`), and calls the functions that take
an item and what a model answered to it.
"""

import math
from collections import Counter

import numpy as np

LABELS = 6  # similarities of JSTS: 0 to 5


# --- judging


def normalised(text):
    """As JGLUE's evaluation does (yahoojapan/JGLUE, fine-tuning/patch: normalize_answer): lower case, no 。 at the end, single spaces."""
    return " ".join(text.lower().rstrip("。").split())


def exact_match(written, answers):
    """1.0 if it is one of the right answers."""
    return float(any(normalised(written) == normalised(one) for one in answers))


def character_f1(written, answers):
    """Of the characters of both, each as often as it is there; the best of the right answers (as there, compute_f1)."""
    return max(shared_characters(normalised(written), normalised(one)) for one in answers)


def shared_characters(written, right):
    """F1 of the characters of both texts as they are."""
    if not written or not right:
        return float(written == right)
    shared = sum((Counter(written) & Counter(right)).values())
    return 2 * shared / (len(written) + len(right))


def expected_similarity(likelihoods):
    """Of 0 to 5, each weighed with how likely it is among them."""
    weights = np.exp(np.asarray(likelihoods) - np.max(likelihoods))
    return float(weights @ np.arange(LABELS) / weights.sum())


def balanced_accuracy(judged):
    """Mean over labels of the share that is right: of (label, right) pairs."""
    return float(np.mean([np.mean(of_label) for of_label in _by_label(judged).values()]))


def balanced_error(judged):
    """Its standard error: of each label's share the binomial one."""
    by_label = _by_label(judged)
    return math.sqrt(sum(np.var(of_label) / len(of_label) for of_label in by_label.values())) / len(by_label)


def _by_label(judged):
    found = {}
    for label, right in judged:
        found.setdefault(label, []).append(right)
    return found


def pearson(pairs):
    """Of (found, right) pairs; 0 where one of both is always the same."""
    from scipy import stats  # a specification is validated without it

    found, right = np.array(pairs, dtype=float).T
    return 0.0 if np.ptp(found) == 0 or np.ptp(right) == 0 else float(stats.pearsonr(found, right).statistic)


def spearman(pairs):
    """As `pearson`, of ranks, equal ones sharing theirs."""
    from scipy import stats

    found, right = np.array(pairs, dtype=float).T
    return pearson(list(zip(stats.rankdata(found), stats.rankdata(right), strict=True)))


# --- items of the harness


def choices(doc, results):
    """Of JCommonsenseQA."""
    likelihoods = _answers_alone(doc, results)
    right = doc["target"]
    a_byte = likelihoods / [len(one.encode()) for one in doc["answers"]]
    return {"accuracy": float(np.argmax(a_byte) == right), "accuracy_raw": float(np.argmax(likelihoods) == right)}


def labels(doc, results):
    """Of JNLI."""
    judged = choices(doc, results)
    return judged | {"balanced_accuracy": (doc["target"], judged["accuracy"])}


def similarity(doc, results):
    """Of JSTS."""
    pair = (expected_similarity(_answers_alone(doc, results)), doc["right"])
    return {"pearson": pair, "spearman": pair}


def written(doc, results):
    """Of JSQuAD."""
    return {"exact_match": exact_match(results[0], doc["right"]), "f1": character_f1(results[0], doc["right"])}


def _answers_alone(doc, results):
    """The harness lets no text before an answer end in white space; such white space is before every choice, and alone the last."""
    likelihoods = np.array([one[0] for one in results])
    answers = len(doc["answers"])
    return likelihoods[:answers] - likelihoods[answers:].sum()
