"""All blocks of a model in their order, each on its pipeline stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from studylib.choices.objective._losses import RowLoss
from studylib.model.embedding import TokenEmbedding
from studylib.model.head import LanguageModelHead, MaskedLanguageModelHead, RowHead
from studylib.model.layer import DecoderLayer, PackedDecoderLayer, PrefixDecoderLayer, ValueDecoderLayer
from studylib.parallel import P2P, PipelineBlock, TensorPointer, World, dist
from studylib.registry import MIXERS
from studylib.spec import ModelSpec

Tensor = torch.Tensor | TensorPointer


class Pipeline(nn.Module):
    """The blocks in the order of the forward pass; named as nanotron's own models name theirs."""

    def __init__(
        self, model: ModelSpec, world: World, *, prefixes: bool, masked: bool, packed: bool, row_loss: RowLoss | None
    ):
        super().__init__()
        self.prefixes, self.masked, self.packed = prefixes, masked, packed
        self.shares_value = any(MIXERS[name].shares_value for name in model.mixers)
        self.p2p = P2P(world.context.pp_pg, device=world.device)
        arguments = {"model": model, "tp_pg": world.context.tp_pg}

        def block(builder: type[nn.Module], takes: set[str], gives: set[str], **more: Any) -> PipelineBlock:
            return PipelineBlock(
                p2p=self.p2p, module_builder=builder, module_kwargs=arguments | more,
                module_input_keys=takes, module_output_keys=gives,
            )  # fmt: skip

        self.token_position_embeddings = block(
            TokenEmbedding, {"input_ids", *(("begin",) if packed else ())}, {"hidden_states"}
        )
        layer, passed_on = DecoderLayer, {"hidden_states"}
        if prefixes:
            layer, passed_on = PrefixDecoderLayer, {"hidden_states", "both_ways"}
        elif packed:
            layer, passed_on = PackedDecoderLayer, {"hidden_states", "begin"}
        elif self.shares_value:
            layer, passed_on = ValueDecoderLayer, {"hidden_states", "first_value"}
        self.decoder = nn.ModuleList(
            block(layer, passed_on, passed_on, index=index, expert_parallel=world.expert_parallel)
            for index in range(model.num_layers)
        )
        head = MaskedLanguageModelHead if masked else LanguageModelHead
        labels = {"label_ids", "label_scale"} if masked else {"label_ids"}
        of_rows = {}
        if row_loss is not None:
            head, labels, of_rows = RowHead, labels | set(row_loss.takes), {"row_loss": row_loss}
        self.lm_head = block(head, {"hidden_states", *labels}, {"loss"}, **of_rows)

    def states(
        self, input_ids: Tensor, prefix_len: Tensor | None = None, begin: Tensor | None = None
    ) -> Iterator[Tensor]:
        """The residual stream behind the embedding and then behind each layer, [batch, seq, hidden] where this stage has it."""
        assert self.prefixes or prefix_len is None, "this model was not built for prefixes"
        assert self.packed or begin is None, "this model was not built for several texts in a row"
        texts = {"begin": begin} if self.packed else {}
        passed_on = self.token_position_embeddings(input_ids=input_ids, **texts) | texts
        yield passed_on["hidden_states"]
        if self.prefixes:
            passed_on["both_ways"] = prefix_len
        for layer in self.decoder:
            if self.shares_value:
                passed_on = self._in_one_tensor(layer.rank, **passed_on)
            passed_on = layer(**passed_on)
            yield passed_on["hidden_states"]

    def hidden_states(self, input_ids: Tensor, prefix_len: Tensor | None = None, begin: Tensor | None = None) -> Tensor:
        """The residual stream behind the last layer."""
        for hidden_states in self.states(input_ids, prefix_len, begin):  # noqa: B007  none but the last is kept
            pass
        return hidden_states

    def _in_one_tensor(self, stage: int, hidden_states: Tensor, first_value: Tensor | None = None) -> dict[str, Tensor]:
        """What the next layer, on pipeline stage ``stage``, takes.

        Within a stage both tensors go on as they are. Between stages they go side by side in one: nanotron matches gradients
        that come back with tensors that were sent by their order alone, and of two it depends on the layers which is first.
        """
        here = dist.get_rank(self.p2p.pg)
        sent = isinstance(first_value, torch.Tensor)
        if stage == here:
            return {"hidden_states": hidden_states, "first_value": first_value if sent else None}
        if sent:
            hidden_states = torch.cat([hidden_states, first_value.to(hidden_states.dtype)], dim=-1)
        return {"hidden_states": hidden_states, "first_value": TensorPointer(stage)}
