"""Ranks of a layout built one after another as the engine builds them, on the meta device, in a process that does nothing else.

    echo '[{"trial": ..., "ranks": [0, 1, 2]}]' | python -m studylib.recipe.built_ranks

Prints a JSON record a line for each rank: a `BuiltRank`, and as ``asked`` the place in the list that asked for it.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass

import torch

from studylib.choices.declare import full_shape
from studylib.choices.execution import Execution
from studylib.model.gpt import GPT, build_gpt
from studylib.model.initialise import role_of
from studylib.parallel import World, world_without_others
from studylib.registry import OBJECTIVES, OPTIMIZERS
from studylib.spec import TrialSpec, validated
from studylib.train.optimizer import build_optimizer


@dataclass(frozen=True)
class BuiltRank:
    """What one rank has.

    Attributes
    ----------
    dp, tp, pp
        Its places.
    layers, embedding, head
        Indices of its layers; whether the other blocks are here.
    parameters, weights_bytes
        Trained values, and what they take.
    counted
        The same values, each divided by how many ranks of the replica keep a copy of it: over a replica they add up to the model's.
    state
        Numbers of the optimizer's state.
    """

    rank: int
    dp: int
    tp: int
    pp: int
    layers: list[int]
    embedding: bool
    head: bool
    parameters: int
    weights_bytes: int
    counted: float
    state: float


def built_rank(trial: TrialSpec, rank: int) -> BuiltRank:
    """Rank ``rank`` of ``trial``'s layout, with its optimizer."""
    precision = "float64" if trial.compute.dtype == "float64" else "float32"
    objective = OBJECTIVES[trial.objective.name](trial.objective)
    with world_without_others(trial.parallel, rank, torch.device("meta")) as world:
        gpt = build_gpt(trial.model, world, seed=0, execution=Execution(weights=precision), **objective.built_for())
        parameters = list(gpt.parameters())
        return BuiltRank(
            rank=rank, dp=world.dp_rank, tp=world.tp_rank, pp=world.pp_rank,
            layers=[index for index, block in enumerate(gpt.model.decoder) if hasattr(block, "pp_block")],
            embedding=hasattr(gpt.model.token_position_embeddings, "pp_block"), head=hasattr(gpt.model.lm_head, "pp_block"),
            parameters=sum(one.numel() for one in parameters),
            weights_bytes=sum(one.numel() * one.element_size() for one in parameters),
            counted=sum(one.numel() / _copies(one) for one in parameters),
            state=_state(trial, gpt, world),
        )  # fmt: skip


def _copies(parameter: torch.nn.Parameter) -> int:
    return len(parameter.get_tied_info().global_ranks) if parameter.is_tied else 1


def _state(trial: TrialSpec, gpt: GPT, world: World) -> float:
    """Numbers that the optimizer keeps for the parameters, or the parts of them, that are this rank's to update."""
    optimizer, choice = build_optimizer(gpt, trial, world), OPTIMIZERS[trial.optimizer.name](trial.optimizer)
    parts = getattr(optimizer, "param_name_to_dp_rank_offsets", None)  # ZeRO-1
    found = 0.0
    for name, parameter in gpt.get_named_params_with_correct_tied():
        role = role_of(name, parameter)
        size = math.prod(full_shape(parameter)) if choice.whole(role, parameter.ndim) else parameter.numel()
        if parts is not None:
            start, end = parts[name].get(world.dp_rank, (0, 0))
            size = int(end - start)
        found += size * (choice.state_per_weight if role == "hidden" else choice.state_per_embedding)
    return found


def main() -> int:
    for place, asked in enumerate(json.load(sys.stdin)):
        trial = validated(TrialSpec, asked["trial"])
        for rank in asked["ranks"]:
            print(json.dumps(asdict(built_rank(trial, rank)) | {"asked": place}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
