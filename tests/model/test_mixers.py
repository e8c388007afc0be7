"""Mixers other than attention: chunked computation equals the recurrence, and each is a full citizen of the model."""

from __future__ import annotations

import importlib.util
import math
import sys
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from every_choice import batch, build
from several import SHARP, compared, numbers, stopped_before_the_end, train_all
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from studylib.choices.execution import Execution
from studylib.choices.mixer._delta import delta_rule
from studylib.choices.mixer._fla import problem, use_fla
from studylib.choices.mixer._linear import linear_attention
from studylib.errors import StudyError
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.family import of_equal_size
from studylib.model.gpt import GPT
from studylib.registry import MIXERS
from studylib.spec import ModelSpec
from studylib.train.compute import resolve
from studylib.train.trainer import train

RECURRENT = [name for name in MIXERS if name != "attention"]
LENGTHS = [1, 5, 32, 33, 100]
SMALL = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, seq_len=40, mixer="mamba2")


def mixer_of(gpt: GPT, layer: int = 0) -> torch.nn.Module:
    return gpt.model.decoder[layer].pp_block.attn


def assert_near(ours: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-4, what: str = "") -> None:
    """Relative to the largest value, which an fp32 sum can hold its error to."""
    assert torch.isfinite(ours).all(), what
    error = (ours - expected).abs().max().item()
    assert error <= tolerance * max(expected.abs().max().item(), 1e-2), f"{what}: off by {error:.2g}"


def compare(ours, reference, inputs: list[torch.Tensor], tolerance: float = 1e-4) -> None:
    """``ours`` in fp32 against ``reference`` in fp64: output and the gradient of every input."""
    single = [tensor.float().clone().requires_grad_() for tensor in inputs]
    double = [tensor.double().clone().requires_grad_() for tensor in inputs]
    output, expected = ours(*single), reference(*double)
    assert_near(output, expected, tolerance, "output")
    direction = torch.randn(expected.shape, dtype=torch.double).to(expected.device)
    (output * direction.float()).sum().backward()
    (expected * direction).sum().backward()
    for index, (one, other) in enumerate(zip(single, double, strict=True)):
        assert_near(one.grad, other.grad, tolerance, f"gradient {index}")


def recurrent_linear_attention(query, key, value, log_decay):
    """``S_t = exp(g_t) S_{t-1} + k_t v_t^T``, ``o_t = q_t S_t``, one position at a time."""
    batch, length, heads, size = value.shape
    query, key = (tensor.expand(batch, length, heads, -1) for tensor in (query, key))
    state, outputs = value.new_zeros(batch, heads, key.shape[-1], size), []
    for t in range(length):
        state = state * log_decay[:, t, :, None, None].exp() + key[:, t, :, :, None] * value[:, t, :, None, :]
        outputs.append((query[:, t, :, None, :] @ state).squeeze(-2))
    return torch.stack(outputs, dim=1)


def recurrent_delta_rule(receptance, log_decay, key, value, removal, replacement):
    """``S_t = S_{t-1} diag(w_t) + (S_{t-1} a_t) b_t^T + v_t k_t^T``, ``o_t = S_t r_t``, one position at a time."""
    batch, length, heads, size = value.shape
    state, outputs = value.new_zeros(batch, heads, size, size), []
    for t in range(length):
        removed = state @ removal[:, t, :, :, None]
        state = state * log_decay[:, t, :, None, :].exp() + removed * replacement[:, t, :, None, :]
        state = state + value[:, t, :, :, None] * key[:, t, :, None, :]
        outputs.append((state @ receptance[:, t, :, :, None]).squeeze(-1))
    return torch.stack(outputs, dim=1)


def log_decays(kind: str, *shape: int) -> torch.Tensor:
    """Slow, usual, or extreme: nearly none and nearly all forgotten, side by side."""
    if kind == "extreme":
        return torch.where(torch.rand(shape) < 0.3, -1e4 * torch.rand(shape), -1e-4 * torch.rand(shape))
    return -torch.rand(shape) * {"slow": 1e-3, "usual": 1.0}[kind]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("decay", ["slow", "usual", "extreme"])
@pytest.mark.parametrize("key_heads", [1, 3])
def test_chunked_linear_attention_is_the_recurrence(length, decay, key_heads):
    torch.manual_seed(length)
    query, key = torch.randn(2, length, key_heads, 8), torch.randn(2, length, key_heads, 8)
    inputs = [query, key, torch.randn(2, length, 3, 10), log_decays(decay, 2, length, 3)]
    compare(linear_attention, recurrent_linear_attention, inputs)


def delta_inputs(length: int, pull: float, head_dim: int = 16) -> list[torch.Tensor]:
    """As RWKV-7 makes them; ``pull`` drives decays and rates to one end of their range."""
    shape = (2, length, 3, head_dim)
    log_decay = -math.exp(-0.5) * torch.sigmoid(torch.randn(shape) + pull)
    kappa, rate = F.normalize(torch.randn(shape), dim=-1), torch.sigmoid(torch.randn(shape) + pull)
    return [torch.randn(shape), log_decay, torch.randn(shape) / 4, torch.randn(shape), -kappa, kappa * rate]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("pull", [-50.0, 0.0, 50.0], ids=["nothing-forgotten", "usual", "strongest"])
def test_chunked_delta_rule_is_the_recurrence(length, pull):
    torch.manual_seed(length)
    compare(delta_rule, recurrent_delta_rule, delta_inputs(length, pull))


def mamba2_by_steps(mixer, x):
    """Mamba-2 from its equations: every position from the state and the last four inputs."""
    heads, size, inner = mixer.num_heads, mixer.head_dim, mixer.inner_size
    gate, wide, step = (x @ mixer.in_proj.weight.T).split([inner, inner, heads], dim=-1)
    wide = torch.cat([wide, x @ mixer.state_proj.weight.T], dim=-1)
    taps = torch.cat([mixer.input_taps, mixer.state_taps])
    bias = torch.cat([mixer.input_offset, mixer.state_offset])
    state, outputs = 0.0, []
    for t in range(x.shape[1]):
        convolved = bias
        for back in range(min(4, t + 1)):
            convolved = convolved + taps[:, 3 - back] * wide[:, t - back]
        value, b, c = F.silu(convolved).split([inner, *[mixer.state_proj.weight.shape[0] // 2] * 2], dim=-1)
        value = value.unflatten(-1, (heads, size))
        dt = F.softplus(step[:, t] + mixer.step_bias)
        decay = torch.exp(-dt * mixer.log_decay.exp())[..., None, None]
        state = decay * state + (dt[..., None] * value)[..., None] * b[:, None, None, :]
        y = (state @ c[:, None, :, None]).squeeze(-1) + mixer.skip[:, None] * value
        y = y * F.silu(gate[:, t]).unflatten(-1, (heads, size))
        y = y * torch.rsqrt(y.square().mean(dim=-1, keepdim=True) + 1e-5)
        outputs.append((y.flatten(1) * mixer.norm_weight) @ mixer.o_proj.weight.T)
    return torch.stack(outputs, dim=1)


def retnet_by_steps(mixer, x):
    """Retention from equations 5 and 8 with complex rotations."""
    heads, size = mixer.num_heads, mixer.head_dim
    hidden = heads * size
    query, key, value, gate = (x @ mixer.qkvg_proj.weight.T).split([hidden, hidden, 2 * hidden, 2 * hidden], dim=-1)
    angles = 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.double) / size)
    state, outputs = 0.0, []
    for t in range(x.shape[1]):
        turn = torch.polar(torch.ones_like(angles), angles * t)
        q, k = (
            torch.complex(*part[:, t].unflatten(-1, (heads, size)).chunk(2, dim=-1)) * turn for part in (query, key)
        )
        decay = 1 - 2.0 ** (-5 - torch.arange(heads, dtype=torch.double))
        v = value[:, t].unflatten(-1, (heads, 2 * size))
        state = decay[:, None, None] * state + k.conj()[..., None] * size**-0.5 * v[..., None, :]
        y = (q[..., None, :] @ state).squeeze(-2).real
        y = (y - y.mean(dim=-1, keepdim=True)) * torch.rsqrt(y.var(dim=-1, keepdim=True, correction=0) + 1e-5)
        outputs.append((y.flatten(1) * F.silu(gate[:, t])) @ mixer.o_proj.weight.T)
    return torch.stack(outputs, dim=1)


def rwkv7_by_steps(mixer, x, first_value=None):
    """RWKV-7's time mixing as its recurrent form, a position at a time; also the first layer's values."""
    heads, size = mixer.num_heads, mixer.head_dim
    split = lambda tensor: tensor.unflatten(-1, (heads, size))  # noqa: E731
    state, before, outputs, values = x.new_zeros(x.shape[0], heads, size, size), torch.zeros_like(x[:, 0]), [], []
    for t in range(x.shape[1]):
        now = x[:, t]
        r, w, k, v, a, g = (now + (before - now) * weight for weight in mixer.shift)
        before = now
        r, k, wanted, v = r @ mixer.r_proj.weight.T, k @ mixer.k_proj.weight.T, v, v @ mixer.v_proj.weight.T
        values.append(v)
        if first_value is not None:
            share = torch.sigmoid(mixer.value_bias + wanted @ mixer.value_in.weight.T @ mixer.value_out.weight.T)
            v = v + (first_value[:, t] - v) * share
        w = mixer.decay_bias + torch.tanh(w @ mixer.decay_in.weight.T) @ mixer.decay_out.weight.T
        w = torch.exp(-math.exp(-0.5) * torch.sigmoid(w))
        a = torch.sigmoid(mixer.rate_bias + a @ mixer.rate_in.weight.T @ mixer.rate_out.weight.T)
        g = torch.sigmoid(g @ mixer.gate_in.weight.T) @ mixer.gate_out.weight.T
        kappa = split(k * mixer.removal_scale)
        kappa = kappa / kappa.norm(dim=-1, keepdim=True)
        k = k * (1 + (a - 1) * mixer.rate_scale)
        r, w, k, v, a = (split(tensor) for tensor in (r, w, k, v, a))
        transition = torch.diag_embed(w) - kappa[..., :, None] * (a * kappa)[..., None, :]
        state = state @ transition + v[..., :, None] * k[..., None, :]
        y = (state @ r[..., None]).squeeze(-1)
        y = (y - y.mean(dim=-1, keepdim=True)) * torch.rsqrt(y.var(dim=-1, keepdim=True, correction=0) + 1e-5 * size)
        y = y.flatten(1) * mixer.norm_weight + mixer.norm_bias
        y = y + ((r * split(mixer.bonus) * k).sum(dim=-1, keepdim=True) * v).flatten(1)
        outputs.append((y * g) @ mixer.o_proj.weight.T)
    return torch.stack(outputs, dim=1), torch.stack(values, dim=1) if first_value is None else first_value


BY_STEPS = {"mamba2": mamba2_by_steps, "retnet": retnet_by_steps, "rwkv7": rwkv7_by_steps}


@pytest.mark.parametrize(("name", "layer"), [*((name, 0) for name in RECURRENT), ("rwkv7", 1)])
def test_the_whole_mixer_is_its_recurrence(name, layer):
    """Forward, and gradients of inputs and all parameters, with every start value disturbed; 40 is no multiple of a chunk."""
    torch.manual_seed(0)
    mixer = mixer_of(build(SMALL.replace(mixer=name)), layer)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter += 0.3 * torch.randn(parameter.shape) * parameter.abs().mean().clamp(min=0.1)
    inputs = [torch.randn(2, 40, 32, requires_grad=True) for _ in range(1 + layer)]  # behind the first layer its values
    doubles = {key: value.detach().double().requires_grad_() for key, value in mixer.named_parameters()}
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    output, expected = mixer(*inputs), BY_STEPS[name](Doubled(mixer, doubles), *exact)
    output, expected = (one if isinstance(one, tuple) else (one,) for one in (output, expected))
    for ours, theirs in zip(output, expected, strict=True):
        assert_near(ours, theirs, what="output")
        direction = torch.randn(ours.shape)
        (ours * direction).sum().backward(retain_graph=True)
        (theirs * direction).sum().backward(retain_graph=True)
    for ours, theirs in zip(inputs, exact, strict=True):
        assert_near(ours.grad, theirs.grad, what="input")
    for key, parameter in mixer.named_parameters():
        assert_near(parameter.grad, doubles[key].grad, what=key)


def test_the_first_layers_values_reach_all_later_ones():
    """Through a layer of attention too, against the recurrence; and only RWKV-7's layers carry them."""
    model = SMALL.replace(mixer="rwkv7", num_layers=5, attention_every=2)
    built, seen = build(model), {}
    for index in (0, 2, 4):
        mixer_of(built, index).register_forward_hook(
            lambda _, took, gave, index=index: seen.update({index: (took, gave)})
        )
    built.model.hidden_states(batch(model)["input_ids"])
    first = None
    for index in (0, 2, 4):
        (x, *_), (output, value) = seen[index]
        expected, first = rwkv7_by_steps(mixer_of(built, index), x, first)
        assert_near(output, expected, what=f"layer {index}")
        assert_near(value, first, what=f"values behind layer {index}")
    plain = build(SMALL)
    assert plain.model.decoder[0].module_output_keys == {"hidden_states"}


class Doubled:
    """A module's numbers with its parameters in fp64, for the references."""

    def __init__(self, module: torch.nn.Module, doubles: dict[str, torch.Tensor], prefix: str = ""):
        self.module, self.doubles, self.prefix = module, doubles, prefix

    def __getattr__(self, name: str):
        if (key := self.prefix + name) in self.doubles:
            return self.doubles[key]
        value = getattr(self.module, name)
        return Doubled(value, self.doubles, f"{key}.") if isinstance(value, torch.nn.Module) else value


@pytest.mark.parametrize("name", RECURRENT)
def test_parameters_flops_and_first_loss(name):
    shapes = [
        SMALL.replace(mixer=name, seq_len=seq_len, attention_every=every)
        for seq_len, every in [(16, 0), (32, 0), (40, 0), (96, 2)]
    ] + [SMALL.replace(mixer=name, hidden_size=48, num_heads=3, seq_len=64)]  # fmt: skip
    for model in shapes:
        built = build(model)
        assert sum(parameter.numel() for parameter in built.parameters()) == parameter_count(model).total
        with FlopCounterMode(display=False) as counter:
            loss = built(**batch(model))["loss"]
            loss.backward()
        assert counter.get_total_flops() == pytest.approx(flops_per_token(model) * 4 * model.seq_len, rel=1e-3)
        assert loss.item() == pytest.approx(math.log(model.vocab_size), rel=0.1)
        dead = [key for key, parameter in built.named_parameters() if not parameter.grad.abs().sum() > 0]
        assert dead == []


@pytest.mark.parametrize("name", RECURRENT)
def test_no_position_sees_the_future_and_the_mixer_matters(name):
    model = SMALL.replace(mixer=name)
    built, tokens = build(model), batch(model)["input_ids"]
    changed = tokens.clone()
    changed[:, 20] = (changed[:, 20] + 1) % model.vocab_size
    difference = (built.logits(tokens) - built.logits(changed)).abs().amax(dim=(0, 2))
    assert difference[:20].max() < 1e-6
    assert difference[20:36].min() > 1e-6
    other = build(model.replace(mixer="attention"))
    assert (built.logits(tokens) - other.logits(tokens)).abs().max() > 1e-3


@pytest.mark.parametrize("name", RECURRENT)
def test_start_values_depend_on_name_and_seed_only(name):
    model = SMALL.replace(mixer=name)
    first, again, deeper = build(model), build(model), dict(build(model.replace(num_layers=3)).named_parameters())
    for (key, value), same in zip(first.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(value, same), key
        assert torch.equal(value, deeper[key]), key


@pytest.mark.parametrize("name", RECURRENT)
def test_no_parameters_name_begins_with_anothers(name):
    """nanotron finds the files of ``x`` by the pattern ``x*`` and would mix in those of ``x_bias``."""
    for module in build(SMALL.replace(mixer=name)).modules():
        names = [key for key, _ in module.named_parameters(recurse=False)]
        assert [(a, b) for a in names for b in names if a != b and b.startswith(a)] == []


def test_special_start_values_are_the_papers():
    mamba = mixer_of(build(SMALL.replace(mixer="mamba2", num_heads=16)))
    rates, steps = mamba.log_decay.exp(), F.softplus(mamba.step_bias)
    assert (rates.min() >= 1, rates.max() <= 16, rates.std() > 2) == (True, True, True)
    assert (steps.min() >= 0.99e-3, steps.max() <= 0.101, steps.max() / steps.min() > 5) == (True, True, True)
    goose = mixer_of(build(SMALL.replace(mixer="rwkv7")))
    kept = torch.exp(-math.exp(-0.5) * torch.sigmoid(goose.decay_bias))
    assert kept.min() < 0.75
    assert kept.max() > 0.99, "some channels forget within a few positions, others keep"


@pytest.mark.parametrize("name", RECURRENT)
def test_completep_keeps_the_size_of_updates_across_shapes(name):
    sizes = []
    for layers, hidden in [(2, 32), (8, 32), (2, 128), (8, 128)]:
        model = ModelSpec(num_layers=layers, hidden_size=hidden, num_heads=hidden // 16, vocab_size=512, seq_len=32)
        built, tokens = build(model.replace(mixer=name)), batch(model)
        before = built.model.hidden_states(tokens["input_ids"]).detach()
        built(**tokens)["loss"].backward()
        with torch.no_grad():  # one sign step: what Adam's first step is
            for key, parameter in built.model.decoder.named_parameters():
                if key.endswith("weight") and parameter.ndim == 2:
                    parameter -= 1e-3 * 256 / hidden * parameter.grad.sign()
        sizes.append((built.model.hidden_states(tokens["input_ids"]) - before).square().mean().sqrt().item())
    assert max(sizes) / min(sizes) < 3, sizes


@pytest.mark.parametrize("core", ["linear_attention", "delta_rule"])
def test_the_state_is_not_rounded_to_bf16(core):
    """A sum of ones: in bf16 it would stand still at 256."""
    ones, kept = torch.ones(1, 2048, 1, 1), torch.zeros(1, 2048, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        if core == "linear_attention":
            counted = linear_attention(ones.bfloat16(), ones.bfloat16(), ones.bfloat16(), kept[..., 0])
        else:
            counted = delta_rule(ones.bfloat16(), kept, ones.bfloat16(), ones.bfloat16(), kept, kept)
    assert counted[0, -1].item() == pytest.approx(2048, rel=0.01)


@pytest.mark.parametrize("name", RECURRENT)
def test_bf16_autocast_stays_near_fp32(name):
    """Loosely for gradients: a head's output is normalised, and where it was nearly nothing its rounding is magnified."""
    model = SMALL.replace(mixer=name, hidden_size=64)
    built, tokens = build(model), batch(model)
    plain = built(**tokens)["loss"]
    plain.backward()
    expected = {key: parameter.grad.clone() for key, parameter in built.named_parameters()}
    built.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        loss = built(**tokens)["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(plain.item(), rel=2e-3)
    for key, parameter in built.named_parameters():
        error = (parameter.grad - expected[key]).norm() / expected[key].norm()
        assert error < 0.3, f"{key}: {error:.3f}"


def test_hybrids_have_attention_at_every_nth_layer():
    model = SMALL.replace(num_layers=5, attention_every=2)
    kinds = [type(block.pp_block.attn).__name__ for block in build(model).model.decoder]
    attention = "CausalSelfAttention"
    assert [kind == attention for kind in kinds] == [False, True, False, True, False]
    pure = parameter_count(SMALL.replace(num_layers=5)).total
    assert parameter_count(model).total == pure - 2 * (
        (pure - parameter_count(SMALL.replace(num_layers=5, mixer="attention")).total) // 5
    )


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("every", [0, 2])
def test_models_are_made_equal_in_size_by_their_mlp(name, every):
    reference = ModelSpec(num_layers=4, hidden_size=128, num_heads=4, vocab_size=512)
    same = of_equal_size(reference.replace(mixer=name, attention_every=every), reference)
    assert parameter_count(same).non_embedding == pytest.approx(parameter_count(reference).non_embedding, rel=0.01)
    assert (same.num_layers, same.hidden_size, same.mixer) == (4, 128, name)


def test_a_mixer_that_is_too_large_is_an_error():
    reference = ModelSpec(num_layers=2, hidden_size=64, num_heads=4, vocab_size=512, intermediate_size=8)
    with pytest.raises(StudyError, match="leaves no parameters for an MLP"):
        of_equal_size(reference.replace(mixer="retnet"), reference)


def test_state_size_changes_mamba_and_is_refused_elsewhere():
    wide = SMALL.replace(state_size=64)
    assert mixer_of(build(wide)).state_proj.weight.shape == (128, 32)
    assert SMALL.state_size is None
    with pytest.raises(StudyError, match=r"model.state_size: 64 is not used by retnet, but by mixer mamba2"):
        SMALL.replace(mixer="retnet", state_size=64)


@pytest.mark.slow
def test_heads_split_over_processes_train_the_same(tiny_trial, data_folder, tmp_path):
    """On two tensor-parallel processes, and on one that goes on from their checkpoint.

    A low rate: norms over single heads magnify the rounding that differs, and large steps make it grow.
    """
    trials = {}
    for name in ("mamba2", "rwkv7"):
        model = tiny_trial.model.replace(mixer=name, attention_every=4, num_kv_heads=None)
        changes = {"model": model, "optimizer.learning_rate": 1e-3}
        one = compared(tiny_trial).replace(**changes)
        trials |= {tmp_path / name / "one": one, tmp_path / name / "two": one.replace(**{"parallel.tp": 2})}
    train_all(trials, data_folder)
    for name in ("mamba2", "rwkv7"):
        expected = numbers(tmp_path / name / "one")
        assert expected[0] - expected[-1] > 0.2
        assert numbers(tmp_path / name / "two") == pytest.approx(expected, rel=SHARP), name
        gathered = stopped_before_the_end(tmp_path / name / "two", tmp_path / name / "gathered")
        train(trials[tmp_path / name / "one"], gathered, data_folder=data_folder)
        assert numbers(gathered) == pytest.approx(expected, rel=SHARP), name


@pytest.mark.slow
@pytest.mark.parametrize("name", RECURRENT)
def test_compiled_layers_compute_the_same(name):
    model = SMALL.replace(mixer=name, num_layers=2 if name == "rwkv7" else 1)  # its first layer is unlike the others
    plain, compiled = build(model), build(model, execution=Execution(compile="layer"))
    a, b = plain(**batch(model))["loss"], compiled(**batch(model))["loss"]
    a.backward(), b.backward()
    assert a.item() == pytest.approx(b.item(), rel=1e-5)
    for (key, first), second in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        assert_near(second.grad, first.grad, 1e-3, key)


def test_kernels_are_refused_where_they_do_not_run(tiny_trial):
    with pytest.raises(StudyError, match="mixer_kernels: 'fla' does not run on cpu"):
        resolve(tiny_trial.replace(**{"compute.mixer_kernels": "fla"}))


def test_kernels_without_their_package_are_refused():
    if importlib.util.find_spec("fla"):
        pytest.skip("fla-core is installed")
    with pytest.raises(StudyError, match="fla-core"):
        use_fla(True)


@pytest.mark.parametrize("triton, hopper, mixer, refused", [
    ("3.6.0", True, "mamba2", True), ("3.6.0", True, "retnet", True), ("3.6.0", True, "rwkv7", False),
    ("3.6.0", False, "mamba2", False), ("3.7.1", True, "mamba2", False), ("3.3.1", True, "mamba2", False),
])  # fmt: skip
def test_kernels_known_to_be_wrong_are_refused(tiny_trial, monkeypatch, triton, hopper, mixer, refused):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9 if hopper else 8, 0))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__=triton))
    spec = tiny_trial.replace(**{
        "model.mixer": mixer, "model.num_kv_heads": None, "compute.mixer_kernels": "fla", "compute.device": "cuda",
        "compute.dtype": "float32", "compute.attention": "sdpa",
    })  # fmt: skip
    try:
        with (
            pytest.raises(StudyError, match=r"'fla' has wrong gradients .* Triton 3.6.0") if refused else nullcontext()
        ):
            assert resolve(spec).mixer_kernels == "fla"
    finally:
        use_fla(False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("core", ["linear_attention", "delta_rule"])
def test_kernels_compute_what_torch_does(core):
    pytest.importorskip("fla")
    if why := problem(core):
        pytest.skip(why)
    torch.manual_seed(0)
    if core == "linear_attention":
        inputs = [torch.randn(2, 200, 3, 32), torch.randn(2, 200, 3, 32), torch.randn(2, 200, 3, 64)]
        ours, inputs = linear_attention, [*inputs, log_decays("usual", 2, 200, 3)]
    else:
        ours, inputs = delta_rule, delta_inputs(200, 0.0, head_dim=64)
    inputs = [tensor.cuda() for tensor in inputs]
    try:
        use_fla(True)
        compare(ours, partial(_without_kernels, ours), inputs, tolerance=2e-2)
    finally:
        use_fla(False)


def _without_kernels(core, *inputs: torch.Tensor) -> torch.Tensor:
    use_fla(False)
    return core(*inputs)


def test_recomputed_layers_carry_the_first_value():
    model = SMALL.replace(mixer="rwkv7", num_layers=3)
    plain, again = build(model), build(model, execution=Execution(recompute="layer"))
    a, b = plain(**batch(model))["loss"], again(**batch(model))["loss"]
    a.backward(), b.backward()
    assert a.item() == b.item()
    for (key, first), second in zip(plain.named_parameters(), again.parameters(), strict=True):
        assert_near(second.grad, first.grad, 1e-5, key)
