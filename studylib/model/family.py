"""Shapes of equal size: what is deep and narrow beside what is shallow and wide. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from studylib.errors import invalid
from studylib.model.cost import mlp_matrix_parameters, parameter_count
from studylib.spec import ModelSpec

# The feed-forward absorbs what whole layers and heads leave over, but stays near Llama's 8/3 of the hidden size (gated).
FFN_RATIO, FFN_RANGE = 8 / 3, (2.0, 3.6)
TOLERANCE = 0.03


def shapes_of_size(
    non_embedding: int, aspects: Sequence[float], *, head_dim: int, ffn_multiple: int = 4, base: ModelSpec
) -> list[ModelSpec]:
    """Models with ``non_embedding`` parameters (within 3 %), one nearest to each aspect ratio.

    Parameters
    ----------
    non_embedding
        Parameters without token table and output head.
    aspects
        Wanted ratios hidden_size / num_layers; two that lead to the same shape give it once.
    head_dim
        Size of a head; hidden sizes are its multiples, so the number of heads follows the width.
    base
        Gives everything that is not shape (vocabulary, context length, choices).

    Returns
    -------
    list of ModelSpec
        By falling depth.

    Raises
    ------
    StudyError
        No shape fits; the message says which sizes do.
    """
    found = _every_shape(non_embedding, head_dim, ffn_multiple, base)
    if not found:
        raise invalid(
            "budgets", non_embedding, f"is too small for any shape with head_dim {head_dim}; use a smaller head_dim"
        )
    nearest = {
        min(found, key=lambda shape: abs(math.log(aspect_ratio(shape) / aspect))).hidden_size for aspect in aspects
    }
    return [shape for shape in found if shape.hidden_size in nearest]


def next_shape_out(
    non_embedding: int, shapes: Sequence[ModelSpec], *, deeper: bool, head_dim: int, ffn_multiple: int = 4
) -> ModelSpec | None:
    """The shape beyond the deepest or the widest of a family, as far from it (as a ratio of aspect ratios) as its neighbour is.

    Parameters
    ----------
    non_embedding, head_dim, ffn_multiple
        As for `shapes_of_size`.
    shapes
        By falling depth, as `shapes_of_size` gives them; two at least.

    Returns
    -------
    ModelSpec or None
        Of those with another number of layers the nearest to the wanted ratio; None where there is none beyond, as a model has one
        layer at least.
    """
    edge, neighbour = shapes[:2] if deeper else (shapes[-1], shapes[-2])
    wanted = aspect_ratio(edge) ** 2 / aspect_ratio(neighbour)
    beyond = [
        shape
        for shape in _every_shape(non_embedding, head_dim, ffn_multiple, edge)
        if (shape.num_layers > edge.num_layers if deeper else shape.num_layers < edge.num_layers)
    ]
    return min(beyond, key=lambda shape: abs(math.log(aspect_ratio(shape) / wanted)), default=None)


@lru_cache(maxsize=64)  # plans ask for the same family again and again
def _every_shape(non_embedding: int, head_dim: int, ffn_multiple: int, base: ModelSpec) -> list[ModelSpec]:
    return [
        shape
        for hidden in range(head_dim, 2 * math.isqrt(non_embedding) + head_dim, head_dim)
        if (shape := _shape(non_embedding, hidden, head_dim, ffn_multiple, base)) is not None
    ]


def of_equal_size(model: ModelSpec, reference: ModelSpec, *, ffn_multiple: int = 8) -> ModelSpec:
    """``model`` with the MLP that gives it as many parameters as ``reference``, so that two mixers compare fairly.

    Layers, widths and heads stay; what one mixer has more than the other, the MLPs of all layers give up alike, as in
    the RetNet paper (arXiv 2307.08621, section 3.1). Embeddings are not counted.

    Parameters
    ----------
    ffn_multiple
        ``intermediate_size`` is the nearest multiple of it, which decides how closely sizes agree.

    Raises
    ------
    StudyError
        Without any MLP ``model`` would still be larger.
    """
    least = model.replace(intermediate_size=ffn_multiple)
    without = parameter_count(least).non_embedding - model.num_layers * mlp_matrix_parameters(least)
    left = parameter_count(reference).non_embedding - without
    steps = round(left / (model.num_layers * mlp_matrix_parameters(least)))
    if steps < 1:
        raise invalid("model.mixer", model.mixer, f"leaves no parameters for an MLP at {left + without:,} in all")
    return model.replace(intermediate_size=steps * ffn_multiple)


def aspect_ratio(model: ModelSpec) -> float:
    """hidden_size / num_layers."""
    return model.hidden_size / model.num_layers


def _shape(non_embedding: int, hidden: int, head_dim: int, ffn_multiple: int, base: ModelSpec) -> ModelSpec | None:
    matrices, scale = (3, 1.0) if base.gated else (2, 1.5)  # an ungated MLP of as many weights is half as wide again
    ratio, (narrowest, widest) = scale * FFN_RATIO, (scale * edge for edge in FFN_RANGE)

    def sized(layers: int, ffn: int) -> dict[str, int | None]:
        return {
            "num_layers": layers, "hidden_size": hidden, "num_heads": hidden // head_dim, "num_kv_heads": None,
            "intermediate_size": ffn,
        }  # fmt: skip

    def skeleton(layers: int) -> int:
        """Everything but the MLPs."""
        shape = base.model_copy(update=sized(layers, ffn_multiple))  # not validated: only counted, many times
        return parameter_count(shape).non_embedding - layers * mlp_matrix_parameters(shape)

    period = base.attention_every or 1  # hybrids repeat with it
    once = skeleton(period)
    per_layer = (skeleton(2 * period) - once) / period
    outside = once - per_layer * period
    layers = max(1, round((non_embedding - outside) / (per_layer + matrices * ratio * hidden * hidden)))
    left = (non_embedding - skeleton(layers)) / layers
    ffn = round(left / (matrices * hidden * ffn_multiple)) * ffn_multiple
    if not narrowest <= ffn / hidden <= widest:
        return None
    shape = base.replace(**sized(layers, ffn))
    error = parameter_count(shape).non_embedding / non_embedding - 1
    return shape if abs(error) <= TOLERANCE else None
