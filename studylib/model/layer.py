"""One decoder layer: a mixer and an MLP, joined to the residual stream."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from studylib.choices.declare import declare, scale_matrices
from studylib.choices.past import Past
from studylib.model.mlp import MLP
from studylib.model.moe.layer import MoE
from studylib.parallel import dist
from studylib.registry import MIXERS, NORMS, RESIDUALS
from studylib.spec import ModelSpec

Branch = Callable[[torch.Tensor], torch.Tensor]


class DecoderLayer(nn.Module):
    """Layer ``index`` (from 0) of ``model``."""

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, index: int, expert_parallel: bool = False):
        super().__init__()
        self.residual = RESIDUALS[model.residual](model)
        first, *others = self.residual.norms
        before_mixer = self.residual.norm_before_mixer
        self.add_module(first, NORMS[model.norm](model, before_mixer=before_mixer).build())
        mixer = MIXERS[model.mixer_of_layer(index)](model, index)
        self.hidden_size, self.shares_value = model.hidden_size, mixer.shares_value
        self.attn = mixer.build(tp_pg)
        for name in others:
            self.add_module(name, NORMS[model.norm](model).build())
        if model.has_experts(index):
            self.mlp = MoE(model, tp_pg, expert_parallel=expert_parallel)
        else:
            self.mlp = MLP(model, tp_pg)
        self.dropout = model.dropout
        for name in self.residual.scales:
            scale = nn.Parameter(torch.ones(model.hidden_size))
            self.register_parameter(name, declare(scale, start=self.residual.scale_start))
        if self.residual.branch_gain != 1.0:
            for branch in (self.attn, self.mlp):
                scale_matrices(branch, self.residual.branch_gain)

    def forward(self, hidden_states: torch.Tensor, **told: torch.Tensor | Past | None) -> dict[str, torch.Tensor]:
        """[batch, seq, hidden] to the same, in the dictionary that nanotron's pipeline blocks pass on.

        ``told``: what the mixer is to know besides, where there is anything: ``prefix_len``, ``begin``, or ``past``, what was
        kept of the positions before these, which are added to it.
        """
        return {"hidden_states": self._combined(hidden_states, self._mixer(**told))}

    def _mixer(self, **told: torch.Tensor | Past | None) -> Branch:
        told = {name: what for name, what in told.items() if what is not None}
        return partial(self.attn, **told) if told else self.attn

    def _combined(self, hidden_states: torch.Tensor, mixer: Branch) -> torch.Tensor:
        return self.residual.combine(self, hidden_states, self._dropped(mixer), self._dropped(self.mlp))

    def _dropped(self, branch: Branch) -> Branch:
        """The branch with dropout behind it (Srivastava et al. 2014; where Vaswani et al. 2017, section 5.4, have it)."""
        if not (self.dropout and self.training):
            return branch
        return lambda hidden_states: F.dropout(branch(hidden_states), self.dropout)


class PrefixDecoderLayer(DecoderLayer):
    """A layer that hands the rows' prefix lengths on to the next one, which may be on another pipeline stage."""

    # nanotron sends and receives a block's inputs by their names' order, and what has no gradient must come first: a
    # stage that has received everything that has one may send a gradient back before it takes the rest, and with one
    # forward, one backward both sides would wait for ever. So the key is one before "hidden_states".
    def forward(
        self, hidden_states: torch.Tensor, both_ways: torch.Tensor | None = None, past: Past | None = None
    ) -> dict[str, torch.Tensor | None]:
        """``both_ways`` is int64 [batch]: so many first positions of a row see each other both ways. None: no row's do."""
        return super().forward(hidden_states, prefix_len=both_ways, past=past) | {"both_ways": both_ways}


class PackedDecoderLayer(DecoderLayer):
    """A layer that hands on where the texts of the rows begin; as above, by a name before "hidden_states"."""

    def forward(
        self, hidden_states: torch.Tensor, begin: torch.Tensor | None = None, past: Past | None = None
    ) -> dict[str, torch.Tensor | None]:
        """``begin`` is int64 [batch, seq]: where in its row the text of each position begins. None: each row is one text."""
        return super().forward(hidden_states, begin=begin, past=past) | {"begin": begin}


class ValueDecoderLayer(DecoderLayer):
    """A layer that hands the first layer's values on, for mixers that mix them into their own (``Mixer.shares_value``)."""

    def forward(
        self, hidden_states: torch.Tensor, first_value: torch.Tensor | None = None, past: Past | None = None
    ) -> dict[str, torch.Tensor | None]:
        """``first_value`` [batch, seq, hidden / tp] is None in the first layer.

        From another pipeline stage it comes behind the hidden states in one tensor, [batch, seq, hidden + hidden / tp].
        """
        if hidden_states.shape[-1] > self.hidden_size:
            hidden_states, first_value = hidden_states.tensor_split((self.hidden_size,), dim=-1)

        def mixer(hidden_states: torch.Tensor) -> torch.Tensor:
            nonlocal first_value
            mixed, first_value = self._mixer(past=past)(hidden_states, first_value)
            return mixed

        combined = self._combined(hidden_states, mixer if self.shares_value else self._mixer(past=past))
        return {"hidden_states": combined, "first_value": first_value}


LAYERS = (DecoderLayer, PrefixDecoderLayer, PackedDecoderLayer, ValueDecoderLayer)
