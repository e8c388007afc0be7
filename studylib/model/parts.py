"""What the parts of a model cost: parameters and FLOPs a token, part by part. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from studylib.model.cost import feed_forward_parameters, flops_per_token, mixers_of, parameter_count
from studylib.spec import ModelSpec


@dataclass(frozen=True)
class Part:
    """A part of a model: its trained values, and the training FLOPs of one token in it (forward, and twice that for backward)."""

    name: str
    parameters: int
    flops: float


def parts_of(model: ModelSpec) -> list[Part]:
    """Parts in the order in which a token meets them; they add up to ``parameter_count`` and ``flops_per_token``.

    As in `flops_per_token`, only matrix products and the mixing of positions count.
    """
    count, table = parameter_count(model), model.vocab_size * model.hidden_size
    head = 0 if model.tied_embeddings else table
    mixers = mixers_of(model)
    weights = sum(layers * mixer.matrix_parameters for layers, mixer in mixers)
    feed_forward = feed_forward_parameters(model, active=False)
    first = [
        Part("embeddings", count.embedding - head, 0.0),
        Part("mixers' matrices", weights, 6.0 * weights),
        Part("mixing of positions", 0, 3.0 * sum(layers * mixer.mixing_flops for layers, mixer in mixers)),
        Part("feed-forward", feed_forward, 6.0 * feed_forward_parameters(model, active=True)),
        Part("norms, biases and the like", count.non_embedding - weights - feed_forward, 0.0),
    ]
    # The output head reads its own table, or the embeddings' where they are tied.
    last = Part("output head", head, flops_per_token(model) - sum(part.flops for part in first))
    return [*first, last]
