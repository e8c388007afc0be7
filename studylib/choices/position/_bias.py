"""Positions as biases of the attention scores, in torch; heads split over tensor-parallel ranks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy
import torch
from torch.nn import functional as F

from studylib.choices.declare import declare
from studylib.choices.position._position import LayerPosition
from studylib.parallel import dist, split_parameter

if TYPE_CHECKING:
    from studylib.spec import ModelSpec


def distances(query_len: int, key_len: int, device: torch.device) -> torch.Tensor:
    """How far key j lies from query i, int64 [query_len, key_len]; later ones, which only a prefix sees, count alike."""
    queries = torch.arange(key_len - query_len, key_len, device=device)
    return (queries[:, None] - torch.arange(key_len, device=device)).abs()


def alibi_slopes(num_heads: int) -> list[float]:
    """2^(-8/n), 2^(-16/n), ...; heads beyond a power of two take every other slope of the next one, as the authors do."""
    whole = 2 ** math.floor(math.log2(num_heads))
    slopes = [2 ** (-8 * (head + 1) / whole) for head in range(whole)]
    between = [2 ** (-8 * (head + 1) / (2 * whole)) for head in range(0, 2 * whole, 2)]
    return slopes + between[: num_heads - whole]


class LinearBias(LayerPosition):
    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup):
        super().__init__()
        mine = model.num_heads // tp_pg.size()
        start = dist.get_rank(tp_pg) * mine
        slopes = numpy.array(alibi_slopes(model.num_heads)[start : start + mine], dtype=numpy.float32)
        self.register_buffer("slopes", torch.from_numpy(slopes), persistent=False)

    def bias(self, query_len: int, key_len: int) -> torch.Tensor:
        return -self.slopes[:, None, None] * distances(query_len, key_len, self.slopes.device)


class BucketBias(LayerPosition):
    """The table [buckets, heads] starts as T5's: normal with standard deviation hidden_size^-0.5."""

    def __init__(self, model: ModelSpec, tp_pg: dist.ProcessGroup, buckets: int, farthest: int):
        super().__init__()
        self.buckets, self.farthest, std = buckets, farthest, model.hidden_size**-0.5
        local = torch.zeros(buckets, model.num_heads // tp_pg.size())
        self.table = declare(
            split_parameter(local, 1, tp_pg),
            role="norm",  # its updates do not depend on width
            start=lambda shape, generator: torch.randn(shape, generator=generator, dtype=torch.float32) * std,
        )

    def bias(self, query_len: int, key_len: int) -> torch.Tensor:
        far = distances(query_len, key_len, self.table.device)
        return F.embedding(bucket_of(far, self.buckets, self.farthest), self.table).permute(2, 0, 1)


def bucket_of(distance: torch.Tensor, buckets: int, farthest: int) -> torch.Tensor:
    """T5's bucket of a distance >= 0, int64 of the same shape."""
    single = buckets // 2
    growth = torch.log(distance.clamp(min=1).float() / single) / math.log(farthest / single)
    wide = single + (growth * (buckets - single)).long()
    return torch.where(distance < single, distance, wide.clamp(max=buckets - 1))
