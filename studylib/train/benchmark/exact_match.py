"""Exact match: what a model answers, greedily, against the right answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from studylib.frozen import Count, Frozen, Positive
from studylib.train.benchmark import Asked, Benchmark, Measured

if TYPE_CHECKING:
    from studylib.spec import TrialSpec

__all__ = ["ExactMatch"]

_SCORES = {"exact_match": "exact", "f1": "f1", "ended": "ended", "characters": "characters"}
_PROMPT = 100  # tokens, about


class ExactMatch(Benchmark):
    """Questions of miniworld's exam about a passage that is given, and about facts that are not.

    Right is the answer as the training text gives it or the bare word that it is about; without punctuation, white space, width
    of characters and a です at the end. ``f1`` is of characters, ``ended`` the share that the model ended itself.
    """

    class Options(Frozen):
        tasks: tuple[Literal["passage", "conversation"], ...] = Field(
            default=("passage", "conversation"),
            min_length=1,
            description="passage: the answer is in the question; conversation: it is to be known",
        )
        questions: Positive = Field(default=250, description="of each task")
        sorts: tuple[str, ...] = Field(default=(), description="of questions; none: all")
        wordings: tuple[Count, ...] = Field(
            default=(), description="numbers of wordings; none: those kept from training"
        )
        each: Positive = Field(default=1, description="wordings that a question is asked in, drawn from those")
        max_tokens: Positive = Field(default=48, description="of an answer")

    options: Options

    def check(self) -> None:
        from studylib.train.benchmark._exam import check_wordings

        check_wordings(self.options.wordings)

    def tokens(self, trial: TrialSpec) -> float:
        options = self.options
        each = min(_PROMPT + options.max_tokens, trial.model.seq_len)
        return len(set(options.tasks)) * options.questions * options.each * each

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._answers import answers
        from studylib.train.benchmark._exam import exam_questions
        from studylib.train.benchmark._fitting import only_fitting
        from studylib.train.benchmark._match import character_f1, exact

        options, trained = self.options, asked.trained
        questions = [
            one
            for task in dict.fromkeys(options.tasks)
            for one in exam_questions(
                trained.trial.data, task, count=options.questions, sorts=options.sorts, wordings=options.wordings,
                each=options.each,
            )
        ]  # fmt: skip
        kept, _, left_out = only_fitting(trained, "exact_match", questions, [(one.answer,) for one in questions])
        written = answers(trained, [one.prompt for one in kept], max_tokens=options.max_tokens)
        found = [
            {
                **one.about, "written": answer.text, "exact": exact(answer.text, one.right_answers),
                "f1": character_f1(answer.text, one.right_answers), "ended": float(answer.ended),
                "characters": float(len(answer.text)),
            }
            for one, answer in zip(kept, written, strict=True)
        ]  # fmt: skip
        return Measured.of(found, _SCORES, by=("task", "sort", "wording"), left_out=left_out)
