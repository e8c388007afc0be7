"""Probes: what is asked of a trained model beside its validation loss.

A choice is a class derived from ``Probe``. Probes need the whole model on a pipeline stage (``parallel.pp`` 1).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studylib.choices.precision import at_least_fp32
from studylib.data import PreparedData
from studylib.parallel import World, dist, sharded_cross_entropy
from studylib.registry import PROBES
from studylib.spec import TrialSpec
from studylib.train.compute import Compute

if TYPE_CHECKING:
    from studylib.model.gpt import GPT


class Probe(ABC):
    """Something that is asked of a trained model."""

    @abstractmethod
    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        """Make what will be asked; StudyError when the data do not allow it."""

    @abstractmethod
    def measure(self, model: GPT, world: World, compute: Compute) -> dict[str, Any]:
        """The answers in plain numbers, equal on all ranks; the model is not changed."""


def build_probes(spec: TrialSpec, prepared: PreparedData) -> dict[str, Probe]:
    return {name: PROBES[name](spec, prepared) for name in spec.probes}


def measure_probes(probes: dict[str, Probe], model: GPT, world: World, compute: Compute) -> dict[str, dict[str, Any]]:
    """The answers of every probe by its name."""
    model.eval()
    with torch.compiler.set_stance("force_eager"):  # as in validation: not worth compiling for
        found = {name: probe.measure(model, world, compute) for name, probe in probes.items()}
    model.train()
    return found


@torch.no_grad()
def token_losses(
    model: GPT,
    world: World,
    compute: Compute,
    rows_BT: np.ndarray,
    batch_rows: int,
    prefix_len_B: np.ndarray | None = None,
) -> np.ndarray:
    """Loss of every predicted token in nats, float64 [rows, seq]; ``rows_BT`` is [rows, seq + 1], the same on all ranks.

    ``prefix_len_B``: so many first positions of each row see each other both ways (a model made for prefixes only).
    """
    losses = np.zeros((len(rows_BT), rows_BT.shape[1] - 1))
    mine = range(world.dp_rank, len(rows_BT), world.dp)
    for start in range(0, len(mine), batch_rows):
        places = list(mine[start : start + batch_rows])
        rows = torch.from_numpy(np.ascontiguousarray(rows_BT[places])).to(world.device)
        labels = rows[:, 1:]
        prefix_len = None if prefix_len_B is None else torch.from_numpy(prefix_len_B[places]).to(world.device)
        with compute.autocast():
            logits = model.logits(rows[:, :-1].contiguous(), prefix_len)
        if world.tp == 1:
            flat = torch.nn.functional.cross_entropy(
                at_least_fp32(logits).flatten(0, 1), labels.flatten(), reduction="none"
            )
            found = flat.view(labels.shape)
        else:
            found = sharded_cross_entropy(
                logits,
                labels.contiguous(),
                group=world.context.tp_pg,
                dtype=torch.promote_types(logits.dtype, torch.float32),
            )
        losses[places] = found.double().cpu().numpy()
    if world.dp > 1:
        whole = torch.from_numpy(losses).to(world.device)
        dist.all_reduce(whole, group=world.context.dp_pg, op=dist.ReduceOp.SUM)
        losses = whole.cpu().numpy()
    return losses


__all__ = ["Probe", "build_probes", "measure_probes", "token_losses"]
