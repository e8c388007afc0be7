"""What a reward model thinks of answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.train.compute import Compute


def rewards(model: GPT, world: World, compute: Compute, rows: Sequence[np.ndarray]) -> np.ndarray:
    """The reward of each row (int token ids, a text up to and with the end of its answer); float64 [rows].

    ``model`` is that of a trial of objective ``reward`` (built with its ``row_loss``), on any layout; all ranks call it and get all.
    """
    raise NotImplementedError
