"""What the plain model promises beyond what every choice does (see test_choices.py)."""

from __future__ import annotations

import pytest
import torch
from every_choice import BASE, batch, build

from studylib.choices.attention import causal_attention
from studylib.choices.execution import Execution
from studylib.choices.position._rope import rotary_tables, rotate
from studylib.spec import ModelSpec


def test_start_values_depend_on_name_and_seed_only():
    first, again, other = build(BASE), build(BASE), build(BASE, seed=1)
    for (name, a), b, c in zip(first.named_parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b), name
        assert a.ndim == 1 or not torch.equal(a, c), name
    deeper = dict(build(BASE.replace(num_layers=3)).named_parameters())
    assert all(torch.equal(value, deeper[name]) for name, value in first.named_parameters())


def test_rope_makes_scores_depend_on_distance_only():
    cos, sin = rotary_tables(32, 16)
    query, key = torch.randn(16), torch.randn(16)
    rotated_q, rotated_k = rotate(query.expand(32, 16), cos, sin), rotate(key.expand(32, 16), cos, sin)
    scores = rotated_q @ rotated_k.T
    for distance in (0, 3, 11):
        along = scores.diagonal(-distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-4, atol=1e-4)
    assert scores[9, 9] != pytest.approx(scores[9, 4].item(), rel=1e-3)


def test_completep_keeps_the_size_of_updates_across_shapes():
    """What the layers add to the residual stream neither dies nor explodes as depth and width grow."""
    sizes = []
    for layers, hidden in [(2, 32), (8, 32), (2, 128), (8, 128)]:
        model = ModelSpec(num_layers=layers, hidden_size=hidden, num_heads=4, vocab_size=512, seq_len=32)
        built = build(model)
        rates = {"hidden": 256 / hidden}
        tokens = batch(model)
        before = built.model.hidden_states(tokens["input_ids"]).detach()
        built(**tokens)["loss"].backward()
        with torch.no_grad():  # one sign step: what Adam's first step is
            for parameter in built.model.decoder.parameters():
                if parameter.ndim == 2:
                    parameter -= 1e-3 * rates["hidden"] * parameter.grad.sign()
        sizes.append((built.model.hidden_states(tokens["input_ids"]) - before).square().mean().sqrt().item())
    assert max(sizes) / min(sizes) < 3, sizes


@pytest.mark.slow
def test_compiled_layers_compute_the_same():
    plain, compiled = build(BASE), build(BASE, execution=Execution(compile="layer"))
    a, b = plain(**batch(BASE))["loss"], compiled(**batch(BASE))["loss"]
    a.backward(), b.backward()
    assert a.item() == pytest.approx(b.item(), rel=1e-5)
    for (name, first), second in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(first.grad, second.grad, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("length", [1, 40, 128, 200, 256])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_attention_in_blocks_is_attention(length, kv_heads):
    """What the CPU computes in blocks equals torch's fused attention, forward and backward."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 4, length, 16), (2, kv_heads, length, 16), (2, kv_heads, length, 16)]
    ours = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    theirs = [tensor.detach().clone().requires_grad_() for tensor in ours]
    mixed = causal_attention(*ours)
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(mixed, expected, rtol=1e-4, atol=1e-5)
    direction = torch.randn(mixed.shape, generator=generator)
    (mixed * direction).sum().backward()
    (expected * direction).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4)
