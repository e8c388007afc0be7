"""What is published of every field of such a model, or is convention: the value, its source, and under what it was found.

The texts, and values that depend on nothing, stand in ``published.yaml``; values that follow from size, tokens and vocabulary are
computed here.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from studylib.frozen import Frozen, validated
from studylib.params.yaml_file import Loader
from studylib.recipe.options import RecipeOptions
from studylib.recipe.text import annealing
from studylib.spec.setting import Phase, Value
from studylib.words import Text

ASPECT = 128  # hidden size over layers; see model.num_layers in published.yaml
VOCABULARY = 99_584  # llm-jp-tokenizer v3 as llm-jp-3 pads it (llm-jp/instruct3, megatron_configs/llm-jp-3-7.2b.yaml)
KV_HEADS = 8
_WARMUP = 2000


class Published(Frozen):
    """One field, as others build such models."""

    field: str
    phase: Phase = "pre-training"
    choice: str = Field(default="", description="what is chosen as one with other fields")
    name: Text
    value: Value = None
    evidence: Literal["published", "convention"] = "published"
    source: Text
    conditions: Text = Field(description="under which it was found, and who does otherwise")
    holds_with: dict[str, tuple[Value, ...]] = Field(
        default_factory=dict, description="values of other fields (of pre-training) without which it means nothing"
    )

    @property
    def key(self) -> tuple[Phase, str]:
        return self.phase, self.field


def step_law_rate(params: float, tokens: float) -> float:
    """Peak learning rate for so many non-embedding parameters and tokens (Step Law, arXiv 2503.04715, equation 1)."""
    return 1.79 * params**-0.713 * tokens**0.307


def step_law_batch(tokens: float) -> float:
    """Batch in tokens (Step Law, arXiv 2503.04715, equation 1)."""
    return 0.58 * tokens**0.571


def published(options: RecipeOptions, shape: dict[str, int], non_embedding: int) -> dict[tuple[Phase, str], Published]:
    """Every field by (phase, field), with values for ``options``.

    Parameters
    ----------
    shape
        Fields of the model's shape by their dotted names, vocabulary and context among them.
    non_embedding
        Parameters of that shape without embeddings.
    """
    steps = math.ceil(options.tokens / options.batch_tokens)
    rate = step_law_rate(non_embedding, options.tokens)
    computed: dict[str, Any] = shape | {
        "data.tokenizer.vocab_size": shape["model.vocab_size"],
        "optimizer.learning_rate": float(f"{rate:.2g}"),
        "schedule.warmup_steps": max(1, min(_WARMUP, steps // 20)),
        "global_batch_size": max(1, round(options.batch_tokens / options.seq_len)),
        "stages": annealing(options.tokens),
    }
    found = {}
    for one in _entries():
        if one.phase == "pre-training" and one.field in computed:
            one = one.model_copy(update={"value": computed[one.field]})
        found[one.key] = one
    return found


@cache
def _entries() -> tuple[Published, ...]:
    file = Path(__file__).with_suffix(".yaml")
    content = yaml.load(file.read_text(encoding="utf-8"), Loader)
    return tuple(validated(Published, one, file=file) for one in content)
