"""Every choice of the model computes the same on several processes, and compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch._dynamo
from choices_runner import numbers, write_numbers
from every_choice import CHOICES, batch, build
from several import SHARP, on_processes

from studylib.choices.execution import Execution
from studylib.files import read_json
from studylib.spec import ModelSpec, ParallelSpec


def launch(models: dict[str, ModelSpec], layout: dict[str, int], folder: Path) -> dict[str, list[float]]:
    """Numbers on several processes, all models in one process group."""
    parallel = ParallelSpec(**layout)
    on_processes(parallel.world_size, write_numbers, models, parallel, folder / "found.json")
    return read_json(folder / "found.json")


def differing(expected: dict[str, list[float]], found: dict[str, list[float]]) -> dict[str, tuple]:
    assert expected.keys() == found.keys()
    still = {name: curve for name, curve in expected.items() if not curve[0] - curve[-2] > 0.05}
    assert still == {}, "curves must move for this to mean anything"
    return {
        name: (expected[name], found[name])
        for name in expected
        if found[name] != pytest.approx(expected[name], rel=SHARP)
    }


@pytest.mark.slow
def test_every_choice_has_equal_numbers_on_two_tensor_parallel_ranks(tmp_path):
    assert differing(numbers(CHOICES, ParallelSpec()), launch(CHOICES, {"tp": 2}, tmp_path)) == {}


ACROSS_STAGES = (
    "position learned", "position t5", "qk_norm", "tied", "alibi, tied, parallel", "deepnorm, layernorm, learned",
    "mixer rwkv7", "rwkv7, five layers, two attention",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [{"pp": 2}, {"tp": 2, "pp": 2}], ids=["pp2", "tp2-pp2"])
def test_what_lies_on_other_stages_has_equal_numbers_there(parallel, tmp_path):
    models = {name: CHOICES[name] for name in ACROSS_STAGES}
    assert differing(numbers(models, ParallelSpec()), launch(models, parallel, tmp_path)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deepnorm, layernorm, learned", "alibi, tied, parallel"])
def test_compiled_layers_compute_the_same(name):
    """Layers share one graph: they differ by their weights only."""
    model = CHOICES[name].replace(num_layers=4)
    torch._dynamo.reset()
    plain, compiled = build(model), build(model, execution=Execution(compile="layer"))
    with torch._dynamo.config.patch(error_on_recompile=True):
        a, b = plain(**batch(model))["loss"], compiled(**batch(model))["loss"]
        a.backward(), b.backward()
    assert a.item() == pytest.approx(b.item(), rel=1e-5)
    for (name, first), second in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(first.grad, second.grad, rtol=1e-3, atol=1e-5, msg=name)
