"""JNLI: does a sentence follow from another, contradict it, or neither?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from studylib.errors import invalid
from studylib.train.benchmark import Asked, Choices, Measured
from studylib.train.benchmark._jglue import Jglue, Question

__all__ = ["JNLI"]

_LABELS = {"entailment": "含意", "contradiction": "矛盾", "neutral": "中立"}


class JNLI(Jglue):
    """Accuracy of the likeliest of 含意, 矛盾, 中立 (equally many bytes), and the mean of the three labels' shares that are right.

    Labels are not equally frequent: ``accuracy_commonest`` is what always saying the commonest one gives, whose balanced accuracy is
    a third, as is that of guessing.

    ``plain-1`` tells the task, the premise and the hypothesis; ``bare-1`` the two sentences and asks for their relation.
    """

    _name = "JNLI"
    _fields = ("sentence_pair_id", "sentence1", "sentence2", "label")
    _words: ClassVar[Mapping[str, str]] = {
        "plain-1": "前提と仮説の関係を、含意、矛盾、中立の中から選んでください。\n前提: {sentence1}\n仮説: {sentence2}",
        "bare-1": "{sentence1}\n{sentence2}\n関係は何ですか。",
    }
    _harness_scores = "labels"

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._choices import choose
        from studylib.train.benchmark._scores import balanced_accuracy, balanced_error

        questions = [
            Choices(one.item, one.prompt, one.choices, one.right, {"label": list(_LABELS)[one.right]})
            for one in self.questions()
        ]
        found = choose(asked.trained, "jnli", questions, by=("label",))
        more = {}
        for kind in ("", "_less_prior"):
            judged = [(row["label"], row[f"right{kind}"]) for row in found.rows]
            more |= {f"balanced_accuracy{kind}": balanced_accuracy(judged)}
            more |= {f"balanced_accuracy{kind}_error": balanced_error(judged)}
        ((_, commonest),) = Counter(row["label"] for row in found.rows).most_common(1)
        more |= {
            "accuracy_commonest": commonest / len(found.rows),
            "balanced_accuracy_commonest": 1 / len(found.groups["label"]),
        }
        return replace(found, scores=found.scores | more)

    def _question(self, row: Mapping[str, Any], origin: str) -> Question:
        if row["label"] not in _LABELS:
            raise invalid("label", row["label"], "is no label", choices=_LABELS, file=origin)
        right = list(_LABELS).index(row["label"])
        return Question(str(row["sentence_pair_id"]), self._asked(row), tuple(_LABELS.values()), right)
