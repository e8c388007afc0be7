"""JSQuAD: the answer to a question out of a passage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from studylib.errors import invalid
from studylib.frozen import Positive
from studylib.train.benchmark import Asked, Measured
from studylib.train.benchmark._jglue import Jglue, Question, read_json_file

__all__ = ["JSQuAD"]

_TITLE_MARK = " [SEP] "  # behind the title, which stands before every passage


class JSQuAD(Jglue):
    """Exact match and F1 of characters of what the model answers greedily, the best of the right answers.

    Both as JGLUE's own evaluation compares: in lower case, without a 。 at the end (yahoojapan/JGLUE, fine-tuning/patch). ``ended`` is
    the share that the model ended itself. A question counts as fitting the context if the first right answer does too.

    ``plain-1`` tells the task, the passage (without the title before it) and the question; ``bare-1`` the passage and the question.
    """

    class Options(Jglue.Options):
        max_tokens: Positive = Field(default=48, description="of an answer")

    options: Options

    _name = "JSQuAD"
    _fields = ("id", "question", "answers")
    _words: ClassVar[Mapping[str, str]] = {
        "plain-1": "文章を読んで、質問の答えを文章から抜き出してください。\n文章: {passage}\n質問: {question}",
        "bare-1": "{passage}\n{question}",
    }
    _harness_scores = "written"

    @property
    def _max_tokens(self) -> int:
        return self.options.max_tokens

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._answers import answers
        from studylib.train.benchmark._fitting import only_fitting
        from studylib.train.benchmark._scores import character_f1, exact_match

        trained, questions = asked.trained, self.questions()
        kept, _, left_out = only_fitting(trained, "jsquad", questions, [one.right[:1] for one in questions])
        written = answers(trained, [one.prompt for one in kept], max_tokens=self._max_tokens)
        found = [
            {
                "item": one.item, "question": one.prompt[0].content, "answer": one.right[0], "written": answer.text,
                "exact": exact_match(answer.text, one.right), "f1": character_f1(answer.text, one.right),
                "ended": float(answer.ended), "characters": float(len(answer.text)),
            }
            for one, answer in zip(kept, written, strict=True)
        ]  # fmt: skip
        means = {"exact_match": "exact", "f1": "f1", "ended": "ended", "characters": "characters"}
        return Measured.of(found, means, left_out=left_out)

    def _rows(self, path: Path) -> Iterable[tuple[Mapping[str, Any], str]]:
        try:
            passages = [passage for article in read_json_file(path)["data"] for passage in article["paragraphs"]]
            asked = [(passage["context"], question) for passage in passages for question in passage["qas"]]
        except (KeyError, TypeError):
            why = "is not laid out as SQuAD: data, paragraphs, context and qas"
            raise invalid("evaluation.path", str(path), why) from None
        for number, (context, question) in enumerate(asked, 1):
            row, origin = self._checked(question, f"{path} question {number}")
            yield row | {"passage": str(context).split(_TITLE_MARK, 1)[-1]}, origin

    def _question(self, row: Mapping[str, Any], origin: str) -> Question:
        listed = row["answers"] if isinstance(row["answers"], list) else []
        right = tuple(dict.fromkeys(str(one["text"]) for one in listed if isinstance(one, dict) and one.get("text")))
        if not right:
            raise invalid("answers", row["answers"], "hold no text of an answer", file=origin)
        return Question(str(row["id"]), self._asked(row), (), right)
