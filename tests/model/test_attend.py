"""Every way to compute attention gives the same numbers; sparse patterns read what they say, and cost that."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from studylib.choices.attention import causal_attention, check_backend, fastest_backend
from studylib.errors import StudyError
from studylib.model.cost import flops_per_token
from studylib.registry import ATTENTION_BACKENDS, ATTENTION_PATTERNS
from studylib.spec import ModelSpec

PATTERNS = {
    "dense": {},
    "sliding_window": {"window": 40},
    "sliding_window with sinks": {"window": 70, "global_tokens": 5},
    "dilated": {"window": 20, "dilation": 3},
    "bigbird": {"window": 64, "random_blocks": 2, "global_tokens": 3},
    "strided": {"window": 40, "stride": 12},
    "strided, beyond a narrow window": {"window": 5, "stride": 80},
}
LENGTHS = (17, 200, 450)


def pattern_of(name: str):
    kind, options = name.split()[0].rstrip(","), PATTERNS[name]
    return ATTENTION_PATTERNS[kind](spec(attention_pattern=kind, **options))


def spec(**options) -> ModelSpec:
    return ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, **{"seq_len": 256} | options)


def tensors(length: int, kv_heads: int = 2, device: str = "cpu", dtype=torch.float32, head_dim: int = 8):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, heads, length, head_dim, generator=generator).to(device, dtype).requires_grad_()
        for heads in (4, kv_heads, kv_heads)
    ]


def results(backend: str, inputs, **options) -> list[torch.Tensor]:
    """Output and the gradients of the inputs."""
    out = causal_attention(*inputs, backend=backend, **options)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out)
    extra = [options["bias"]] if options.get("bias") is not None else []
    return [out, *torch.autograd.grad((out * weight).sum(), [*inputs, *extra])]


def by_hand(query, key, value, seen) -> torch.Tensor:
    group = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(group, dim=1) for x in (key, value))
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / query.shape[-1] ** 0.5
    return torch.where(seen, scores, -torch.inf).softmax(-1) @ value


def test_math_is_the_formula():
    inputs = tensors(50)
    expected = by_hand(*inputs, torch.ones(50, 50, dtype=torch.bool).tril())
    torch.testing.assert_close(causal_attention(*inputs, backend="math"), expected, rtol=1e-5, atol=1e-6)


ON_CPU = [name for name, backend in ATTENTION_BACKENDS.items() if not backend().unusable("cpu")]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("backend", [name for name in ON_CPU if name not in ("math", "flex")])
def test_backends_agree_with_math(backend, pattern, length):
    rule = pattern_of(pattern)
    if why := ATTENTION_BACKENDS[backend]().problem("cpu", pattern=rule):
        with pytest.raises(StudyError, match="does not take pattern"):
            causal_attention(*tensors(length), pattern=rule, backend=backend)
        assert why
        return
    for ours, expected in zip(
        results(backend, tensors(length), pattern=rule), results("math", tensors(length), pattern=rule), strict=True
    ):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_flex_agrees_forwards_and_says_that_it_cannot_train_here(pattern):
    rule = pattern_of(pattern)
    with torch.no_grad():
        ours = causal_attention(*tensors(200), pattern=rule, backend="flex")
        expected = causal_attention(*tensors(200), pattern=rule, backend="math")
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(StudyError, match="no backward pass on a CPU"):
        causal_attention(*tensors(200), pattern=rule, backend="flex")


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("backend", ["blocks", "sdpa"])
def test_a_bias_is_added_to_the_scores(backend, pattern):
    def run(name):
        bias = torch.randn(4, 200, 200, generator=torch.Generator().manual_seed(2)).requires_grad_()
        return results(name, tensors(200), bias=bias, pattern=pattern_of(pattern))

    ours, expected = run(backend), run("math")
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours[0], results("math", tensors(200), pattern=pattern_of(pattern))[0], atol=1e-2)


@pytest.mark.parametrize("backend", ["math", "blocks", "sdpa"])
def test_a_prefix_sees_itself_both_ways(backend):
    prefix = torch.tensor([0, 150])
    place = torch.arange(200)
    inside = place < prefix[:, None]
    seen = (place[None, :] <= place[:, None]) | (inside[:, :, None] & inside[:, None, :])
    inputs = tensors(200)
    ours = results(backend, inputs, prefix_len=prefix)
    torch.testing.assert_close(ours[0], by_hand(*inputs, seen[:, None]), rtol=1e-4, atol=1e-5)
    for a, b in zip(ours, results("math", tensors(200), prefix_len=prefix), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("backend", ["math", "blocks", "sdpa", "flex"])
def test_texts_in_a_row_are_as_each_alone(backend, pattern):
    rule, edges = pattern_of(pattern), ([0, 7, 150, 200], [0, 90, 91, 200])
    begin = torch.stack([torch.repeat_interleave(torch.tensor(e[:-1]), torch.tensor(e).diff()) for e in edges])
    asked = {"begin": begin, "pattern": rule}
    if ATTENTION_BACKENDS[backend]().problem("cpu", begin=True, pattern=rule):
        with pytest.raises(StudyError, match="Blocks' does not take begin with a sparse pattern"):
            causal_attention(*tensors(200), backend=backend, **asked)
        return
    alone = [
        torch.cat([causal_attention(*(x[row : row + 1, :, a:b] for x in inputs), pattern=rule, backend="math")
                   for a, b in pairwise(own)], dim=2)
        for inputs in [tensors(200)] for row, own in enumerate(edges)
    ]  # fmt: skip
    with torch.no_grad():
        ours = causal_attention(*tensors(200), backend=backend, **asked)
    torch.testing.assert_close(ours, torch.cat(alone), rtol=1e-4, atol=1e-5)
    if backend == "flex":
        return  # forwards only, here
    for a, b in zip(results(backend, tensors(200), **asked), results("math", tensors(200), **asked), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_auto_is_always_able():
    for device in ("cpu", "cuda"):
        for length in (256, 4096):
            for pattern in map(pattern_of, PATTERNS):
                for asked in ({}, {"bias": True}, {"prefix_len": True}, {"begin": True}):
                    name = fastest_backend(device, length, pattern=pattern, **asked)
                    backend = ATTENTION_BACKENDS[name]()
                    if not backend.unusable(device):
                        assert backend.problem(device, pattern=pattern, **asked) == ""


def test_a_backend_that_cannot_serve_is_refused_with_those_that_can():
    with pytest.raises(StudyError, match=r"sdpa_cudnn.*not for cpu.*auto, blocks"):
        check_backend("sdpa_cudnn", "cpu")
    with pytest.raises(StudyError, match="does not take pattern"):
        check_backend("sdpa_flash", "cpu", pattern=pattern_of("dilated"))
    check_backend("blocks", "cpu", pattern=pattern_of("bigbird"))


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["dense", "bigbird", "dilated", "strided"])
def test_compiled_blocks_agree(pattern):
    rule = pattern_of(pattern)
    compiled = torch.compile(lambda *inputs: causal_attention(*inputs, pattern=rule), dynamic=False, fullgraph=True)
    first, again = tensors(200), tensors(200)
    expected, ours = causal_attention(*first, pattern=rule, backend="math"), compiled(*again)
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    expected.square().sum().backward(), ours.square().sum().backward()
    for a, b in zip(again, first, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)


# --- patterns


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_reads_no_future_and_counts_its_pairs(pattern):
    rule = pattern_of(pattern)
    place = np.arange(300)
    seen = rule.mask(place[:, None], place[None, :])
    assert not np.triu(seen, 1).any() and seen.diagonal().all()
    assert rule.pairs(300) == seen.sum()
    as_tensors = rule.mask(torch.from_numpy(place)[:, None], torch.from_numpy(place)[None, :])
    assert np.array_equal(as_tensors.numpy(), seen)


def test_windows_are_as_wide_as_they_say():
    place = np.arange(400)
    seen = pattern_of("sliding_window").mask(place[:, None], place[None, :])
    assert seen[300].nonzero()[0].tolist() == list(range(261, 301))
    seen = pattern_of("dilated").mask(place[:, None], place[None, :])
    assert seen[300].nonzero()[0].tolist() == list(range(243, 301, 3))
    seen = pattern_of("strided").mask(place[:, None], place[None, :])
    assert seen[300].nonzero()[0].tolist() == [*range(0, 261, 12), *range(261, 301)]


def test_bigbird_draws_other_blocks_for_each_block():
    rule = ATTENTION_PATTERNS["bigbird"](spec(attention_pattern="bigbird", window=64, random_blocks=3))
    drawn = [tuple(rule.drawn_blocks(block)) for block in range(64)]
    assert drawn[0] == (-1, -1, -1)
    assert all(0 <= one < block for block, several in enumerate(drawn) for one in several if block)
    reach = [(block - one) / block for block, several in enumerate(drawn) for one in several if block > 20]
    assert 0.4 < np.mean(reach) < 0.6 and np.std(reach) > 0.2, "spread over all that came before"
    assert len(set(drawn)) > 55


def test_flops_follow_the_pairs():
    dense = spec(seq_len=1024)
    sparse = dense.replace(attention_pattern="sliding_window", window=64)
    scores = 3 * 2 * 4 * 1024 * 32
    share = sum(min(position + 1, 64) for position in range(1024)) / (1024 * 1025 / 2)
    assert flops_per_token(dense) - flops_per_token(sparse) == pytest.approx(scores * (1 - share))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attention_pattern": "sliding_window"}, "model.window: None is missing"),
        ({"attention_pattern": "dilated", "window": 8}, "model.dilation: None is missing"),
        (
            {"attention_pattern": "dilated", "window": 8, "dilation": 2, "global_tokens": 1},
            "model.global_tokens: 1 is not used by dilated",
        ),
        ({"window": 8}, "model.window: 8 is not used by dense"),
        ({"attention_pattern": "sliding"}, "did you mean sliding_window"),
    ],
)
def test_options_must_fit_the_pattern(options, says):
    from studylib.spec import validated

    with pytest.raises(StudyError, match=says.replace("model.", r"model\.")):
        validated(ModelSpec, {"num_layers": 1, "hidden_size": 32, "num_heads": 2, "vocab_size": 512} | options)


# --- on a GPU


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("backend", [name for name in ATTENTION_BACKENDS if name != "math"])
def test_backends_agree_on_a_gpu(backend, pattern):
    rule, options = pattern_of(pattern), {"device": "cuda", "dtype": torch.bfloat16, "head_dim": 64}
    if why := ATTENTION_BACKENDS[backend]().problem("cuda", pattern=rule):
        pytest.skip(why)
    ours = results(backend, tensors(450, **options), pattern=rule)
    expected = results("math", tensors(450, **options), pattern=rule)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a.float(), b.float(), rtol=5e-2, atol=5e-2)


@pytest.mark.parametrize("head_dim", [6, 16])  # narrow heads go through transposed products
@pytest.mark.parametrize("mask", ["causal", "prefix_len", "begin"])
def test_gradients_written_out_are_those_of_autograd(head_dim, mask):
    length = 150  # a whole block and a part of one
    inputs = tensors(length, dtype=torch.float64, head_dim=head_dim)
    generator = torch.Generator().manual_seed(2)
    options = {"bias": torch.randn(4, length, length, generator=generator, dtype=torch.float64).requires_grad_()}
    if mask == "prefix_len":
        options[mask] = torch.tensor([0, 90])
    elif mask == "begin":
        options[mask] = torch.tensor([0, 100])[:, None] * (torch.arange(length) >= 100)
    for found, expected in zip(results("blocks", inputs, **options), results("math", inputs, **options), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-13)
