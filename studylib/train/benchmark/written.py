"""What a model writes when it is asked, judged by the world's own truth; and beside that what other models think of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from studylib.data.miniworld.instruct.exercise import Task
from studylib.frozen import Above0, Count, Fraction, Frozen, Positive
from studylib.train.benchmark import Asked, Benchmark, Measured

if TYPE_CHECKING:
    from studylib.spec import TrialSpec
    from studylib.train.benchmark._exam import Question

__all__ = ["Written"]

_JUDGED = ("truth", "topic", "manner", "ending", "score")
_PROMPT = 100  # tokens, about


class Written(Benchmark):
    """Answers to questions of miniworld's exam, drawn; every trial has the same questions and the same chance.

    ``truth``, ``topic``, ``manner``, ``ending`` and their mean ``score`` are those of ``miniworld.instruct.judge``; ``ended`` is the
    share that the model ended itself, ``characters`` the length. With a ``reference``: ``kl``, the mean over answers of
    log p - log p_ref of what was written, its end with it, in nats; at ``temperature`` 1 and ``top_p`` 1 an unbiased estimate of the
    Kullback-Leibler divergence from the reference, with its standard error. With a ``reward_model``: ``reward``, of the answer with an
    end, whether the model wrote one or not.
    """

    uses: ClassVar[tuple[str, ...]] = ("reference", "reward_model")

    class Options(Frozen):
        tasks: tuple[Task, ...] = Field(default=("conversation", "free"), min_length=1, description="what is asked")
        prompts: Positive = Field(default=128, description="of each task")
        sorts: tuple[str, ...] = Field(default=(), description="of questions; none: all")
        wordings: tuple[Count, ...] = Field(
            default=(), description="numbers of wordings; none: those kept from training"
        )
        temperature: Above0 = 1.0
        top_p: Annotated[Fraction, Field(gt=0)] = Field(
            default=1.0, description="draw from the likeliest tokens that make up this probability"
        )
        max_tokens: Positive = Field(default=64, description="of an answer")
        sampling_seed: Count = 0

    options: Options

    def check(self) -> None:
        from studylib.train.benchmark._exam import check_wordings

        check_wordings(self.options.wordings)

    def tokens(self, trial: TrialSpec) -> float:
        options = self.options
        each = min(_PROMPT + options.max_tokens, trial.model.seq_len)
        return len(set(options.tasks)) * options.prompts * each

    def measure(self, asked: Asked) -> Measured:
        from studylib.data.miniworld.instruct.judge import judge
        from studylib.data.pseudo import SamplingSpec
        from studylib.train.benchmark._answers import answers
        from studylib.train.benchmark._exam import told_world
        from studylib.train.benchmark._fitting import only_fitting
        from studylib.train.benchmark._opinions import opinions

        options, trained = self.options, asked.trained
        questions = self._questions(trained.trial)
        right = [(one.answer,) for one in questions]
        kept, _, left_out = only_fitting(trained, "written", questions, right, ended=True)
        sampling = SamplingSpec(temperature=options.temperature, top_p=options.top_p, seed=options.sampling_seed)
        written = answers(trained, [one.prompt for one in kept], max_tokens=options.max_tokens, sampling=sampling)
        asked.say(f"written: {len(written)} answers")
        seed, _ = told_world(trained.trial.data)
        found: list[dict[str, Any]] = []
        for one, answer in zip(kept, written, strict=True):
            judged = judge(one.exercise, answer.text, answer.ended, seed=seed)
            worth = {name: getattr(judged, name) for name in _JUDGED}
            found.append(
                one.about | {"written": answer.text} | worth
                | {"ended": float(answer.ended), "characters": float(len(answer.text))}
            )  # fmt: skip
        more = opinions(asked, written)
        for name, column in more.items():
            for row, value in zip(found, column, strict=True):
                row[name] = value
        scores = (*_JUDGED, "ended", "characters", *(one for one in ("kl", "reward") if one in more))
        by = ("task", "sort", "wording")
        return Measured.of(found, dict(zip(scores, scores, strict=True)), by=by, left_out=left_out)

    def _questions(self, trial: TrialSpec) -> list[Question]:
        from studylib.train.benchmark._exam import exam_questions

        options = self.options
        return [
            one
            for task in dict.fromkeys(options.tasks)
            for one in exam_questions(
                trial.data, task, count=options.prompts, sorts=options.sorts, wordings=options.wordings
            )
        ]
