"""The GPT as nanotron pipeline blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo
from torch.utils.checkpoint import checkpoint

from studylib.choices.execution import Execution
from studylib.choices.mixer._attention import CausalSelfAttention
from studylib.choices.objective._losses import RowLoss
from studylib.model.head import HEADS, LanguageModelHead
from studylib.model.initialise import initialise
from studylib.model.layer import LAYERS, DecoderLayer
from studylib.model.pipeline import Pipeline, Tensor
from studylib.model.stages import block_costs
from studylib.parallel import (
    NanotronModel,
    World,
    build_model,
    mark_replicated_parameters,
    sanity_check,
    tie_across_pipeline,
    use_plain_shapes,
)
from studylib.spec import ModelSpec

TOKEN_TABLE = "model.token_position_embeddings.pp_block.token_embedding.weight"
HEAD_TABLE = "model.lm_head.pp_block.proj.weight"


class GPT(NanotronModel):
    """Decoder-only transformer that returns its loss, split over pipeline and tensor-parallel ranks."""

    def __init__(
        self, model: ModelSpec, world: World, *, prefixes: bool = False, masked: bool = False, packed: bool = False,
        row_loss: RowLoss | None = None,
    ):  # fmt: skip
        super().__init__()
        self.spec, self.prefixes, self.masked, self.packed, self.row_loss = model, prefixes, masked, packed, row_loss
        self.parallel_context = world.context
        self.model = Pipeline(model, world, prefixes=prefixes, masked=masked, packed=packed, row_loss=row_loss)

    def forward(
        self,
        input_ids: Tensor,
        label_ids: Tensor,
        prefix_len: Tensor | None = None,
        begin: Tensor | None = None,
        **of_labels: Tensor,
    ) -> dict[str, Tensor]:
        """Token ids and next-token ids, [batch, seq] each (or a pointer to the stage that has them).

        ``prefix_len`` (int64 [batch]) and ``begin`` (int64 [batch, seq]), from the first stage, and ``label_scale`` (fp64
        [1], on the last) are for a model built with ``prefixes``, with ``packed`` and with ``masked``; one built with a
        ``row_loss`` also takes what that takes (fp64 [batch], on the last).
        """
        hidden_states = self.model.hidden_states(input_ids, prefix_len, begin)
        return self.model.lm_head(hidden_states=hidden_states, label_ids=label_ids, **of_labels)

    def logits(
        self, input_ids: torch.Tensor, prefix_len: torch.Tensor | None = None, begin: torch.Tensor | None = None
    ) -> torch.Tensor:
        """[batch, seq] to [batch, seq, vocab / tp]; for a model on one pipeline stage."""
        return self.model.lm_head.pp_block.logits(self.model.hidden_states(input_ids, prefix_len, begin))

    def get_block_compute_costs(self) -> dict[type, float]:
        """Weights by which nanotron balances pipeline stages.

        ``studylib.model.stages`` counts by the same.
        """
        layer, head = block_costs(self.spec, self.parallel_context.pp_pg.size())
        return dict.fromkeys(LAYERS, layer) | dict.fromkeys(HEADS, head)

    def init_model_randomly(self, config: int) -> None:
        """Nanotron's hook; ``config`` is the seed."""
        initialise(self, seed=config)


def build_gpt(
    model: ModelSpec,
    world: World,
    *,
    seed: int,
    execution: Execution | None = None,
    prefixes: bool = False,
    masked: bool = False,
    packed: bool = False,
    row_loss: RowLoss | None = None,
) -> GPT:
    """This rank's part of the model, initialised, and how it is to be computed.

    Compiled, each block is compiled on its own: layers of one shape share one compiled graph, so compiling costs the same
    for 2 layers and for 48. ``prefixes``: rows may have a first part that sees itself both ways; ``masked``: some labels
    are not counted; ``packed``: several texts may lie in a row; ``row_loss``: the loss is one of whole rows, for ``masked`` labels.
    None of them changes parameters.
    """
    execution = execution or Execution()
    weights = getattr(torch, execution.weights)
    gpt = build_model(
        lambda: GPT(model, world, prefixes=prefixes, masked=masked, packed=packed, row_loss=row_loss),
        world.context,
        weights,
        device=world.device,
    )
    if model.tied_embeddings:
        tie_across_pipeline(gpt, world, TOKEN_TABLE, HEAD_TABLE)
    mark_replicated_parameters(gpt, world)
    use_plain_shapes(gpt)
    sanity_check(gpt)
    gpt.module_id_to_prefix = {id(module): f"{name}." for name, module in gpt.named_modules()}
    gpt.module_id_to_prefix[id(gpt)] = ""
    if world.device.type != "meta":  # where nothing has a value
        gpt.init_model_randomly(seed)
    _execute(gpt, execution)
    return gpt


def _execute(gpt: GPT, execution: Execution) -> None:
    for module in gpt.modules():
        if isinstance(module, CausalSelfAttention):
            module.backend = execution.attention
        elif isinstance(module, LanguageModelHead):
            module.cross_entropy = execution.cross_entropy
        elif isinstance(module, DecoderLayer) and execution.recompute == "layer":
            # Inside the pipeline block, whose sending and receiving must not be done twice.
            module.forward = _recomputed(module.forward)
    if execution.compile == "layer":
        # A worker compiles for many shapes in turn; past torch's limit of 8 it would silently run eager.
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 128)
        torch._dynamo.config.accumulated_recompile_limit = max(torch._dynamo.config.accumulated_recompile_limit, 1024)
        for block in (*gpt.model.decoder, gpt.model.lm_head):
            if hasattr(block, "pp_block"):
                block.pp_block.compile(dynamic=False)


def _recomputed(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` that keeps its inputs alone and runs again in the backward pass (Chen et al. 2016, arXiv 1604.06174)."""

    def kept_small(*arguments: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*arguments, **named)
        return checkpoint(forward, *arguments, use_reentrant=False, **named)

    return kept_small
