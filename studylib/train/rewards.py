"""What a reward model thinks of answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from studylib.errors import invalid
from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.registry import OBJECTIVES
from studylib.rows import IGNORED, PAD, alike_in_length
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.validation import EVALUATION_TOKENS


def check_tells_rewards(trial: TrialSpec, field: str) -> None:
    """StudyError, which names ``field``, for a trial whose objective teaches no rewards."""
    name = trial.objective.name
    loss = OBJECTIVES[name](trial.objective).row_loss()
    if loss is None or not loss.of_rewards:
        raise invalid(field, trial.hash, f"learnt objective {name}, and not to tell rewards")


@torch.no_grad()
def rewards(model: GPT, world: World, compute: Compute, rows: Sequence[np.ndarray]) -> np.ndarray:
    """The reward of each row (token ids of a text up to and with the end of its answer); float64 [rows].

    Parameters
    ----------
    model
        Of a trial of objective ``reward``, in evaluation mode, on one pipeline stage, however it was built.
    world
        All tensor-parallel ranks call it with the same rows.
    """
    found = np.zeros(len(rows))
    for numbers, longest in alike_in_length([len(row) for row in rows], EVALUATION_TOKENS):
        ids = np.full((len(numbers), longest), PAD, dtype=np.int64)
        labels = np.full(ids.shape, IGNORED, dtype=np.int64)
        for place, number in enumerate(numbers):
            size = len(rows[number])
            ids[place, :size] = rows[number]
            labels[place, size - 2] = ids[place, size - 1]
        with compute.autocast():
            states = model.model.hidden_states(torch.from_numpy(ids).to(world.device))
            of_rows = model.model.lm_head.pp_block.rewards(states, torch.from_numpy(labels).to(world.device))
        found[numbers] = of_rows.cpu().numpy()
    return found
