"""JCommonsenseQA: which of five words answers a question of common sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from studylib.errors import invalid
from studylib.train.benchmark import Asked, Choices, Measured
from studylib.train.benchmark._jglue import Jglue, Question

__all__ = ["JCommonsenseQA"]

_CHOICES = tuple(f"choice{number}" for number in range(5))


class JCommonsenseQA(Jglue):
    """Accuracy of the choice that is likeliest a byte; chance is 0.2.

    ``plain-1`` tells the task, the question and the choices; ``bare-1`` asks the question and nothing else.
    """

    _name = "JCommonsenseQA"
    _fields = ("q_id", "question", *_CHOICES, "label")
    _words: ClassVar[Mapping[str, str]] = {
        "plain-1": "質問に対する答えを、選択肢の中から選んでください。\n質問: {question}\n"
        "選択肢: {choice0}、{choice1}、{choice2}、{choice3}、{choice4}",
        "bare-1": "{question}",
    }
    _harness_scores = "choices"
    _tokens_each = 450

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._choices import choose

        questions = [Choices(one.item, one.prompt, one.choices, one.right) for one in self.questions()]
        return choose(asked.trained, "jcommonsenseqa", questions)

    def _question(self, row: Mapping[str, Any], origin: str) -> Question:
        label = row["label"]
        if isinstance(label, bool) or label not in range(5):
            raise invalid("label", label, "is no number of a choice, 0 to 4", file=origin)
        return Question(str(row["q_id"]), self._asked(row), tuple(str(row[name]) for name in _CHOICES), label)
