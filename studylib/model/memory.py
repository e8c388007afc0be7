"""Peak memory of a process that trains, counted from the specification. No torch, so a study is planned at once."""

from __future__ import annotations

from studylib.choices.execution import CHUNK_LOGITS, LONGEST_IN_BLOCKS
from studylib.choices.mixer import SavedActivations
from studylib.model.cost import kinds_of_layers, parameter_count
from studylib.registry import ATTENTION_PATTERNS, MIXERS, NORMS, OBJECTIVES, OPTIMIZERS, POSITIONS, RESIDUALS
from studylib.spec import ModelSpec, TrialSpec


def memory_bytes(spec: TrialSpec) -> int:
    """Peak bytes of one process: weights, gradients, the optimizer's state, saved activations and logits.

    fp32 weights and state and bf16 products unless ``compute.dtype`` says otherwise; computed eagerly, with all logits at once unless
    ``compute.cross_entropy`` says chunked. An estimate to compare shapes and to plan: over two steps torch's allocations
    peak at 0.9 to 1.05 of it (see tests/model/test_memory.py).
    """
    logits = logit_bytes(spec)
    if spec.compute.recompute == "layer":  # by then the logits are gone
        return int(state_bytes(spec) + input_bytes(spec) + max(logits, activation_bytes(spec)))
    return int(state_bytes(spec) + activation_bytes(spec) + logits)


def state_bytes(spec: TrialSpec) -> float:
    """Weights, gradients and the optimizer's state, fp32; and under autocast the matrices once more in bf16.

    An objective that asks other models meanwhile holds their weights too, each taken to be of the trial's own size.
    """
    model, parallel = spec.model, spec.parallel
    count, optimizer = parameter_count(model), OPTIMIZERS[spec.optimizer.name]
    ranks = parallel.tp * parallel.pp
    # What must be seen whole is kept whole by every tensor-parallel rank.
    hidden_ranks = parallel.pp if "hidden" in optimizer.sees_whole else ranks
    state = optimizer.state_per_weight * count.non_embedding / hidden_ranks
    state += optimizer.state_per_embedding * count.embedding / ranks
    state /= parallel.dp if parallel.zero_stage else 1
    copies = 2 * count.total / ranks if product_bytes(spec) == 2 else 0
    frozen = OBJECTIVES[spec.objective.name](spec.objective).frozen_models
    return weight_bytes(spec) * ((2 + frozen) * count.total / ranks + state) + copies


def activation_bytes(spec: TrialSpec) -> float:
    """What the layers of one stage keep for the backward passes of all micro-batches under way; recomputed, one of them.

    A mean over stages: the first has more micro-batches under way than the last, and stages differ in layers
    (``studylib.recipe.rank_memory`` counts each).
    """
    parallel = spec.parallel
    under_way = parallel.pp if parallel.pp > 1 else 1
    layers, computed = layer_bytes(spec), working_bytes(spec)
    if spec.compute.recompute == "layer":
        return max(layers) + computed
    return sum(layers) * under_way / parallel.pp + computed


def layer_bytes(spec: TrialSpec) -> list[float]:
    """What each layer of the model, by its index, keeps of one micro-batch for its backward pass on one rank."""
    model, parallel = spec.model, spec.parallel
    tokens, low, scores = spec.micro_batch_size * model.seq_len, product_bytes(spec), keeps_scores(spec)
    around = weight_bytes(spec) * RESIDUALS[model.residual](model).saved

    def of(layer: int) -> float:
        name = model.mixer_of_layer(layer)
        halves = MIXERS[name](model, layer=layer).saved(scores=scores), saved_by_mlp(model, layer)
        biases = low * _biases(spec) if name == "attention" else 0.0
        return tokens * (sum(_bytes(one, low, parallel.tp) for one in halves) + around) + biases

    kinds = kinds_of_layers(model)
    found = {layer: of(layer) for layer in set(kinds)}
    return [found[layer] for layer in kinds]


def working_bytes(spec: TrialSpec) -> float:
    """What only the layer has that is just computed: biases of the scores in the weights' precision."""
    return weight_bytes(spec) * _biases(spec)


def input_bytes(spec: TrialSpec) -> float:
    """The inputs of one stage's layers, which is all that recomputation keeps of them."""
    model, stages = spec.model, spec.parallel.pp
    under_way = stages if stages > 1 else 1
    states = spec.micro_batch_size * model.seq_len * model.hidden_size * model.num_layers
    return weight_bytes(spec) * states * under_way / stages


def logit_bytes(spec: TrialSpec, under_way: int = 1) -> float:
    """The head's input and the logarithms of its probabilities, for each micro-batch under way on the last stage; and of one their
    gradients behind and before the softmax, fp32."""
    model, low, wide = spec.model, product_bytes(spec), weight_bytes(spec)
    tokens, vocab = spec.micro_batch_size * model.seq_len, model.vocab_size / spec.parallel.tp
    head = tokens * model.hidden_size * (wide * NORMS[model.norm].saved + low)
    if spec.compute.cross_entropy == "chunked":
        kept = tokens * model.hidden_size * low + wide * vocab * model.hidden_size
        chunk = CHUNK_LOGITS["cpu" if spec.compute.device == "cpu" else "cuda"]
        return under_way * (head + kept) + 3 * wide * min(tokens * vocab, chunk)
    return under_way * (head + wide * tokens * vocab) + 2 * wide * tokens * vocab


def keeps_scores(spec: TrialSpec) -> bool:
    """Whether attention keeps its probabilities: in blocks and written out, which a device that is not known may do."""
    model, backend = spec.model, spec.compute.attention
    if backend != "auto":
        return backend in ("blocks", "math")
    sparse, biased = ATTENTION_PATTERNS[model.attention_pattern].sparse, POSITIONS[model.position].biases_scores
    return spec.compute.device != "cuda" and (sparse or biased or model.seq_len <= LONGEST_IN_BLOCKS)


def saved_by_mlp(model: ModelSpec, layer: int) -> SavedActivations:
    """What the feed-forward half of layer ``layer`` keeps: a gate keeps both its sides, what they make and the product."""
    wide = 4 if model.gated else 2
    if not model.has_experts(layer):
        return SavedActivations(low=wide * model.ffn_size, replicated=model.hidden_size)
    # sorted rows in and out, a copy for each expert of the token
    rows = model.moe.experts_per_token * 3 * model.hidden_size
    return SavedActivations(
        low=model.moe.active_experts * wide * model.expert_size, replicated=model.hidden_size + rows
    )


def _bytes(saved: SavedActivations, low: int, ranks: int) -> float:
    """Bytes a token on one of ``ranks`` tensor-parallel ranks; ``low`` is the size of a number of the products' type."""
    copies = low * saved.copies if low == 2 else 0
    return (low * saved.low + max(4, low) * saved.full + copies) / ranks + low * saved.replicated


def product_bytes(spec: TrialSpec) -> int:
    """Of a number in the matrix products."""
    return {"float32": 4, "float64": 8}.get(spec.compute.dtype, 2)


def weight_bytes(spec: TrialSpec) -> int:
    """Of a number of the weights, their gradients, the optimizer's state and the residual stream."""
    return max(4, product_bytes(spec))


def _biases(spec: TrialSpec) -> float:
    """Numbers of the scores' biases of one attention layer on one rank; 0 where the position has none."""
    model = spec.model
    if not POSITIONS[model.position].biases_scores or "attention" not in model.mixers:
        return 0.0
    return model.num_heads / spec.parallel.tp * model.seq_len**2
