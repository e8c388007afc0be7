"""Every choice of the model, whatever its name: alive, counted, well started, causal, resumed to the bit."""

from __future__ import annotations

import math

import pytest
import torch
from every_choice import BASE, CHOICES, batch, build, each
from torch.utils.flop_counter import FlopCounterMode

from studylib.model.cost import flops_per_token, parameter_count
from studylib.train import train


@pytest.fixture(scope="module")
def base_logits() -> torch.Tensor:
    with torch.no_grad():
        return build(BASE).logits(batch(BASE)["input_ids"])


@each
def test_it_changes_the_forward_pass_and_every_parameter_learns(model, base_logits):
    built = build(model)
    logits = built.logits(batch(model)["input_ids"])
    assert logits.isfinite().all()
    if model != BASE:
        assert (logits - base_logits).abs().max() > 1e-3 * base_logits.std()
    built(**batch(model))["loss"].backward()
    idle = [name for name, value in built.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert idle == []


@each
def test_parameters_are_counted_exactly(model):
    built, counted = build(model), parameter_count(model)
    assert sum(parameter.numel() for parameter in built.parameters()) == counted.total
    tables = [
        parameter.numel()
        for name, parameter in built.named_parameters()
        if "token_position_embeddings" in name or "lm_head.pp_block.proj" in name
    ]
    assert sum(tables) == counted.embedding


@each
def test_flops_agree_with_torchs_counter(model):
    built = build(model)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        built(**batch(model))["loss"].backward()
    counted = flops_per_token(model) * 4 * model.seq_len
    assert counter.get_total_flops() == pytest.approx(counted, rel=1e-3)


@each
def test_first_loss_is_that_of_a_uniform_guess(model):
    loss = build(model)(**batch(model, rows=16))["loss"].item()
    assert loss == pytest.approx(math.log(model.vocab_size), rel=0.1)


@each
def test_no_position_sees_the_future(model):
    built, tokens = build(model), batch(model)["input_ids"]
    changed = tokens.clone()
    changed[:, 20] = (changed[:, 20] + 1) % model.vocab_size
    with torch.no_grad():
        difference = (built.logits(tokens) - built.logits(changed)).abs().amax(dim=(0, 2))
    # what precedes may move by rounding where a mixer works on whole chunks
    assert difference[:20].max() <= 1e-5
    assert difference[20:].min() > 0


@each
def test_bf16_autocast_gives_nearly_the_same_loss(model):
    built = build(model)
    exact = built(**batch(model))["loss"].item()
    with torch.autocast("cpu", torch.bfloat16):
        rough = built(**batch(model))["loss"]
    rough.backward()
    assert rough.item() == pytest.approx(exact, rel=0.02)


# What has parameters or a state of its own; activations and starting values have none that a checkpoint could lack.
KEPT = ("norm", "position", "residual", "mixer", "qk_norm", "tied", "rwkv7, five layers, two attention")


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in CHOICES if one in KEPT or one.split()[0] in KEPT])
def test_resumed_training_is_bit_identical(name, tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(model=CHOICES[name], train_steps=5, eval_tokens=128, checkpoint_every=2)

    def stop(record: dict) -> None:
        if record["step"] == 3:
            raise KeyboardInterrupt

    whole = train(spec.replace(checkpoint_every=0), tmp_path / "whole", data_folder=data_folder)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path / "parts", data_folder=data_folder, on_metrics=stop)
    parts = train(spec, tmp_path / "parts", data_folder=data_folder)
    assert (parts["train_loss"], parts["val_loss"]) == (whole["train_loss"], whole["val_loss"])
