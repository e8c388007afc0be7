"""The chunked loss is the plain one: value, gradients, labels that do not count."""

from __future__ import annotations

import sys

import pytest
import torch
from torch.nn import functional as F

from studylib.choices.execution import Execution
from studylib.model.gpt import build_gpt
from studylib.parallel import world
from studylib.registry import CROSS_ENTROPIES
from studylib.spec import ModelSpec, ParallelSpec

MODEL = ModelSpec(num_layers=2, hidden_size=32, num_heads=4, vocab_size=512, seq_len=32)


def run(kind: str, labels: torch.Tensor, *, recompute: str = "none") -> tuple[float, dict[str, torch.Tensor]]:
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(MODEL, one, seed=0, execution=Execution(cross_entropy=kind, recompute=recompute))
    tokens = torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(1))
    loss = gpt(input_ids=tokens, label_ids=labels)["loss"]
    (3 * loss).backward()
    return loss.item(), {name: parameter.grad for name, parameter in gpt.named_parameters()}


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(2))


@pytest.fixture
def many_chunks(monkeypatch):
    module = sys.modules[CROSS_ENTROPIES["chunked"].__module__]
    monkeypatch.setitem(
        module.CHUNK_LOGITS, "cpu", 512 * 24
    )  # 24 tokens of 128 at a time: six chunks, the last one short


def assert_same(ours, expected) -> None:
    assert ours[0] == pytest.approx(expected[0], rel=1e-6)
    for name, gradient in expected[1].items():
        torch.testing.assert_close(ours[1][name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("ignored", [0, 50])
def test_chunked_is_plain(labels, many_chunks, ignored):
    labels.flatten()[:ignored] = -100
    assert_same(run("chunked", labels), run("plain", labels))


def test_labels_that_do_not_count_are_left_out_of_the_mean(labels):
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(MODEL, one, seed=0)
    logits = gpt.logits(labels.roll(1))
    labels[:, :20] = -100
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
    gpt.model.lm_head.pp_block.cross_entropy = "chunked"
    with torch.no_grad():
        tokens = torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(2)).roll(1)
        assert gpt(input_ids=tokens, label_ids=labels)["loss"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_recomputed_layers_give_the_same_gradients_and_keep_less(labels):
    assert_same(run("plain", labels, recompute="layer"), run("plain", labels))
    kept = {}
    for recompute in ("none", "layer"):
        with world(ParallelSpec(), torch.device("cpu")) as one:
            gpt = build_gpt(MODEL, one, seed=0, execution=Execution(recompute=recompute))
        sizes: list[int] = []

        def count(tensor: torch.Tensor, sizes=sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            gpt.model.hidden_states(labels)
        kept[recompute] = sum(sizes)
    assert kept["layer"] < kept["none"] / 5


@pytest.mark.slow
@pytest.mark.parametrize("execution", [Execution("auto", "chunked", "layer", "layer")])
def test_compiled_chunks_and_recomputed_layers_agree(labels, many_chunks, execution):
    with world(ParallelSpec(), torch.device("cpu")) as one:
        gpt = build_gpt(MODEL, one, seed=0, execution=execution)
    tokens = torch.randint(0, 512, (4, 32), generator=torch.Generator().manual_seed(1))
    labels[:, :5] = -100
    loss = gpt(input_ids=tokens, label_ids=labels)["loss"]
    (3 * loss).backward()
    assert_same((loss.item(), {name: p.grad for name, p in gpt.named_parameters()}), run("plain", labels))
