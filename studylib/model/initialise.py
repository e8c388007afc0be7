"""Start values drawn by parameter name and seed: the same on every topology, worker and resume point."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import torch

from studylib.choices.declare import declared, full_shape
from studylib.choices.init import ParameterRule
from studylib.parallel import NanotronModel
from studylib.registry import INITS, NORMS, RESIDUALS
from studylib.spec import ModelSpec


def role_of(name: str, parameter: torch.Tensor) -> str:
    """What a parameter is to the parametrisation: embedding, head, norm (any vector) or hidden."""
    if role := declared(parameter).role:
        return role
    if parameter.ndim == 1:
        return "norm"
    if ".token_embedding." in name:
        return "embedding"
    return "head" if ".lm_head." in name else "hidden"


# Every mixer and MLP names so the matrix whose output it adds to the residual stream.
BRANCH_ENDS = (".o_proj.", ".down_proj.")


def rule_of(model: ModelSpec, name: str, parameter: torch.Tensor) -> ParameterRule:
    """The parametrisation's rule for a named parameter of ``model``."""
    init, shape = INITS[model.init](model), full_shape(parameter)
    fan_out = shape[-2] if len(shape) > 1 else 0
    ends_branch = any(part in name for part in BRANCH_ENDS)
    rule = init.rule(role_of(name, parameter), shape[-1], fan_out, ends_branch=ends_branch)
    if model.tied_embeddings and is_by_token(name, parameter):
        # Drawn as a head, for the first loss; the input side is multiplied up again (``embedding_multiplier``).
        rule = replace(rule, std=init.rule("head", *shape[::-1]).std)
    return rule


def orthogonal(drawn: torch.Tensor) -> torch.Tensor:
    """A normal draw [..., rows, columns] made orthonormal along its shorter side, times sqrt(columns).

    Distributed uniformly: the signs of the triangular factor are taken out (Mezzadri 2007, arXiv math-ph/0609050).
    Factored in double precision: how a factorisation rounds depends on the processor and on how many threads it has.
    """
    tall = drawn.shape[-2] >= drawn.shape[-1]
    basis, triangle = torch.linalg.qr((drawn if tall else drawn.mT).double())
    basis = basis * triangle.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    basis = basis * drawn.shape[-1] ** 0.5
    return (basis if tall else basis.mT).to(drawn.dtype).contiguous()


def is_by_token(name: str, parameter: torch.Tensor) -> bool:
    """Whether a parameter has a row for every token: token table or output head."""
    return parameter.ndim == 2 and (".token_embedding." in name or ".lm_head." in name)


def embedding_multiplier(model: ModelSpec) -> float:
    """Multiplies token embeddings, so that a table shared with the head enters the stream as one of its own would."""
    if not model.tied_embeddings:
        return 1.0
    init, table = INITS[model.init](model), (model.hidden_size, model.vocab_size)
    return init.rule("embedding", *table).std / init.rule("head", *table).std


def stream_multiplier(model: ModelSpec) -> float:
    """Multiplies embeddings with their positions; brings the residual stream to unit scale where asked or needed."""
    init = INITS[model.init](model)
    asked = init.unit_stream if model.unit_stream is None else model.unit_stream
    if not (asked or NORMS[model.norm].unit_stream or RESIDUALS[model.residual].unit_stream):
        return 1.0
    return 1.0 / init.rule("embedding", model.hidden_size, model.vocab_size).std


@torch.no_grad()
def initialise(model: NanotronModel, seed: int) -> None:
    """Fill every parameter in place from a generator seeded by (seed, name); shards take their slice."""
    for name, parameter in model.get_named_params_with_correct_tied():
        rule = rule_of(model.spec, name, parameter)
        told = declared(parameter)
        if rule.std is None and told.start is None:
            parameter.fill_(1.0)
            continue
        digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
        if told.start is not None:
            full = told.start(full_shape(parameter), generator)
        else:
            full = torch.randn(full_shape(parameter), generator=generator, dtype=torch.float32)
            if rule.orthogonal:
                full = orthogonal(full)
            full.mul_(rule.std * told.gain)
        if parameter.is_sharded:
            for pair in parameter.get_sharded_info().local_global_slices_pairs:
                parameter[pair.local_slices] = full[pair.global_slices].to(parameter)
        else:
            parameter.copy_(full)
