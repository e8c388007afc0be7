"""The shape of a model of so many parameters: near an aspect ratio, and divisible over the cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from studylib.analysis.shape import buildable_shape
from studylib.errors import StudyError, invalid
from studylib.model.cost import parameter_count
from studylib.recipe.options import RecipeOptions
from studylib.recipe.published import KV_HEADS
from studylib.spec import ModelSpec

FIELDS = ("model.num_layers", "model.hidden_size", "model.num_heads", "model.intermediate_size")
TOLERANCE = 0.05  # of the parameters asked for
_WIDEST_TP = 8  # beyond a node, tensor parallelism costs more than it brings
_FFN_STEP = 64  # per tensor-parallel rank: what matrix units like
NARROWEST, _WIDEST = 1.5, 8.0  # feed-forward, or one of its experts, over hidden size
_FAR = 1.5  # an aspect ratio so many times off is another shape: then a narrower tensor parallelism is tried


def shape_of(
    options: RecipeOptions, aspect: float, vocab_size: int, structure: Mapping[str, Any] | None = None
) -> tuple[dict[str, int], int]:
    """Fields of a shape near ``aspect`` with ``options.target_params`` in all, and its parameters without embeddings.

    The feed-forward takes what layers and heads leave over, counted for the ``structure`` (other fields of the model by their dotted
    names: an activation, a mixer, key-value heads), so that every choice gives a model of the same size.

    Raises
    ------
    StudyError
        No shape comes within 5 % of the parameters.
    """
    structure = dict(structure or {})
    for tp in _splits(options):
        shape = buildable_shape(options.target_params, aspect, vocab_size, tp=tp)
        far = max(shape.aspect / aspect, aspect / shape.aspect)
        stages = options.pp or 1
        layers = max(stages, round(shape.num_layers / stages) * stages)
        model = _filled(options, layers, shape.hidden_size, shape.num_heads, vocab_size, tp, structure)
        if model is not None and (far <= _FAR or tp == _splits(options)[-1]):
            count = parameter_count(model)
            fields = {name: getattr(model, name.removeprefix("model.")) for name in FIELDS}
            fields |= {
                "model.num_kv_heads": model.kv_heads,
                "model.vocab_size": vocab_size,
                "model.seq_len": options.seq_len,
            }
            return fields, count.non_embedding
    why = f"has no shape with a vocabulary of {vocab_size:,} and tensor parallelism {options.tp or _WIDEST_TP}"
    raise invalid("target_params", options.target_params, why)


def _splits(options: RecipeOptions) -> list[int]:
    """Tensor-parallel sizes that the widths are made divisible by, the widest first; those asked for where they are."""
    if options.tp is not None:
        return [options.tp]
    widest = min(_WIDEST_TP, options.gpus_per_node, options.gpus)
    return [tp for tp in (8, 4, 2, 1) if tp <= widest]


def _filled(
    options: RecipeOptions, layers: int, hidden: int, heads: int, vocab_size: int, tp: int, structure: dict[str, Any]
) -> ModelSpec | None:
    """The model with the feed-forward that brings it nearest to the parameters asked for; None if none comes near."""
    own = {name.removeprefix("model."): value for name, value in structure.items() if name not in FIELDS}
    wanted = own.pop("num_kv_heads", None) or KV_HEADS
    fitting = [one for one in range(1, heads + 1) if heads % one == 0 and one % tp == 0 and one <= max(wanted, tp)]
    step = _FFN_STEP * tp
    content = {
        "num_layers": layers, "hidden_size": hidden, "num_heads": heads, "num_kv_heads": max(fitting, default=heads),
        "vocab_size": vocab_size, "seq_len": options.seq_len,
    }  # fmt: skip
    base = ModelSpec(**content, intermediate_size=step)
    for name, value in own.items():  # in their order, as options come behind their choice
        with contextlib.suppress(StudyError):  # what cannot be built gives way later, with a word (`fitting`)
            base = base.replace(**{name: value})
    least, more = (parameter_count(base.replace(intermediate_size=n * step)).total for n in (1, 2))
    if more == least:
        return None
    steps = 1 + round((options.target_params - least) / (more - least))
    if not NARROWEST <= steps * step / hidden <= _WIDEST:
        return None
    model = base.replace(intermediate_size=steps * step)
    error = abs(parameter_count(model).total / options.target_params - 1)
    return model if error <= TOLERANCE else None
