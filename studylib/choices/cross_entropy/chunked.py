"""A few tokens' logits at a time, their gradients at once, so that the full logits never exist.

The gradient of a cross-entropy needs only the logits, so it is formed while they are in the cache and no logit is kept for
the backward pass (as Liger Kernel does, Hsu et al. 2024, arXiv 2410.10989, section 3.2). The output matrix's gradient is
summed over chunks in fp32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from studylib.choices.cross_entropy import CrossEntropy
from studylib.choices.cross_entropy.plain import Plain
from studylib.choices.execution import CHUNK_LOGITS
from studylib.choices.precision import at_least_fp32
from studylib.parallel import dist

__all__ = ["Chunked"]

_PLAIN = Plain()


class Chunked(CrossEntropy):
    def __call__(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> tuple[torch.Tensor, torch.Tensor]:
        kind, weight = hidden_states.device.type, proj.weight
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        rows = max(1, CHUNK_LOGITS[kind] // weight.shape[0])
        labels = label_ids.flatten()
        total = _InChunks.apply(hidden_states.flatten(0, -2), weight, labels, tp_pg, dtype, rows)
        return total, (labels >= 0).sum()

    def losses(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> torch.Tensor:
        """What each is worth to the loss is known only behind it, so the logits are computed again in the backward pass."""
        rows = max(1, CHUNK_LOGITS[hidden_states.device.type] // proj.weight.shape[0])
        chunks = zip(hidden_states.flatten(0, -2).split(rows), label_ids.flatten().split(rows), strict=True)
        parts = [
            checkpoint(_PLAIN.losses, hidden, proj, labels, tp_pg, use_reentrant=False) for hidden, labels in chunks
        ]
        return torch.cat(parts).view_as(label_ids)


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor, tp_pg: dist.ProcessGroup,
        dtype: torch.dtype, rows: int,
    ) -> torch.Tensor:  # fmt: skip
        """Sum of the losses of ``hidden`` [tokens, hidden] against ``weight`` [vocab / tp, hidden]."""
        learns = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        x, w = hidden.to(dtype), weight.to(dtype)
        ranks, vocab = tp_pg.size(), weight.shape[0]
        total = torch.zeros((), dtype=torch.promote_types(dtype, torch.float32), device=hidden.device)
        grad_weight, grad_hidden = None, []
        for start in range(0, x.shape[0], rows):
            part, label = x[start : start + rows], labels[start : start + rows, None]
            counted = label >= 0
            logits = at_least_fp32(part @ w.t())
            place = label if ranks == 1 else label - dist.get_rank(tp_pg) * vocab
            here = counted & (place >= 0) & (place < vocab)
            place = place.clamp(0, vocab - 1)
            if ranks == 1:
                log_probabilities = torch.log_softmax(logits, dim=-1)
                losses = -log_probabilities.gather(1, place)
            else:
                normalizer = torch.logsumexp(logits, dim=-1, keepdim=True)
                wanted = torch.where(here, logits.gather(1, place), 0.0)
                normalizer, wanted = _over_ranks(normalizer, wanted, tp_pg)
                log_probabilities, losses = logits - normalizer, normalizer - wanted
            total = total + torch.where(counted, losses, 0.0).sum()
            if learns:
                slope = _slope(log_probabilities, place, here, counted).to(dtype)
                grad_hidden.append(slope @ w)
                product = at_least_fp32(slope.t() @ part)
                grad_weight = product if grad_weight is None else grad_weight + product
        if learns:
            gradient = torch.cat(grad_hidden)
            if ranks > 1:
                dist.all_reduce(gradient, group=tp_pg, op=dist.ReduceOp.SUM)
            ctx.save_for_backward(gradient, grad_weight)
            ctx.types = hidden.dtype, weight.dtype
        return total

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        gradient, grad_weight = ctx.saved_tensors
        of_hidden, of_weight = ctx.types
        return (gradient * upstream).to(of_hidden), (grad_weight * upstream).to(of_weight), None, None, None, None


def _slope(
    log_probabilities: torch.Tensor, place: torch.Tensor, here: torch.Tensor, counted: torch.Tensor
) -> torch.Tensor:
    """Gradient of a token's loss by its logits: probabilities, less one at the label; fp32 [rows, vocab]."""
    if torch.compiler.is_compiling():  # comparisons fuse into the same loop, a scatter would not
        column = torch.arange(log_probabilities.shape[1], device=log_probabilities.device)
        return torch.where(
            counted, torch.exp(log_probabilities) - ((column == place) & here).to(log_probabilities.dtype), 0.0
        )
    probabilities = log_probabilities.exp_()
    probabilities.scatter_add_(1, place, -here.to(probabilities.dtype))
    return probabilities.mul_(counted)


def _over_ranks(
    normalizer: torch.Tensor, wanted: torch.Tensor, tp_pg: dist.ProcessGroup
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each rank has a slice of the vocabulary: the normalizer of all, and the label's logit, which one rank has."""
    greatest = normalizer.clone()
    dist.all_reduce(greatest, group=tp_pg, op=dist.ReduceOp.MAX)
    parts = torch.cat([torch.exp(normalizer - greatest), wanted])
    dist.all_reduce(parts, group=tp_pg, op=dist.ReduceOp.SUM)
    shares, wanted = parts.chunk(2)
    return greatest + torch.log(shares), wanted
