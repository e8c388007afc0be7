"""Absolute positions at the token embedding, in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.declare import declare
from studylib.errors import invalid
from studylib.registry import INITS

if TYPE_CHECKING:
    from studylib.spec import ModelSpec

LONGEST_WAVE = 10_000.0
# Positions start at a quarter of the tokens' scale. As large as they, the part that all rows share drowns the tokens before
# the model has learnt to tell the two apart: of 36 thousand parameters learned positions lost 0.22 bits per byte, and with
# DeepNorm or DyT they never left the unigram loss. GPT-2's code has a half, at which one seed in three did not either; a
# tenth is as good as a quarter (see LOG.md).
SCALE = 0.25


class LearnedTable(nn.Module):
    """Adds a trained vector for each position.

    Raises
    ------
    StudyError
        In ``forward``, when the context is longer than the table.
    """

    def __init__(self, model: ModelSpec):
        super().__init__()
        self.table = declare(nn.Parameter(torch.zeros(model.seq_len, model.hidden_size)), role="embedding", gain=SCALE)

    def forward(self, hidden_states: torch.Tensor, first: int = 0, place: torch.Tensor | None = None) -> torch.Tensor:
        length = first + hidden_states.shape[1]
        if length > len(self.table):
            raise invalid("model.position", "learned", f"has {len(self.table)} positions and was asked for {length}")
        return hidden_states + (self.table[first:length] if place is None else F.embedding(place, self.table))


class Sinusoids(nn.Module):
    """Adds sines and cosines with an amplitude of SCALE where token embeddings have unit variance; the paper has 1."""

    def __init__(self, model: ModelSpec):
        super().__init__()
        self.hidden_size = model.hidden_size
        self.scale = SCALE * INITS[model.init](model).rule("embedding", model.hidden_size, model.vocab_size).std
        # Not persistent: recomputed from the spec, so a checkpoint holds parameters only.
        self.register_buffer("table", self.waves(model.seq_len), persistent=False)

    def waves(self, length: int) -> torch.Tensor:
        """[length, hidden]: sines of all frequencies, then cosines."""
        # numpy, because nanotron patches torch's constructors (dtype and device) while a model is being built
        frequencies = LONGEST_WAVE ** (-numpy.arange(0, self.hidden_size, 2) / self.hidden_size)
        angles = numpy.outer(numpy.arange(length), frequencies)
        return torch.from_numpy(self.scale * numpy.concatenate([numpy.sin(angles), numpy.cos(angles)], axis=1)).float()

    def forward(self, hidden_states: torch.Tensor, first: int = 0, place: torch.Tensor | None = None) -> torch.Tensor:
        length = first + hidden_states.shape[1]
        table = self.table if length <= len(self.table) else self.waves(length).to(hidden_states.device)
        return hidden_states + (table[first:length] if place is None else table[place])
