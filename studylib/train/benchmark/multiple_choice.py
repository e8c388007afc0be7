"""Multiple choice, judged by likelihood: questions of miniworld's exam, or of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from studylib.errors import invalid
from studylib.frozen import Count, Frozen, Positive
from studylib.train.benchmark import Asked, Benchmark, Choices, Measured

if TYPE_CHECKING:
    from studylib.spec import TrialSpec

__all__ = ["MultipleChoice"]

_TOKENS_EACH = 400  # of a question in one wording with each of its choices, about


class MultipleChoice(Benchmark):
    """The likeliest choice against the right one, with what guessing gives, by wording and sort of question.

    A file of rows ``question``, ``choices`` and ``answer_index`` (from 0) or ``answer`` (one of the choices), parquet or JSON lines,
    stands for the exam; a column ``category`` gives sorts. Its rows must be kept from training: name the file in
    ``data.evaluation_only``, and every document that holds one of its questions is dropped and counted, whichever source it is from.
    (What is written in Latin letters alone is not known again: split such questions off by hand.)
    """

    class Options(Frozen):
        path: str = Field(default="", description="a file of questions instead of miniworld's exam")
        questions: Positive = Field(default=500, description="that are asked")
        sorts: tuple[str, ...] = Field(default=(), description="of questions; none: all")
        wordings: tuple[Count, ...] = Field(
            default=(), description="numbers of wordings; none: those kept from training, of a file all"
        )
        each: Positive = Field(default=2, description="wordings that a question is asked in, drawn from those")

    options: Options

    def check(self) -> None:
        if self.options.path:
            self._of_file()
        else:
            from studylib.train.benchmark._exam import check_wordings

            check_wordings(self.options.wordings)

    def tokens(self, trial: TrialSpec) -> float:
        return self.options.questions * self.options.each * min(_TOKENS_EACH, 4 * trial.model.seq_len)

    def measure(self, asked: Asked) -> Measured:
        from studylib.train.benchmark._choices import choose

        found = self._of_file() if self.options.path else self._of_exam(asked.trained.trial)
        return choose(asked.trained, "multiple_choice", found, by=("wording", "sort"))

    def _of_exam(self, trial: TrialSpec) -> list[Choices]:
        from studylib.train.benchmark._exam import exam_questions

        options = self.options
        questions = exam_questions(
            trial.data, "multiple_choice", count=options.questions, sorts=options.sorts, wordings=options.wordings,
            each=options.each,
        )  # fmt: skip
        return [
            Choices(
                one.exercise.id, one.prompt, one.choices, one.exercise.right,
                {"wording": one.wording, "sort": one.exercise.sort, "fact": one.exercise.fact},
            )
            for one in questions
        ]  # fmt: skip

    def _of_file(self) -> list[Choices]:
        from studylib.train.benchmark._exam import check_wordings, drawn_wordings
        from studylib.train.benchmark._file import WORDINGS, file_questions

        options = self.options
        check_wordings(options.wordings, WORDINGS)
        every = file_questions(Path(options.path))
        known = sorted({one.sort for one in every})
        for sort in options.sorts:
            if sort not in known:
                raise invalid("evaluation.sorts", sort, "is no category", choices=known, file=options.path)
        found = [one for one in every if not options.sorts or one.sort in options.sorts][: options.questions]
        return [
            Choices(one.id, one.prompt(wording), one.choices, one.right, {"wording": wording, "sort": one.sort})
            for one in found
            for wording in drawn_wordings(options.wordings or WORDINGS, options.each, one.id)
        ]
