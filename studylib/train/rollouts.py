"""Training rows that the policy writes itself, with what they are worth (objective ``policy``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studylib.choices.execution import Execution
from studylib.data import PreparedData, Tokenizer, TrainingRows, prepare
from studylib.data.chat.encode import ConversationEncoder
from studylib.data.tokenizer import PAD
from studylib.errors import invalid
from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import World, dist
from studylib.registry import CHAT_TEMPLATES, OBJECTIVES
from studylib.rows import IGNORED, Batch, drawing
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.draw import draw_answers
from studylib.train.rewards import rewards
from studylib.train.start import trained_model

_LENGTHS = 32  # rows are cut to a multiple of it, so that there are few shapes
_TOKENS_AT_ONCE = 1 << 16  # that are read, or kept while answers are written


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
        self.objective, self._rows, self._spec, self._asked = rows.objective, rows, spec, spec.objective
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
        loss = OBJECTIVES[judge.objective.name](judge.objective).row_loss()
        if loss is None or not loss.of_rewards:
            raise invalid(field, name, f"learnt objective {judge.objective.name}, and not to tell rewards")
        pieces = Tokenizer.load(prepare(judge.data, data_folder).tokenizer_file).pieces
        if pieces != self._tokenizer.pieces or judge.data.chat_template != self._spec.data.chat_template:
            raise invalid(field, name, "reads other tokens, or another chat template, than this trial writes")
        if judge.model.seq_len < self._spec.model.seq_len:
            why = f"reads {judge.model.seq_len} tokens, fewer than this trial's model.seq_len {self._spec.model.seq_len}"
            raise invalid(field, name, why)

    def shares(self) -> dict[str, Any]:
        """How many prompts there are, by source."""
        return self._rows.shares()

    def measured(self) -> dict[str, dict[str, float]]:
        """Of the last batch: see ``TrialResult.policy``."""
        return {"policy": self._measured}

    def batch(self, step: int) -> Batch:
        """The rows of step ``step`` (from 0), those of all replicas; completions of a prompt stand together."""
        answers = self._over_replicas(self._write(step))
        worth = answers.reward_B - self._asked.missing_eos_penalty * ~answers.ended_B - self._asked.beta * answers.kl_B
        advantage = self.objective.advantages(worth.reshape(-1, self._asked.completions)).reshape(-1)
        self._measured = answers.means() | {"advantage_std": float(advantage.std())}
        return answers.batch(advantage)

    @torch.no_grad()
    def _write(self, step: int) -> Answers:
        """The answers to this replica's prompts."""
        completions, world = self._asked.completions, self._world
        prompts = self._rows.prompts(step)
        each = len(prompts) // world.dp
        numbers = range(world.dp_rank * each, (world.dp_rank + 1) * each)
        uniform = [
            drawing("policy", self._spec.seed, step, number).random((completions, self._asked.max_tokens))
            for number in numbers
        ]
        asked = [prompts[number] for number in numbers for _ in range(completions)]
        self._model.eval()
        with torch.compiler.set_stance("force_eager"):  # sampling goes block by block
            written = draw_answers(
                self._model, self._compute, self._tokenizer, asked, np.concatenate(uniform), end=self._end,
                temperature=self._asked.temperature, tokens_at_once=_TOKENS_AT_ONCE,
            )  # fmt: skip
            found = self._judged(asked, written)
        self._model.train()
        return found
