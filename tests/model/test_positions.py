"""Positional encodings against their papers, at and beyond the trained length."""

from __future__ import annotations

import pytest
import torch
from every_choice import build

from studylib.choices.attention import causal_attention
from studylib.choices.position._bias import alibi_slopes, bucket_of, distances
from studylib.choices.position._rope import RotaryEmbedding, rotary_tables, rotate
from studylib.errors import StudyError
from studylib.registry import POSITIONS
from studylib.spec import ModelSpec

BASE = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, seq_len=32)


def test_alibi_slopes_are_the_papers():
    assert alibi_slopes(8) == pytest.approx([2**-power for power in range(1, 9)])
    assert alibi_slopes(16)[:3] == pytest.approx([2**-0.5, 2**-1, 2**-1.5])
    # twelve heads: the eight of eight, then every other one of sixteen
    assert alibi_slopes(12) == pytest.approx(alibi_slopes(8) + alibi_slopes(16)[:8:2])


def test_alibi_falls_linearly_with_distance():
    layer = build(BASE.replace(position="alibi")).model.decoder[0].pp_block
    bias = layer.attn.position.bias(6, 6)
    assert bias.shape == (4, 6, 6)
    assert bias[0, 5].tolist() == pytest.approx([-0.25 * distance for distance in (5, 4, 3, 2, 1, 0)])
    assert torch.equal(layer.attn.position.bias(2, 6), bias[:, 4:])


def test_buckets_are_t5s():
    from transformers.models.t5.modeling_t5 import T5Attention

    far = torch.arange(300)
    expected = T5Attention._relative_position_bucket(-far, bidirectional=False, num_buckets=32, max_distance=128)
    assert torch.equal(bucket_of(far, 32, 128), expected)
    assert bucket_of(far, 32, 128).max() == 31


def test_later_positions_are_as_far_as_earlier_ones():
    assert distances(2, 3, torch.device("cpu")).tolist() == [[1, 0, 1], [2, 1, 0]]


def test_a_fraction_of_rope_turns_the_first_entries_only():
    position = build(BASE.replace(rotary_fraction=0.5)).model.decoder[0].pp_block.attn.position
    query = torch.randn(1, 4, 16, 8)
    turned, _ = position(query, query)
    assert torch.equal(turned[..., 4:], query[..., 4:])
    assert (turned[:, :, 1:, :4] != query[:, :, 1:, :4]).all()
    torch.testing.assert_close(turned[..., :4].norm(dim=-1), query[..., :4].norm(dim=-1))


@pytest.mark.parametrize("name", POSITIONS)
def test_a_longer_context_starts_as_the_trained_one_or_is_refused(name):
    model = BASE.replace(position=name)
    built = build(model)
    tokens = torch.randint(0, 512, (2, 96), generator=torch.Generator().manual_seed(0))
    if POSITIONS[name](model).longest is not None:
        with pytest.raises(StudyError, match="has 32 positions and was asked for 96"):
            built.logits(tokens)
        return
    with torch.no_grad():
        long, short = built.logits(tokens), built.logits(tokens[:, :32])
    assert long.isfinite().all()
    torch.testing.assert_close(long[:, :32], short, rtol=1e-4, atol=1e-5)


def test_without_positions_the_order_of_earlier_tokens_is_lost_on_the_first_layer():
    """One layer without positions sees its past as a set; every encoding sees it as a sequence."""
    tokens = torch.randint(0, 512, (2, 16), generator=torch.Generator().manual_seed(0))
    shuffled = torch.cat([tokens[:, :15].flip(1), tokens[:, 15:]], dim=1)
    for name in POSITIONS:
        built = build(BASE.replace(position=name, num_layers=1))
        with torch.no_grad():
            changed = (built.logits(tokens)[:, -1] - built.logits(shuffled)[:, -1]).abs().max().item()
        assert (changed < 1e-5) == (name == "none"), name


@pytest.mark.parametrize("length", [40, 200, 1100])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_a_bias_is_added_to_the_scores(length, kv_heads):
    """In blocks and, beyond 1024 tokens, by torch's kernel; forward and backward against attention written out."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, 4, length, 8), (1, kv_heads, length, 8), (1, kv_heads, length, 8), (4, length, length)]
    ours = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    theirs = [tensor.detach().clone().requires_grad_() for tensor in ours]
    mixed = causal_attention(*ours[:3], bias=ours[3])
    query, key, value, bias = theirs
    key, value = (tensor.repeat_interleave(4 // kv_heads, dim=1) for tensor in (key, value))
    scores = query @ key.transpose(-1, -2) * 8**-0.5 + bias
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    expected = torch.softmax(scores.masked_fill(later, -torch.inf), dim=-1) @ value
    torch.testing.assert_close(mixed, expected, rtol=1e-4, atol=1e-5)
    mixed.square().sum().backward()
    expected.square().sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4)


def test_rotation_written_out_is_the_composed_one():
    generator = torch.Generator().manual_seed(0)
    query, key = (
        torch.randn(2, 9, heads, 6, generator=generator, dtype=torch.float64).transpose(1, 2).requires_grad_()
        for heads in (4, 2)
    )
    cos, sin = (table.double() for table in rotary_tables(9, 6))
    expected = rotate(query, cos, sin), rotate(key, cos, sin)
    found = RotaryEmbedding(9, 6)(query, key)
    weights = [torch.randn(one.shape, generator=generator, dtype=torch.float64) for one in found]
    for name, one, other in zip(("query", "key"), found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14, msg=name)
    gradients = [torch.autograd.grad(outputs, (query, key), weights) for outputs in (found, expected)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
