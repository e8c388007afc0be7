"""JSTS: how alike are two sentences in what they mean?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from studylib.errors import invalid
from studylib.train.benchmark import Asked, Measured
from studylib.train.benchmark._jglue import Jglue, Question
from studylib.train.benchmark._scores import LABELS, expected_similarity, pearson, spearman

__all__ = ["JSTS"]

_RESAMPLES = 1000


class JSTS(Jglue):
    """Pearson's and Spearman's correlation of what people say, 0.0 to 5.0, with the expected value of the model's answer.

    That is the mean of 0, 1, 2, 3, 4, 5, each weighed with its likelihood as the answer among the six; all are one byte. Errors are
    of a bootstrap over items.

    ``plain-1`` tells the task and its scale, and the sentences; ``bare-1`` the sentences and asks how alike they are.
    """

    _name = "JSTS"
    _fields = ("sentence_pair_id", "sentence1", "sentence2", "label")
    _words: ClassVar[Mapping[str, str]] = {
        "plain-1": "2つの文の意味がどれだけ近いかを、0（まったく違う）から5（同じ）までの数で答えてください。\n"
        "文1: {sentence1}\n文2: {sentence2}",
        "bare-1": "{sentence1}\n{sentence2}\n0から5で、どれだけ似ていますか。",
    }
    _harness_scores = "similarity"
    _tokens_each = 500

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._fitting import only_fitting
        from studylib.train.benchmark._likelihood import log_likelihoods

        trained, questions = asked.trained, self.questions()
        kept, rows, left_out = only_fitting(trained, "jsts", questions, [one.choices for one in questions])
        likelihoods = log_likelihoods(trained, rows).reshape(len(kept), LABELS)
        found = [
            {
                "item": one.item, "question": one.prompt[0].content, "answer": one.right,
                "expected": expected_similarity(each), "absolute_difference": abs(expected_similarity(each) - one.right),
            }
            for one, each in zip(kept, likelihoods, strict=True)
        ]  # fmt: skip
        pairs = [(row["expected"], row["answer"]) for row in found]
        more = {}
        for name, score in {"pearson": pearson, "spearman": spearman}.items():
            more |= {name: score(pairs), f"{name}_error": _bootstrap(score, pairs)}
        return Measured.of(found, {"absolute_difference": "absolute_difference"}, left_out=left_out, more=more)

    def _question(self, row: Mapping[str, Any], origin: str) -> Question:
        label = row["label"]
        if isinstance(label, bool) or not isinstance(label, int | float) or not 0 <= label <= LABELS - 1:
            raise invalid("label", label, "is no number from 0 to 5", file=origin)
        choices = tuple(str(number) for number in range(LABELS))
        return Question(str(row["sentence_pair_id"]), self._asked(row), choices, float(label))


def _bootstrap(score: Callable[[Any], float], pairs: Sequence[tuple[float, float]]) -> float:
    random, every = np.random.default_rng(0), np.array(pairs)
    drawn = random.integers(len(every), size=(_RESAMPLES, len(every)))
    return float(np.std([score(every[rows]) for rows in drawn]))
