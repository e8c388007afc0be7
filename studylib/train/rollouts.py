"""Training rows that the policy writes itself, with what they are worth (objective ``policy``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studylib.choices.execution import Execution
from studylib.data import PreparedData, Tokenizer, TrainingRows, prepare
from studylib.data.chat.encode import ConversationEncoder
from studylib.errors import invalid
from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import World, dist
from studylib.registry import CHAT_TEMPLATES
from studylib.rows import IGNORED, PAD, Batch, drawing
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.draw import Written, draw_answers
from studylib.train.likelihoods import log_probabilities
from studylib.train.rewards import check_tells_rewards, rewards
from studylib.train.start import trained_model

_MULTIPLE = 32  # of which rows' lengths are
_TOKENS_KEPT = 1 << 16  # keys and values while answers are written


@dataclass(frozen=True)
class Answers:
    """What was written to a step's prompts, a row an answer.

    Attributes
    ----------
    tokens_BT
        int64 [rows, seq_len + 1]: prompt, answer and, where the model ended it, its end; padded behind.
    begin_B, stop_B
        int64 [rows]: the answer, with its end, is ``tokens_BT[row, begin:stop]``.
    ended_B
        bool [rows]: whether the model ended it.
    reward_B
        float64 [rows]: what the reward model says of it; of one without an end, what it says of it with one.
    kl_B
        float64 [rows]: log-ratio of its probabilities under the policy and the reference, in nats.
    """

    tokens_BT: np.ndarray
    begin_B: np.ndarray
    stop_B: np.ndarray
    ended_B: np.ndarray
    reward_B: np.ndarray
    kl_B: np.ndarray

    def batch(self, multiple: int, advantage_B: np.ndarray | None = None) -> Batch:
        """The rows, cut at the next multiple behind the longest; answers and their ends are learnt."""
        longest = -(-int(self.stop_B.max()) // multiple) * multiple + 1
        tokens = self.tokens_BT[:, :longest]
        places = np.arange(tokens.shape[1])
        learnt = (places >= self.begin_B[:, None]) & (places < self.stop_B[:, None])
        labels = np.where(learnt, tokens, IGNORED)[:, 1:]
        return Batch(tokens, labels, advantage_B=advantage_B, text_tokens=int(self.stop_B.sum()))

    def means(self) -> dict[str, float]:
        lengths = self.stop_B - self.begin_B
        measured = {"reward": self.reward_B, "kl": self.kl_B, "length": lengths, "ended": self.ended_B}
        return {name: float(values.mean()) for name, values in measured.items()}


class Rollouts:
    """In the place of `TrainingRows`, whose prompts it lets the policy answer.

    Token t of an answer is found at number t of the uniform ones drawn by (seed, step, prompt, completion), so answers do not depend on
    which ranks write them, nor on what was written before. Ranks write those to their own prompts and tell each other.

    Parameters
    ----------
    rows
        The run's prompts.
    model
        The policy, with the weights that it starts from: those are the reference's too.
    trials, data_folder, prepared
        Where the trial of ``reward_from`` lies, its data are, and this trial's.

    Raises
    ------
    StudyError
        The reward trial is not there, kept no checkpoint, learnt no rewards, or does not read what the policy writes.
    """

    def __init__(
        self, rows: TrainingRows, spec: TrialSpec, model: GPT, trials: Path, data_folder: Path, prepared: PreparedData,
        compute: Compute, world: World,
    ):  # fmt: skip
        self.objective, self._rows, self._spec, self._asked = rows.objective, rows, spec, rows.objective.options
        self._model, self._compute, self._world = model, compute, world
        self._tokenizer = Tokenizer.load(prepared.tokenizer_file)
        template = CHAT_TEMPLATES[spec.data.chat_template]()
        self._end = ConversationEncoder(self._tokenizer, template).end_id
        execution = Execution(weights=compute.execution.weights)
        self._reference = _frozen_copy(model, world, spec, execution)
        judge, self._judge = trained_model(
            trials, self._asked.reward_from, world, field="objective.reward_from", execution=execution
        )
        self._check(judge, data_folder)
        self._measured: dict[str, float] = {}

    def _check(self, judge: TrialSpec, data_folder: Path) -> None:
        field, name = "objective.reward_from", self._asked.reward_from
        check_tells_rewards(judge, field)
        pieces = Tokenizer.load(prepare(judge.data, data_folder).tokenizer_file).pieces
        if pieces != self._tokenizer.pieces or judge.data.chat_template != self._spec.data.chat_template:
            raise invalid(field, name, "reads other tokens, or another chat template, than this trial writes")
        if judge.model.seq_len < self._spec.model.seq_len:
            why = (
                f"reads {judge.model.seq_len} tokens, fewer than this trial's model.seq_len {self._spec.model.seq_len}"
            )
            raise invalid(field, name, why)

    def shares(self) -> dict[str, Any]:
        """How many prompts there are, by source."""
        return self._rows.shares()

    def measured(self) -> dict[str, Any]:
        """Of the last batch: see ``TrialResult.policy``."""
        return {"policy": self._measured}

    def batch(self, step: int) -> Batch:
        """The rows of step ``step`` (from 0), those of all replicas; completions of a prompt stand together."""
        answers = self.answers(step)
        worth = answers.reward_B - self._asked.missing_eos_penalty * ~answers.ended_B - self._asked.beta * answers.kl_B
        advantage = self.objective.advantages(worth.reshape(-1, self._asked.completions)).reshape(-1)
        self._measured = answers.means() | {"advantage_std": float(advantage.std())}
        # Compiled, every length of rows would be a graph of its own.
        return answers.batch(self._spec.model.seq_len if self._compute.compile == "layer" else _MULTIPLE, advantage)

    @torch.no_grad()
    def answers(self, step: int) -> Answers:
        """What the policy as it now is writes in step ``step``, those of all replicas; all ranks call it."""
        completions, world = self._asked.completions, self._world
        prompts = self._rows.prompts(step)
        each = len(prompts) // world.dp
        numbers = range(world.dp_rank * each, (world.dp_rank + 1) * each)
        uniform = [
            drawing("policy", self._spec.seed, step, number).random((completions, self._asked.max_tokens))
            for number in numbers
        ]
        asked = [prompts[number] for number in numbers for _ in range(completions)]
        with _evaluated(self._model):
            written = draw_answers(
                self._model, self._compute, self._tokenizer, asked, np.concatenate(uniform), end=self._end,
                temperature=self._asked.temperature, batch=max(1, _TOKENS_KEPT // self._spec.model.seq_len),
            )  # fmt: skip
            own = self._judged(asked, written)
        if world.dp == 1:
            return own
        return Answers(**{one.name: _gathered(getattr(own, one.name), world) for one in fields(own)})

    def _judged(self, asked: Sequence[np.ndarray], written: Sequence[Written]) -> Answers:
        count, nothing = len(asked), np.zeros(len(asked))
        tokens = np.full((count, self._spec.model.seq_len + 1), PAD, dtype=np.int64)
        begin, ended = np.array([len(prompt) for prompt in asked]), np.array([ended for _, ended in written])
        stop = begin + [len(answer) for answer, _ in written]
        whole = [np.concatenate([one, answer, [self._end]]) for one, (answer, _) in zip(asked, written, strict=True)]
        stop += ended
        for row, text, end in zip(tokens, whole, stop.tolist(), strict=True):
            row[:end] = text[:end]
        answers = Answers(tokens, begin, stop, ended, nothing, nothing)
        batch = answers.batch(_MULTIPLE)
        ours, theirs = (
            log_probabilities(model, self._world, self._compute, batch, self._asked.temperature)
            for model in (self._model, self._reference)
        )
        reward = rewards(self._judge, self._world, self._compute, whole)
        return replace(answers, reward_B=reward, kl_B=ours - theirs)


def _gathered(values: np.ndarray, world: World) -> np.ndarray:
    own = torch.from_numpy(values).to(world.device)
    parts = [torch.empty_like(own) for _ in range(world.dp)]
    dist.all_gather(parts, own, group=world.context.dp_pg)
    return torch.cat(parts).cpu().numpy()


@contextmanager
def _evaluated(model: GPT) -> Iterator[None]:
    """In evaluation, and not compiled: sampling goes block by block, and shapes are many."""
    model.eval()
    with torch.compiler.set_stance("force_eager"):
        yield
    model.train()


@torch.no_grad()
def _frozen_copy(model: GPT, world: World, spec: TrialSpec, execution: Execution) -> GPT:
    copy = build_gpt(spec.model, world, seed=spec.seed, execution=execution)
    for own, theirs in zip(copy.parameters(), model.parameters(), strict=True):
        own.copy_(theirs)
    return copy.eval().requires_grad_(False)
