"""The coordinate check: do activations and their updates keep their size as a model gets wider?

Yang et al. 2022 (arXiv 2203.03466, appendix D.1): under a correct width parametrisation the sizes after a few steps are the
same at every width; under the standard one they grow, and with them the best learning rate falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from studylib.errors import invalid
from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import world
from studylib.spec import TrialSpec
from studylib.train.compute import resolve
from studylib.train.gradients import clip_gradients
from studylib.train.optimizer import build_optimizer, set_learning_rate


def coordinate_check(
    spec: TrialSpec, widths: Sequence[int], *, steps: int = 4, seeds: Sequence[int] = (0, 1, 2)
) -> list[dict[str, Any]]:
    """Sizes of activations while models of several widths are trained on one fixed batch.

    Parameters
    ----------
    spec
        Gives everything but the width: initialisation, optimizer and its constant learning rate, depth, batch. Heads keep
        their size, so their number follows the width; query groups stay in proportion.
    widths
        Hidden sizes, multiples of the head's size.
    steps
        Optimizer steps; sizes are taken before each and after the last.
    seeds
        Of start values and batch. Tokens are random: what is learnt does not matter, only how far values move.

    Returns
    -------
    list of dict
        ``init``, ``optimizer``, ``width``, ``seed``, ``step`` (0 to ``steps``), ``where`` (embedding, layer 1, ..., logits),
        ``size`` (root mean square of the values) and ``change`` (that of what was added since the start).

    Raises
    ------
    StudyError
        A width does not hold whole heads, or the trial is for several processes.
    """
    if spec.parallel.world_size > 1:
        raise invalid("parallel", spec.parallel.world_size, "processes: the check is for one")
    found = []
    for width in widths:
        if width % spec.model.head_dim:
            raise invalid("widths", width, f"is no multiple of the heads' size {spec.model.head_dim}")
        for seed in seeds:
            found += _run(_at_width(spec, width), steps, seed)
    return found


def _at_width(spec: TrialSpec, width: int) -> TrialSpec:
    heads = width // spec.model.head_dim
    groups = spec.model.num_heads // spec.model.kv_heads
    ffn = spec.model.intermediate_size
    return spec.replace(
        **{
            "model.hidden_size": width, "model.num_heads": heads, "model.num_kv_heads": max(heads // groups, 1),
            "model.intermediate_size": ffn and round(ffn * width / spec.model.hidden_size),
        }
    )  # fmt: skip


def _run(spec: TrialSpec, steps: int, seed: int) -> list[dict[str, Any]]:
    compute = resolve(spec)
    shape = (spec.global_batch_size, spec.model.seq_len + 1)
    tokens = torch.from_numpy(np.random.default_rng(seed).integers(0, spec.model.vocab_size, shape))
    about = {
        "init": spec.model.init, "optimizer": spec.optimizer.name, "width": spec.model.hidden_size, "seed": seed
    }  # fmt: skip
    records: list[dict[str, Any]] = []
    with world(spec.parallel, compute.torch_device) as one:
        model = build_gpt(spec.model, one, seed=seed)
        optimizer = build_optimizer(model, spec, one)
        set_learning_rate(optimizer, spec.optimizer.learning_rate)
        tokens = tokens.to(one.device)
        start = activations(model, tokens[:, :-1])
        for step in range(steps + 1):
            now = activations(model, tokens[:, :-1]) if step else start
            records += [
                about | {"step": step, "where": where, "size": _rms(value), "change": _rms(value - start[where])}
                for where, value in now.items()
            ]
            if step < steps:
                with compute.autocast():
                    loss = model(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"]
                loss.backward()
                clip_gradients(model, one, spec.optimizer.grad_clip)
                optimizer.step()
                optimizer.zero_grad()
    return records


@torch.no_grad()
def activations(model: GPT, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
    """The stream behind the embedding and behind each layer, [batch, seq, hidden], and the logits, [batch, seq, vocab]."""
    states = list(model.model.states(tokens))
    found = {"embedding": states[0]} | {f"layer {number}": state for number, state in enumerate(states[1:], start=1)}
    return found | {"logits": model.model.lm_head.pp_block.logits(states[-1])}


def _rms(value: torch.Tensor) -> float:
    return value.float().square().mean().sqrt().item()
