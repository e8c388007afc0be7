"""What is counted of memory, against what torch allocates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from allocated import Allocated
from every_choice import build
from torch.utils._pytree import tree_map_only

from studylib.choices.mixer import SavedActivations
from studylib.model.cost import parameter_count
from studylib.model.memory import activation_bytes, keeps_scores, memory_bytes, saved_by_mlp
from studylib.registry import ATTENTION_PATTERNS, MIXERS, NORMS
from studylib.spec import ComputeSpec, ModelSpec, TrialSpec
from studylib.train.compute import resolve

BASE = ModelSpec(num_layers=3, hidden_size=128, num_heads=4, vocab_size=512, seq_len=256)
ROWS = 2
DTYPES = {"float32": 4, "bfloat16": 2}


@contextmanager
def saved_by(module: torch.nn.Module) -> Iterator[dict[int, int]]:
    """Bytes of every storage that is saved for the backward pass, but for the parameters."""
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    shapes = {tuple(sorted(parameter.shape)) for parameter in module.parameters()}
    found, alive = {}, []

    def save(tensor: torch.Tensor) -> torch.Tensor:
        # autocast's copies of the weights are counted with the weights
        weight = tensor.dtype == torch.bfloat16 and tuple(sorted(tensor.shape)) in shapes
        if tensor.untyped_storage().data_ptr() not in own and not weight:
            found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            alive.append(tensor)  # so that no other storage gets its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        yield found


def saved_a_token(module: torch.nn.Module, dtype: str, inputs: int = 1) -> float:
    tensors = [torch.randn(ROWS, BASE.seq_len, BASE.hidden_size, requires_grad=True) * 1 for _ in range(inputs)]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"), saved_by(module) as found:
        module(*tensors)
    return sum(found.values()) / (ROWS * BASE.seq_len)


def counted(saved: SavedActivations, dtype: str) -> float:
    copies = 2 * saved.copies if dtype == "bfloat16" else 0
    return DTYPES[dtype] * (saved.low + saved.replicated) + 4 * saved.full + copies


VARIANTS = {name: BASE.replace(mixer=name) for name in MIXERS} | {
    "QK-norm, two kv heads": BASE.replace(qk_norm=True, num_kv_heads=2),
    "state of 16": BASE.replace(mixer="mamba2", state_size=16),
    "retnet, two heads": BASE.replace(mixer="retnet", num_heads=2),
    "rwkv7, two heads": BASE.replace(mixer="rwkv7", num_heads=2),
} | {
    pattern: BASE.replace(attention_pattern=pattern, window=64, **more)
    for pattern, more in {
        "sliding_window": {}, "strided": {"stride": 16}, "bigbird": {"random_blocks": 1}, "dilated": {"dilation": 2}
    }.items()
}  # fmt: skip


def test_every_mixer_and_pattern_is_compared():
    assert {model.mixer for model in VARIANTS.values()} == set(MIXERS)
    assert {model.attention_pattern for model in VARIANTS.values()} == set(ATTENTION_PATTERNS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("model", VARIANTS.values(), ids=VARIANTS.keys())
def test_what_a_mixer_keeps_is_counted_within_15_percent(model, dtype):
    described = MIXERS[model.mixer](model, 1)
    layer = build(model).model.decoder[1].pp_block
    measured = saved_a_token(layer.attn, dtype, inputs=2 if described.shares_value else 1)
    assert counted(described.saved(scores=True), dtype) == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["swiglu", "gelu", "relu2"])
def test_what_an_mlp_keeps_is_counted(activation, dtype):
    model = BASE.replace(activation=activation)
    measured = saved_a_token(build(model).model.decoder[0].pp_block.mlp, dtype)
    assert counted(saved_by_mlp(model, 0), dtype) == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize("name", NORMS)
def test_what_a_norm_keeps_is_counted(name):
    norm = NORMS[name](BASE)
    measured = saved_a_token(norm.build(), "float32")
    assert 4 * norm.saved * BASE.hidden_size == pytest.approx(measured, rel=0.02)


STEPS = {name: ({"mixer": name}, {}) for name in MIXERS} | {
    "bf16": ({}, {"dtype": "bfloat16"}),
    "fused attention": ({}, {"attention": "sdpa"}),
    "recomputed": ({"num_layers": 8}, {"recompute": "layer"}),
    "chunked": ({"vocab_size": 8192}, {"cross_entropy": "chunked"}),
    "many tokens": ({"vocab_size": 8192}, {}),
    "experts": ({"moe": {"experts": 4}}, {}),
    "layernorm, post": ({"norm": "layernorm", "residual": "post"}, {}),
}


@pytest.mark.parametrize(("model", "compute"), STEPS.values(), ids=STEPS.keys())
def test_two_steps_peak_where_they_are_counted_to(model, compute, tiny_trial):
    spec = tiny_trial.replace(
        model=BASE.replace(num_layers=4).replace(**model), global_batch_size=4, train_steps=2,
        compute=ComputeSpec(**{"device": "cpu", "dtype": "float32", "compile": "none"} | compute),
    )  # fmt: skip
    peak = measured_peak(spec)
    print(f"{peak / 1e6:.1f} MB of {memory_bytes(spec) / 1e6:.1f} counted: {peak / memory_bytes(spec):.3f}")
    assert 0.9 <= peak / memory_bytes(spec) <= 1.05


def measured_peak(spec: TrialSpec) -> int:
    """The most bytes that torch holds at once in two steps of AdamW, with the weights."""
    compute = resolve(spec)
    gpt = build(spec.model, execution=compute.execution)
    optimizer = torch.optim.AdamW(gpt.parameters())
    with Allocated() as allocated:
        tree_map_only(torch.Tensor, allocated.count, list(gpt.parameters()))
        for _ in range(2):
            tokens = torch.randint(0, spec.model.vocab_size, (spec.global_batch_size, spec.model.seq_len + 1))
            with compute.autocast():
                loss = gpt(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return allocated.peak


def test_a_device_that_is_not_known_may_keep_scores(tiny_trial):
    kept = {
        device: keeps_scores(tiny_trial.replace(compute=ComputeSpec(device=device)))
        for device in ("auto", "cpu", "cuda")
    }
    assert kept == {"auto": True, "cpu": True, "cuda": False}
    assert not keeps_scores(tiny_trial.replace(**{"model.seq_len": 2048}))


def test_ranks_share_what_they_cut(tiny_trial):
    spec = tiny_trial.replace(model=BASE.replace(mixer="rwkv7"))
    two = spec.replace(**{"parallel.tp": 2})
    assert 0.5 < activation_bytes(two) / activation_bytes(spec) < 0.7, "shifted inputs and norms are kept by each rank"


def test_models_that_are_asked_meanwhile_are_counted(tiny_trial):
    tuned = tiny_trial.replace(start_from="a" * 16, global_batch_size=8, objective={"name": "reward"})
    weights = 4 * parameter_count(tuned.model).total
    policy = tuned.replace(objective={"name": "policy", "reward_from": "b" * 16, "max_tokens": 8})
    assert memory_bytes(policy) - memory_bytes(tuned) == pytest.approx(2 * weights)
    preference = tuned.replace(objective={"name": "preference"})  # its reference was asked before
    assert memory_bytes(preference) == memory_bytes(tuned)
