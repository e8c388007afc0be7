"""From an aspect ratio to a shape that can be built and split over accelerators."""

from __future__ import annotations

import math
from dataclasses import dataclass

from studylib.errors import invalid

_HEAD_DIM, _STAGES, _TOLERANCE = 128, 4, 0.05


@dataclass(frozen=True)
class BuildableShape:
    """A Llama-like decoder (SwiGLU, untied embeddings) near a size and an aspect ratio.

    ``params`` counts everything, ``non_embedding_params`` leaves out the input and output embeddings.
    """

    num_layers: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    params: int
    non_embedding_params: int

    @property
    def aspect(self) -> float:
        return self.hidden_size / self.num_layers

    def as_dict(self) -> dict[str, float]:
        return {
            "num_layers": self.num_layers, "hidden_size": self.hidden_size, "num_heads": self.num_heads,
            "intermediate_size": self.intermediate_size, "params": self.params,
            "non_embedding_params": self.non_embedding_params, "aspect": self.aspect,
        }  # fmt: skip


def buildable_shape(
    target_params: float,
    aspect: float,
    vocab_size: int,
    *,
    tp: int = 8,
) -> BuildableShape:
    """The shape nearest to ``aspect`` whose total parameters are within 5 % of ``target_params``.

    ``hidden_size`` is a multiple of 128 ``tp`` (whole heads on every tensor-parallel rank), ``num_layers`` of the pipeline's 4
    stages; the feed-forward is 8/3 of the hidden size, rounded up to 128 ``tp``. Where nothing lies within the 5 %, the
    nearest size is taken: compare ``params`` with what was asked.

    >>> buildable_shape(13e9, 128, 32_000, tp=8).num_layers
    40
    """
    for field, value in {"target_params": target_params, "aspect": aspect, "vocab_size": vocab_size}.items():
        if not (value > 0 and math.isfinite(value)):
            raise invalid(field, value, "is not a positive number")
    step = _HEAD_DIM * tp
    candidates = []
    for hidden in range(step, 64 * step + 1, step):
        ffn = -(-8 * hidden // (3 * step)) * step
        per_layer = 4 * hidden * hidden + 3 * hidden * ffn + 2 * hidden
        embedding = 2 * vocab_size * hidden
        exact = (target_params - embedding - hidden) / per_layer
        for layers in {max(1, math.floor(exact / _STAGES)) * _STAGES, max(1, math.ceil(exact / _STAGES)) * _STAGES}:
            non_embedding = layers * per_layer + hidden
            candidates.append(
                BuildableShape(layers, hidden, hidden // _HEAD_DIM, ffn, non_embedding + embedding, non_embedding)
            )

    def size_error(shape: BuildableShape) -> float:
        return abs(math.log(shape.params / target_params))

    def shape_error(shape: BuildableShape) -> float:
        return abs(math.log(shape.aspect / aspect))

    near = [shape for shape in candidates if size_error(shape) <= math.log1p(_TOLERANCE)]
    if not near:
        least = min(size_error(shape) for shape in candidates)
        near = [shape for shape in candidates if size_error(shape) == least]
    return min(near, key=lambda shape: (shape_error(shape), size_error(shape)))
