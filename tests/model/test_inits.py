"""Initialisations: start values as their papers say, on any topology; which of them carry a learning rate across width."""

from __future__ import annotations

import math

import pytest
import torch

from studylib import StudyError, analysis
from studylib.findings import Coordinates
from studylib.model.gpt import build_gpt
from studylib.model.initialise import orthogonal
from studylib.parallel import world
from studylib.registry import INITS
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, OptimizerSpec, ParallelSpec, TokenizerSpec, TrialSpec
from studylib.train import coordinate_check

MODEL = ModelSpec(num_layers=8, hidden_size=128, num_heads=4, vocab_size=1024, seq_len=32)


def build(init: str, seed: int = 0, **changes):
    with world(ParallelSpec(), torch.device("cpu")) as one:
        return build_gpt(MODEL.replace(init=init, **changes), one, seed=seed)


def deviations(init: str) -> dict[str, float]:
    """Of one matrix of each kind."""
    wanted = {
        "embedding": "token_embedding", "qkv": "3.pp_block.attn.qkv_proj", "o": "3.pp_block.attn.o_proj",
        "up": "3.pp_block.mlp.gate_up_proj", "down": "3.pp_block.mlp.down_proj", "head": "lm_head.pp_block.proj",
    }  # fmt: skip
    parameters = dict(build(init).named_parameters())
    return {
        kind: next(value for name, value in parameters.items() if part in name).std().item()
        for kind, part in wanted.items()
    }


FFN = MODEL.ffn_size
EXPECTED = {
    "normal": dict.fromkeys(("embedding", "qkv", "o", "up", "down", "head"), 0.02),
    "gpt2": dict.fromkeys(("embedding", "qkv", "up", "head"), 0.02) | dict.fromkeys(("o", "down"), 0.02 / 16**0.5),
    "small_init": dict.fromkeys(("embedding", "qkv", "o", "up", "down", "head"), (2 / (5 * 128)) ** 0.5),
    "xavier": {
        "embedding": (2 / (128 + 1024)) ** 0.5, "qkv": (2 / (4 * 128)) ** 0.5, "o": (2 / 256) ** 0.5,
        "up": (2 / (128 + 2 * FFN)) ** 0.5, "down": (2 / (128 + FFN)) ** 0.5, "head": (2 / (128 + 1024)) ** 0.5,
    },
    "orthogonal": {
        "embedding": 0.02, "qkv": 128**-0.5, "o": 128**-0.5, "up": 128**-0.5, "down": FFN**-0.5, "head": 0.02
    },
    "mup": {
        "embedding": 0.04, "qkv": 0.04 * 2**0.5, "o": 0.04 * 2**0.5, "down": 0.04 * (256 / FFN) ** 0.5, "head": 0.01
    },
}  # fmt: skip


@pytest.mark.parametrize("init", EXPECTED)
def test_standard_deviations_are_those_of_the_papers(init):
    found = deviations(init)
    for kind, expected in EXPECTED[init].items():
        assert found[kind] == pytest.approx(expected, rel=0.02), kind


@pytest.mark.parametrize("init", INITS)
def test_the_first_loss_is_near_that_of_a_uniform_guess_and_seeds_differ(init):
    tokens = torch.randint(0, 1024, (8, 33), generator=torch.Generator().manual_seed(1))
    first, other = build(init), build(init, seed=1)
    loss = first(input_ids=tokens[:, :-1], label_ids=tokens[:, 1:])["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1024), rel=0.1)
    for (name, one), two in zip(first.named_parameters(), other.parameters(), strict=True):
        assert one.grad.abs().sum() > 0, name
        assert torch.equal(one, two) == (one.ndim == 1), name


@pytest.mark.parametrize("shape", [(64, 64), (192, 64), (64, 192)])
def test_orthogonal_matrices_have_equal_singular_values(shape):
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(0))))
    assert values.numpy() == pytest.approx(shape[1] ** 0.5, rel=1e-4)


def test_orthogonal_layers_keep_lengths():
    attention = build("orthogonal").model.decoder[0].pp_block.attn
    for weight, gain in ((attention.qkv_proj.weight, 3**0.5), (attention.o_proj.weight, 1.0)):
        assert torch.linalg.svdvals(weight.detach()).numpy() == pytest.approx(gain, rel=1e-4)


def test_depth_is_answered_as_each_parametrisation_says():
    """Eight layers, twice the base depth: what multiplies branches, and Adam's rate for hidden matrices (width 1/2)."""
    multipliers = {init: INITS[init](MODEL).residual_multiplier for init in INITS}
    rates = {init: INITS[init](MODEL).rule("hidden", 128, 128).lr_scale for init in INITS}
    assert multipliers == pytest.approx(dict.fromkeys(INITS, 1.0) | {"completep": 0.5, "depth_mup": 0.5**0.5})
    expected = dict.fromkeys(INITS, 1.0) | {"completep": 2.0, "mup": 2.0, "depth_mup": 2.0 * 0.5**0.5}
    assert rates == pytest.approx(expected)


def test_at_the_base_shape_the_three_of_mups_family_are_one():
    base = MODEL.replace(num_layers=4, hidden_size=256)
    rules = [[INITS[init](base).rule(role, 256, 256) for role in ("hidden", "norm", "head")] for init in FAMILY]
    assert rules[0] == rules[1] == rules[2]


FAMILY = ("completep", "depth_mup", "mup")


@pytest.fixture(scope="module")
def checked():
    spec = TrialSpec(
        model=ModelSpec(num_layers=2, hidden_size=64, num_heads=4, vocab_size=256, seq_len=32),
        data=DataSpec(tokenizer=TokenizerSpec(vocab_size=256)),
        optimizer=OptimizerSpec(learning_rate=4e-3, weight_decay=0.0), train_steps=4, global_batch_size=4,
        compute=ComputeSpec(device="cpu", dtype="float32", compile="none"),
    )  # fmt: skip
    records = []
    for init in ("mup", "normal"):
        records += coordinate_check(spec.replace(**{"model.init": init}), [64, 128, 256, 512], steps=4, seeds=(0, 1, 2))
    return records


def test_updates_are_flat_in_width_under_mup_and_grow_under_the_standard_parametrisation(checked):
    found = analysis.growth_with_width(checked)
    power = {(row["init"], row["where"]): row["power"] for row in found.iter_rows(named=True)}
    layers = ["embedding", "layer 1", "layer 2", "logits"]
    assert all(abs(power["mup", where]) < 0.3 for where in layers), power
    assert power["normal", "logits"] > 0.6 and power["normal", "layer 2"] > 0.4, power
    flat = found.filter((found["init"] == "mup") & found["flat"])
    assert len(flat) == 4


def test_the_check_draws_and_refuses(checked, tmp_path):
    found = Coordinates.of(checked)
    saved = found.save(tmp_path)
    assert (tmp_path / saved.file).stat().st_size > 10_000
    figure = found.figure()
    assert len(figure.axes) == 2 and "after 4 steps" in figure.axes[0].get_ylabel()
    assert Coordinates.of([]) is None
    with pytest.raises(StudyError, match="a slope needs two"):
        analysis.growth_with_width([one for one in checked if one["width"] == 64])
