"""The common recipe, and what is made of it by changing one thing."""

from __future__ import annotations

from typing import Any

from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.model.cost import parameter_count
from studylib.numbers import short
from studylib.search import trial_at
from studylib.spec import ModelSpec, TrialSpec

RATE = "optimizer.learning_rate"


def base(params: HyperparametersParams, width: int, seed: int, **tags: Any) -> TrialSpec:
    """The trial that every other changes in one thing."""
    model = ModelSpec(
        num_layers=params.num_layers, hidden_size=width, num_heads=width // params.head_dim,
        vocab_size=params.data.tokenizer.vocab_size, seq_len=params.seq_len,
    )  # fmt: skip
    size = short(parameter_count(model).non_embedding)
    label = {"size": size, "width": width, "lr_factor": 1.0, "learning_rate": params.learning_rate}
    return params.trial(model, seed, params.steps, tags=label | tags)


def at(trial: TrialSpec, point: dict[str, Any], **tags: Any) -> TrialSpec:
    return with_tags(trial_at(trial, point), **tags)


def with_tags(trial: TrialSpec, **tags: Any) -> TrialSpec:
    rate = {"learning_rate": trial.optimizer.learning_rate}
    return trial.replace(tags=trial.tags | rate | tags)


def labelled(trials: list[TrialSpec], **tags: Any) -> list[TrialSpec]:
    return [with_tags(trial, **tags) for trial in trials]
