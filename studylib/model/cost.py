"""Parameters and FLOPs, counted from the specification. No torch, so a study is planned at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from studylib.choices.mixer import Mixer
from studylib.registry import MIXERS, NORMS, OBJECTIVES, POSITIONS, RESIDUALS
from studylib.spec import ModelSpec, TrialSpec


@dataclass(frozen=True)
class ParameterCount:
    """``embedding`` counts token table, position table and output head; ``non_embedding`` the rest.

    ``inactive`` of them take no part in computing one token: the experts that it is not sent to.
    """

    embedding: int
    non_embedding: int
    inactive: int = 0

    @property
    def total(self) -> int:
        return self.embedding + self.non_embedding

    @property
    def active(self) -> int:
        """Those that one token meets."""
        return self.total - self.inactive


def mlp_matrix_parameters(model: ModelSpec) -> int:
    """Weights of one dense MLP's matrix products."""
    return model.hidden_size * model.ffn_size * (3 if model.gated else 2)


def moe_matrix_parameters(model: ModelSpec, experts: int) -> int:
    """Weights of the matrix products of one layer's router, of ``experts`` of its routed experts and of its shared ones."""
    expert = model.hidden_size * model.expert_size * (3 if model.gated else 2)
    return model.hidden_size * model.moe.experts + (experts + model.moe.shared_experts) * expert


def feed_forward_parameters(model: ModelSpec, *, active: bool) -> int:
    """Weights of the feed-forward half of all layers: all, or those that one token meets."""
    if model.moe is None:
        return model.num_layers * mlp_matrix_parameters(model)
    sparse = model.num_layers // model.moe.every
    experts = model.moe.experts_per_token if active else model.moe.experts
    dense = (model.num_layers - sparse) * mlp_matrix_parameters(model)
    return dense + sparse * moe_matrix_parameters(model, experts)


def mixers_of(model: ModelSpec) -> list[tuple[int, Mixer]]:
    """Descriptions of the layers' mixers, each with how many layers have it; the first layer may differ from the others."""
    first, counts = model.mixer_of_layer(0), dict(model.mixers)
    counts[first] -= 1
    others = [(count, MIXERS[name](model, layer=1)) for name, count in counts.items() if count]
    return [(1, MIXERS[first](model, layer=0)), *others]


def matrix_parameters(model: ModelSpec) -> int:
    """Weights of the matrix products that one token meets, in all layers; hybrids have layers of two kinds."""
    mixing = sum(count * mixer.matrix_parameters for count, mixer in mixers_of(model))
    return mixing + feed_forward_parameters(model, active=True)


@lru_cache(maxsize=4096)  # of one model many trials are planned
def parameter_count(model: ModelSpec) -> ParameterCount:
    """Exact number of trained values; the tests hold it against the built model."""
    residual = RESIDUALS[model.residual](model)
    others = sum(count * mixer.other_parameters for count, mixer in mixers_of(model))
    others += model.num_layers * residual.layer_parameters
    others += NORMS[model.norm](model).parameters if residual.final_norm else 0
    position = POSITIONS[model.position](model).embedding_parameters
    inactive = feed_forward_parameters(model, active=False) - feed_forward_parameters(model, active=True)
    return ParameterCount(
        embedding=(1 if model.tied_embeddings else 2) * model.vocab_size * model.hidden_size + position,
        non_embedding=matrix_parameters(model) + inactive + others,
        inactive=inactive,
    )


@dataclass(frozen=True)
class LayerCount:
    """Of one layer: trained values; training FLOPs of one token in its matrix products, and in what its mixer does beyond them."""

    parameters: int
    matrix_flops: float
    mixing_flops: float


def kinds_of_layers(model: ModelSpec) -> list[int]:
    """For each layer the first layer that is as large: the same mixer and feed-forward, the model's first layer being its own kind."""
    first: dict[tuple, int] = {}
    kinds = [(model.mixer_of_layer(layer), model.has_experts(layer), layer == 0) for layer in range(model.num_layers)]
    return [first.setdefault(kind, layer) for layer, kind in enumerate(kinds)]


@lru_cache(maxsize=64)  # of one model many layouts are compared
def layer_counts(model: ModelSpec) -> tuple[LayerCount, ...]:
    """By index; their sums, with embedding and head, are `parameter_count` and `flops_per_token`."""
    kinds = kinds_of_layers(model)
    counted = {layer: _layer_count(model, layer) for layer in set(kinds)}
    return tuple(counted[layer] for layer in kinds)


def _layer_count(model: ModelSpec, layer: int) -> LayerCount:
    mixer = MIXERS[model.mixer_of_layer(layer)](model, layer=layer)
    half = met = mlp_matrix_parameters(model)
    if model.has_experts(layer):
        half, met = (moe_matrix_parameters(model, n) for n in (model.moe.experts, model.moe.experts_per_token))
    others = mixer.other_parameters + RESIDUALS[model.residual](model).layer_parameters
    return LayerCount(
        parameters=mixer.matrix_parameters + half + others,
        matrix_flops=6.0 * (mixer.matrix_parameters + met),
        mixing_flops=3.0 * mixer.mixing_flops,
    )


def head_flops(model: ModelSpec) -> float:
    """Training FLOPs of one token in the output head."""
    return 6.0 * model.vocab_size * model.hidden_size


def block_costs(model: ModelSpec, stages: int) -> tuple[float, float]:
    """What nanotron balances ``stages`` pipeline stages by: the weight of each layer, and of the head.

    A big vocabulary makes the head dearer than all layers of a small model, and nanotron would then put everything on the
    first stages and leave the last one empty. Below ``layers / (stages - 1)`` the head cannot: the layers alone cross every
    threshold before it.
    """
    layer, head = matrix_parameters(model) / model.num_layers, float(model.vocab_size * model.hidden_size)
    if stages > 1:
        head = min(head, 0.99 * layer * model.num_layers / (stages - 1))
    return layer, head


@lru_cache(maxsize=4096)
def flops_per_token(model: ModelSpec) -> float:
    """Training FLOPs of one token: forward and twice that for backward.

    Matrix products only (2 per weight), with the output head and what the mixers do beyond them: for attention the
    full ``seq_len`` square of scores, as in PaLM's appendix B (arXiv 2204.02311), or a sparse pattern's share of it.
    """
    products = 2 * (matrix_parameters(model) + model.vocab_size * model.hidden_size)
    mixing = sum(count * mixer.mixing_flops for count, mixer in mixers_of(model))
    return 3.0 * (products + mixing)


def training_flops(spec: TrialSpec, first_step: int = 0) -> float:
    """Model FLOPs of the whole trial from ``first_step`` on, without validation.

    A stage with a shorter context has smaller score matrices.
    """
    if not any(stage.seq_len for stage in spec.stages):
        return flops_per_token(spec.model) * spec.tokens_per_step * (spec.train_steps - first_step)
    starts = (0, *spec.stage_ends[:-1])
    return sum(
        flops_per_token(spec.model.replace(seq_len=stage.seq_len or spec.model.seq_len))
        * max(end - max(start, first_step), 0)
        * spec.tokens_per_step
        for stage, start, end in zip(spec.stages, starts, spec.stage_ends, strict=True)
    )


def own_flops(spec: TrialSpec) -> float:
    """What the trial computes itself; less than ``training_flops`` for one that branches off another."""
    return training_flops(spec, spec.branch_step)


def sampling_flops(spec: TrialSpec) -> float:
    """What a trial that writes its own rows computes beside its training, at the full context as training is counted.

    Every token is written, and then read by the policy, the reference and the reward model: a forward pass each, a third of training.
    Of a reward model the trial knows the hash alone; it is taken to be of the policy's size.
    """
    return training_flops(spec) * 4 / 3 if OBJECTIVES[spec.objective.name].rows == "sampled" else 0.0
